"""Exact conditions around round holes, and with a known part of the solution."""

import pytest
import torch

from sapts_pinn import Dirichlet, Initial, Neumann, Problem
from sapts_pinn.geometry import Ball, Box, Time
from sapts_pinn.problems.ansatz.outline import Outline

BOX = Box((0, 0), (2, 1))


def ball(x, y=0.5, r=0.2, tag="hole"):
    return Ball((x, y), r, tag=tag)


def worst(problem, condition, n=300):
    """How far the ansatz with an arbitrary network is from a Dirichlet condition."""
    points = condition.sites(problem.domain, n, torch.Generator().manual_seed(0), "uniform").points
    name, ansatz = condition.unknown, problem.ansatz
    u = torch.cos(7 * ansatz.features(points).sum(1))
    if ansatz.factor[name] is not None:
        u = u * ansatz.factor[name](points)
    if ansatz.extension[name] is not None:
        u = u + ansatz.extension[name](points)
    columns = dict(zip(problem.domain.names, points.unbind(1), strict=True))
    value = condition.value
    if callable(value):
        value = value(*(columns[name] for name in value.__code__.co_varnames[: value.__code__.co_argcount]))
    return (u - value).abs().max()


def test_two_holes_and_varying_data():
    conditions = [
        Dirichlet("u", lambda x, y: x * y, on=BOX.faces),
        Dirichlet("u", 3.0, on="left"),
        Dirichlet("u", -1.0, on="right"),
    ]
    domain = BOX - ball(0.5, tag="left") - ball(1.3, tag="right")
    problem = Problem(domain, "u", lambda u: u.xx + u.yy, conditions)
    assert len(problem.terms) == 1
    for condition in conditions:
        assert worst(problem, condition) < 1e-12
    points = domain.interior(2000, torch.Generator().manual_seed(1))
    assert torch.isfinite(problem.ansatz.extension["u"](points)).all()


def test_a_hole_in_time():
    domain = (BOX - ball(1.0)) * Time(0, 1)
    conditions = [Dirichlet("u", 0.0, on=BOX.faces), Dirichlet("u", 0.0, on="hole"), Initial("u", 0.0)]
    problem = Problem(domain, "u", lambda u: u.t - u.xx - u.yy - 1, conditions)
    assert len(problem.terms) == 1 and worst(problem, conditions[1]) < 1e-12
    conditions[1] = Dirichlet("u", 1.0, on="hole")
    with pytest.warns(UserWarning, match="u on hole and on t=0 differ|u on .*hole"):
        Problem(domain, "u", lambda u: u.t - u.xx - u.yy, conditions)


@pytest.mark.parametrize(
    ("domain", "exact"),
    [
        (BOX - ball(1.0), True),
        (BOX - ball(0.1), False),  # open to the side
        (BOX - ball(0.5) - ball(0.8), False),  # overlapping
        (BOX - (ball(0.5) & ball(0.6)), False),  # no ball
        (Ball((0, 0), 2, tag="outer") - Ball((0.5, 0), 1, tag="hole"), True),
    ],
)
def test_where_a_hole_is_exact(domain, exact):
    condition = Dirichlet("u", 1.0, on="hole" if "hole" in domain.faces else None)
    rest = [face for face in domain.faces if face not in condition.faces(domain)]
    others = [Neumann("u", 0.0, on=rest, hard=False)] if rest else []
    problem = Problem(domain, "u", lambda u: u.xx + u.yy, [condition, *others])
    assert (len(problem.terms) == 1 + len(others)) == exact
    if exact:
        assert worst(problem, condition) < 1e-12


def test_faces_of_the_box_are_exact_where_the_hole_is_not():
    side, hole = Dirichlet("u", 0.0, on="x=0"), Neumann("u", 1.0, on="hole")
    rest = Neumann("u", 0.0, on=["x=2", "y"], hard=False)
    problem = Problem(BOX - ball(0.0), "u", lambda u: u.xx + u.yy, [side, hole, rest])
    assert [term.name for term in problem.terms] == [
        "equation",
        "normal derivative of u on hole",
        "normal derivative of u on x=2, y=0, y=1",
    ]
    assert worst(problem, side) < 1e-12


def test_outline_of_other_domains_is_that_of_their_factors():
    union = BOX | ball(0.5)
    assert Outline.of(union) == Outline((union,), ())


def test_a_known_part():
    """Conditions hold for the sum, and a part that jumps in a corner leaves them exact up to the corner."""
    jump = lambda x, y: 2 / torch.pi * torch.atan2(x, 1 - y + 1e-16)  # one on the lid, zero on the left wall
    exact = [Dirichlet("u", 1.0, on="y=1"), Dirichlet("u", 0.0, on="x=0")]
    conditions = [*exact, Neumann("u", 0.0, on=["x=2", "y=0"], hard=False)]
    problem = Problem(BOX, "u", lambda u: u.xx + u.yy, conditions, particular={"u": jump})
    assert len(problem.terms) == 2
    for condition in exact:
        assert worst(problem, condition) < 1e-7
    wall = torch.tensor([[0.0, 0.5], [0.0, 1.0]], dtype=torch.float64)
    assert problem.ansatz.extension["u"](wall).abs().max() < 1e-6
    for part in ({"w": jump}, {"u": 1.0}):
        with pytest.raises(
            ValueError, match=r"^particular: .*; give functions of the coordinates by unknown"
        ):
            Problem(BOX, "u", lambda u: u.xx + u.yy, conditions, particular=part)
