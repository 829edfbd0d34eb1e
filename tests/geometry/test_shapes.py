"""Shapes: distance, measure, faces, messages."""

import math

import pytest
import torch

from draws import rng
from probes import around, gradient
from sample_domains import L_VERTICES, SETS, SHAPES
from sapts_pinn.geometry import Ball, Box, Domain, Interval, Polygon, Time


@pytest.mark.parametrize("domain", SHAPES, ids=repr)
def test_distance_has_a_unit_gradient_by_autograd(domain: Domain) -> None:
    x = around(domain, 500)
    g = gradient(domain, x)
    assert torch.allclose(torch.linalg.vector_norm(g, dim=1), torch.ones(500, dtype=torch.float64))
    step = 1e-6 * torch.randn(x.shape, generator=rng(), dtype=torch.float64)
    change = domain.distance(x + step) - domain.distance(x - step)
    assert torch.allclose(change, 2 * (g * step).sum(1), atol=1e-8)


@pytest.mark.parametrize("domain", SHAPES, ids=repr)
def test_volume_against_monte_carlo(domain: Domain) -> None:
    lower, upper = domain.bounds
    x = lower + (upper - lower) * torch.rand(20_000, domain.dim, generator=rng(1), dtype=torch.float64)
    share = float(domain.inside(x).double().mean())
    assert domain.volume == pytest.approx(float((upper - lower).prod()) * share, rel=0.05)


def test_known_measures() -> None:
    assert Ball((0, 0, 0), 2).volume == pytest.approx(32 / 3 * math.pi)
    assert Polygon(L_VERTICES).volume == pytest.approx(3)
    assert (Ball((0, 0), 1) * Time(0, 3)).volume == pytest.approx(3 * math.pi)
    assert SETS[0].volume is None and (SETS[0] * Time(0, 1)).volume is None
    areas = {p.tag: p.measure for p in (Ball((0, 0), 2) * Time(0, 3)).face_patches()}
    assert areas == pytest.approx({"sphere": 12 * math.pi, "t=0": 4 * math.pi, "t=3": 4 * math.pi})


def test_numbers_in_tags() -> None:
    assert Interval(-0.0, 0.25).faces == ("x=0", "x=0.25")
    assert Interval(1, 1 + 1e-9).faces == ("x=1.0", "x=1.000000001")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Interval(1, 1), "lower < upper; got x from 1 to 1"),
        (lambda: Interval(0, math.inf), "finite"),
        (lambda: Interval(0, 1, name="2x"), "identifier"),
        (lambda: Interval(0, 1, name="lambda"), "identifier"),
        (lambda: Box((0, 0), (1,)), "got 2 and 1"),
        (lambda: Box((0, 0), (1, 1), names=("x", "x")), "used once"),
        (lambda: Box((0, 0), (1, 1), names=("x",)), "2 coordinates need 2 names"),
        (lambda: Ball((0, 0), -1), "radius of a ball must be positive; got -1"),
        (lambda: Ball((0, math.nan), 1), "finite"),
        (lambda: Ball((0, 0), 1, tag="x"), "face tag"),
    ],
)
def test_messages(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("dim", [1, 2, 3, 5])
def test_distance_of_a_ball_and_its_normals(dim: int) -> None:
    ball = Ball([0.5] * dim, 2)
    x = torch.randn(50, dim, generator=rng(), dtype=torch.float64)
    offset = (x - 0.5).square().sum(1).sqrt()
    assert torch.allclose(ball.distance(x), offset - 2, atol=1e-14)
    b = ball.boundary(50, rng())
    assert torch.allclose(b.normals, (b.points - 0.5) / 2, atol=1e-12)


def test_time_has_ends_that_are_no_boundary_in_space() -> None:
    time = Time(0, 2)
    assert time.faces == ("t=0", "t=2") and time.spatial_faces == () and time.names == ("t",)
    x = torch.tensor([[-1.0], [0.5], [5.0]], dtype=torch.float64)
    assert time.distance(x).tolist() == [1, -0.5, 3]


def test_a_ball_shows_its_tag_where_it_has_one() -> None:
    assert repr(Ball((0, 0), 1)) == "Ball([0.0, 0.0], 1, names=('x', 'y'))"
    assert repr(Ball((0, 0), 1, tag="bolt")) == "Ball([0.0, 0.0], 1, names=('x', 'y'), tag='bolt')"


def test_coordinates_in_decades() -> None:
    time = Time(0, 1e4, log=1e-4)
    u = torch.linspace(0, 1, 11, dtype=torch.float64)
    assert torch.allclose(time.to_unit(time.from_unit(u)), u, atol=1e-12)
    assert float(time.from_unit(u)[-1]) == pytest.approx(1e4)
    assert 0.4 < float((time.interior(4_000, rng()) < 1).double().mean()) < 0.6
    assert repr(time) == "Time(0, 10000, name='t', log=0.0001)"
    later = time.part(10.0, 1e4)
    x = torch.tensor([10.0, 100.0, 1e4], dtype=torch.float64)
    slope = torch.diff(time.to_unit(x)) / torch.diff(later.to_unit(x))
    assert slope[0] == pytest.approx(float(slope[1]), rel=1e-9)  # the same logarithm
