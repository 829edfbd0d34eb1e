"""Places at which functions of the coordinates are examined."""

import pytest
import torch

from sapts_pinn.geometry import Ball, Box, Interval, Time
from sapts_pinn.problems.symmetry.places import (
    OPAQUE,
    POINTS,
    face_places,
    face_points,
    interior_places,
    interior_points,
)

SQUARE = Box((0, 0), (1, 1))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def window(points: torch.Tensor) -> torch.Tensor:
    """One in a square of side 2e-4 about (0.3, 0.6)."""
    return ((points - torch.tensor([0.3, 0.6])).abs() < 1e-4).all(1).double()


def test_a_narrow_window_is_missed_by_many_points_and_found_by_places():
    many, places = (f(SQUARE, window, generator()) for f in (interior_points, interior_places))
    assert len(many) == POINTS and SQUARE.inside(many).all() and window(many).sum() == 0
    assert SQUARE.inside(places).all() and window(places).sum() > 0


def test_a_function_that_leaves_torch_gets_more_points():
    opaque = lambda p: torch.from_numpy(p.numpy()[:, 0] ** 2)
    assert len(interior_points(SQUARE, opaque, generator())) == OPAQUE * POINTS
    assert len(interior_points(Interval(0, 1), opaque, generator())) == POINTS


@pytest.mark.parametrize(
    ("domain", "face"), [(SQUARE * Time(0, 1), "x=1"), (Ball((0, 0), 1) * Time(0, 1), "sphere")]
)
def test_a_burst_on_a_face_is_found(domain, face):
    burst = lambda x, normals: ((x[:, -1] - 0.4).abs() < 1e-5).double() * normals.abs().sum(1)
    drawn = face_points(domain, face, burst, generator())
    assert drawn.tags == (face,) and burst(drawn.points, drawn.normals).sum() == 0
    points, normals = face_places(domain, face, burst, drawn, generator())
    assert burst(points, normals).max() > 0
    assert float(domain.distance(points).abs().max()) < 1e-9
    assert torch.allclose(normals.norm(dim=1), torch.ones(len(normals), dtype=torch.float64))


def test_a_face_that_is_a_point_has_no_places():
    line, one = Interval(0, 1), lambda x, normals: x[:, 0]
    drawn = face_points(line, "x=0", one, generator())
    assert len(drawn.points) == 1 and len(face_places(line, "x=0", one, drawn, generator())[0]) == 0
