"""Regions of shapes: which part holds a point, where parts touch, planes and spheres of the contacts."""

import pytest
import torch
from torch import Generator

from sapts_pinn.geometry import Ball, Box, Interval, Polygon, Time
from sapts_pinn.geometry.regions import Level


def halves(**more):
    return Interval(0, 1).with_regions({"left": Interval(0, 0.3), "right": Interval(0.3, 1), **more})


def plug(inner):
    outer = Box((0, 0), (2, 1))
    return outer.with_regions({"plate": outer - inner, "plug": inner})


def contacts(domain, n=200):
    return domain.regions.touching(n, Generator().manual_seed(1), "uniform", [])


def test_every_point_lies_in_one_part_the_edge_included():
    regions = halves().regions
    assert regions.labels == ("left", "right")
    x = torch.tensor([[0.0], [0.1], [0.3 - 1e-11], [0.3 + 1e-11], [1.0]], dtype=torch.float64)
    assert regions.number(x).tolist() == [0, 0, 0, 1, 1]


def test_points_and_normals_of_a_contact():
    points, normals = contacts(plug(Ball((0.5, 0.5), 0.25)))
    away = points - torch.tensor([0.5, 0.5], dtype=torch.float64)
    torch.testing.assert_close(away.norm(dim=1), torch.full((200,), 0.25, dtype=torch.float64))
    torch.testing.assert_close(normals, -away / 0.25)  # out of the plate, which is the first
    assert not torch.isclose(points[:, 0], torch.tensor(0.0, dtype=torch.float64)).any()


def test_planes_and_spheres_that_are_contacts_altogether():
    assert halves().regions.levels == (Level((0.3,), 0.0, 0),)
    assert plug(Ball((0.5, 0.5), 0.25)).regions.levels == (Level((0.5, 0.5), 0.25),)
    assert plug(Box((0, 0), (0.5, 1))).regions.levels == (Level((0.5, 0.0), 0.0, 0),)
    # a plane that goes on inside the plate, beyond the plug, must not bend the network there
    assert plug(Box((0.5, 0.25), (1, 0.75))).regions.levels == ()
    assert plug(Polygon([(0.5, 0.2), (1, 0.2), (0.7, 0.8)])).regions.levels == ()


@pytest.mark.parametrize("level", [Level((0.2, 0.4), 0.3), Level((0.2, 0.4), 0.0, 1)])
def test_a_level_is_the_distance_near_its_surface(level):
    points = torch.rand(50, 2, generator=Generator().manual_seed(3), dtype=torch.float64)
    foot, normal = level.foot(points), level.normal(level.foot(points))
    assert level(foot).abs().max() < 1e-15
    torch.testing.assert_close(
        level(foot + 1e-6 * normal), torch.full((50,), 1e-6, dtype=torch.float64), rtol=1e-5, atol=0
    )


def test_products_and_differences_keep_the_regions():
    assert (halves() * Time(0, 1)).regions.labels == ("left", "right")
    plate = plug(Ball((0.5, 0.5), 0.25)) - Ball((1.5, 0.5), 0.2)
    assert plate.regions.labels == ("plate", "plug")
    assert Interval(0, 1).regions is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Interval(0, 1).with_regions({"a": Interval(0, 1)}), r"at least two parts, .*; got 'a'$"),
        (lambda: halves(again=Interval(0.5, 1)), r"several regions hold the point x=.*left, right, again$"),
        (
            lambda: Interval(0, 1).with_regions({"a": Interval(0, 0.3), "b": Interval(0.4, 1)}),
            r"no region holds the point x=0\.3.*has to lie in one of a, b$",
        ),
        (
            lambda: (Interval(0, 1) * Time(0, 1)).with_regions(
                {"a": Interval(0, 0.3), "b": Interval(0.3, 1)}
            ),
            r"'a' has the coordinates \(x\), its domain \(x, t\); .* multiply by Time afterwards$",
        ),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_parts_that_touch_nowhere_have_nothing_to_join():
    islands = (Interval(0, 1) | Interval(2, 3)).with_regions({"a": Interval(0, 1), "b": Interval(2, 3)})
    with pytest.raises(ValueError, match=r"^the regions a, b touch nowhere"):
        contacts(islands)
