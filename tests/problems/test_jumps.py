"""Places where prescribed values jump."""

import warnings

import pytest
import torch

from sapts_pinn.geometry import Ball, Box, Domain, Interval, Polygon, Time
from sapts_pinn.problems import Condition, Dirichlet, Initial, Neumann, Problem
from sapts_pinn.problems.jumps import ZONE

SQUARE = Box((0, 0), (1, 1))
POLYGON = Polygon([(0, 0), (1, 0), (1, 1), (0, 1)])
EDGES = list(POLYGON.faces)


def laplace(domain: Domain, *conditions: Condition) -> Problem:
    """u_t = laplace u, without u_t where there is no time."""
    timed = "t" in domain.names

    def equation(u):  # type: ignore[no-untyped-def]
        second = sum((u.d(n, n) for n in domain.names if n != "t"), 0.0 * u)
        return u.t - second if timed else second

    with warnings.catch_warnings():  # most of these conditions contradict each other on purpose
        warnings.simplefilter("ignore")
        return Problem(domain, "u", equation, conditions)


@pytest.mark.parametrize(
    ("problem", "corners"),
    [
        (
            laplace(Interval(0, 1) * Time(0, 1), Dirichlet("u", 1.0, on="x=0"), Initial("u", 0.0)),
            [(0.0, 0.0)],
        ),
        (
            laplace(SQUARE, Dirichlet("u", 1.0, on="y=1"), Dirichlet("u", 0.0, on=["x", "y=0"])),
            [(0.0, 1.0), (1.0, 1.0)],
        ),
        (
            laplace(POLYGON, Dirichlet("u", 1.0, on=EDGES[0]), Dirichlet("u", 0.0, on=EDGES[1:])),
            [(0.0, 0.0), (1.0, 0.0)],
        ),
        (
            laplace(SQUARE, Dirichlet("u", lambda x: 1 - x, on="y=1"), Dirichlet("u", 0.0, on=["x", "y=0"])),
            [(0.0, 1.0)],
        ),
    ],
)
def test_the_places_are_the_corners_where_values_differ(
    problem: Problem, corners: list[tuple[float, float]]
) -> None:
    at = torch.tensor(corners, dtype=torch.float64)
    found = torch.cdist(problem.jumps.places, at)
    assert found.amin(1).max() < 2e-3 and found.amin(0).max() < 2e-3
    assert problem.jumps.sizes["u"] == pytest.approx(1.0)
    assert problem.jumps.near(at).all()
    away = at + (0.5 - at).sign() * 1.5 * ZONE
    assert not problem.jumps.near(away).any()
    assert problem.jumps.distance(away) == pytest.approx(1.5 * ZONE, abs=2e-3)


def test_a_hot_disc_boundary_and_a_cold_start_jump_all_around() -> None:
    heat = laplace(Ball((0, 0), 1.0) * Time(0, 2), Dirichlet("u", 80.0), Initial("u", 0.0))
    r = heat.jumps.places[:, :2].norm(dim=1)
    assert len(r) > 100 and (r - 1).abs().max() < 1e-6 and heat.jumps.places[:, 2].abs().max() < 1e-6
    assert heat.jumps.sizes == {"u": pytest.approx(80.0)}


@pytest.mark.parametrize(
    "problem",
    [
        laplace(
            Interval(0, 1) * Time(0, 1),
            Dirichlet("u", 0.0, on="x"),
            Initial("u", lambda x: torch.sin(torch.pi * x)),
        ),
        laplace(
            POLYGON,
            Dirichlet("u", lambda x, y: x + 2 * y, on=EDGES[0]),
            Dirichlet("u", lambda x, y: x + 2 * y, on=EDGES[1:]),
        ),
        laplace(SQUARE, Neumann("u", 1.0, on="y=1"), Dirichlet("u", 0.0, on=["x", "y=0"])),
        laplace(
            SQUARE - Ball((0.5, 0.5), 0.2, tag="hole"),
            Dirichlet("u", 1.0, on="hole"),
            Dirichlet("u", 0.0, on=["x", "y"]),
        ),
    ],
)
def test_values_that_fit_or_never_meet_have_no_jumps(problem: Problem) -> None:
    assert not len(problem.jumps.places) and problem.jumps.sizes == {}
    assert not problem.jumps.near(problem.domain.interior(100, torch.Generator())).any()


def with_a_hole(domain: Domain, centre: tuple[float, ...], value: float, cold: list[str]) -> Problem:
    """Heat in a body with a hot hole, cold faces and a cold start."""
    timed = (domain - Ball(centre, 0.25, tag="hole")) * Time(0, 1)
    return laplace(timed, Dirichlet("u", value, on="hole"), Dirichlet("u", 0.0, on=cold), Initial("u", 0.0))


@pytest.mark.parametrize(
    ("domain", "centre"), [(Box((0, 0), (1, 1)), (0.5, 0.0)), (Box((0, 0, 0), (1, 1, 1)), (0.5, 0.5, 0.0))]
)
def test_a_hot_hole_that_cuts_a_cold_face_jumps_along_the_cut(
    domain: Domain, centre: tuple[float, ...]
) -> None:
    last = domain.names[-1]
    hot = with_a_hole(domain, centre, 1.0, [f"{last}=0"]).jumps
    r = (hot.places[:, : len(centre)] - torch.tensor(centre).double()).norm(dim=1)
    at_the_face = hot.places[:, len(centre) - 1].abs() < 0.01
    later = hot.places[:, -1] > 0.01
    assert (at_the_face & later).any(), "along the cut, at any time"
    assert (r - 0.25).abs()[at_the_face & later].max() < 0.01
    assert (hot.places[:, -1].abs() < 1e-6)[~later].any(), "and all around the hole at the start"
    cold = with_a_hole(domain, centre, 0.0, [f"{last}=0"]).jumps
    assert not len(cold.places)
