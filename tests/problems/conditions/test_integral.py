"""Prescribed integrals: nodes, values, what they fix, symmetries, refusals."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator

from sapts_pinn import (
    Coefficient,
    Dirichlet,
    Initial,
    IntegralCondition,
    Neumann,
    Observations,
    Problem,
    solve,
)
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Ball, Box, Interval, Polygon, Time
from sapts_pinn.problems.fields import Field

UNIT = Interval(0, 1)


def value(condition, domain, functions):
    """Residuals of a condition for given functions of the points, by multi-index."""
    sites = condition.sites(domain, 512, Generator().manual_seed(1), "sobol")
    field = Field("u", domain.names, lambda index: functions[index](*sites.points.unbind(1)))
    (row,) = condition.residual({"u": field}, sites, domain, {})
    return row


@pytest.mark.parametrize(
    ("domain", "function", "exact"),
    [
        (UNIT, lambda x: torch.exp(x), math.e - 1),
        (Box((0, 0), (2, 1)), lambda x, y: x * y**2, 2 / 3),
        (Ball((0.0, 0.0), 1.0), lambda x, y: x**2 + y, math.pi / 4),
        (Polygon([(0, 0), (1, 0), (0, 1)]), lambda x, y: x * y, 1 / 24),
    ],
)
def test_the_whole_space(domain, function, exact):
    row = value(IntegralCondition(lambda u: u, exact), domain, {(): function})
    assert row.shape == (1,)
    assert abs(float(row)) < 1e-12


def test_all_of_space_at_every_time():
    domain = Interval(0, 2) * Time(0, 3)
    condition = IntegralCondition(lambda u: u, lambda t: 2 * t)
    row = value(condition, domain, {(): lambda x, t: x * t})
    assert len(row) >= 16 and row.abs().max() < 1e-12
    wrong = IntegralCondition(lambda u: u, lambda t: 2 * t + 1)
    assert torch.allclose(value(wrong, domain, {(): lambda x, t: x * t}), -torch.ones(len(row)).double())


def test_one_coordinate_and_a_face():
    square = Interval(0, 1) * Interval(0, 2, name="y")
    line = IntegralCondition(lambda u: u, lambda x: 2 * x, over="y")
    assert value(line, square, {(): lambda x, y: x * y}).abs().max() < 1e-12
    flow = IntegralCondition(lambda u, y, n_x: u.x * n_x * y, 2.0, on="x=1")
    row = value(flow, square, {(0,): lambda x, y: x})
    assert row.shape == (1,) and abs(float(row)) < 1e-12
    rim = IntegralCondition(lambda u, n_x: u * n_x, math.pi, on="sphere")
    assert abs(float(value(rim, Ball((0.0, 0.0), 1.0), {(): lambda x, y: x}))) < 1e-12


def test_it_fixes_the_constant_of_a_neumann_problem():
    def poisson(*more):
        return Problem(
            Box((0, 0), (1, 1)),
            "u",
            lambda u, x, y: u.xx + u.yy + 2 * math.pi**2 * torch.cos(math.pi * x) * torch.cos(math.pi * y),
            [Neumann("u", 0.0), *more],
            reference=lambda x, y: torch.cos(math.pi * x) * torch.cos(math.pi * y),
        )

    with pytest.warns(UserWarning, match="determined up to a constant"):
        poisson()
    found = solve(
        poisson(IntegralCondition(lambda u: u, 0.0)),
        method="features",
        budget="30 iterations",
        target_error=1e-9,
        points=500,
        network=(150,),
    )
    assert found.result["relative_l2_error"] < 1e-8


def test_an_unknown_number_from_an_integral():
    """u' = c and u(0) = 0 with mean 2: c = 4."""
    from sapts_pinn import Coefficient

    problem = Problem(
        Time(0, 1),
        "u",
        lambda u, c: u.t - c,
        [Initial("u", 0.0), IntegralCondition(lambda u: u, 2.0, over="t")],
        coefficients=[Coefficient("c", init=1.0)],
        reference=lambda t: 4 * t,
    )
    given = {"method": "features", "points": 200, "network": (50,)}
    found = solve(problem, **given, budget="20 iterations", target_error=1e-9)
    assert found.result["relative_l2_error"] < 1e-8


def test_symmetries_stay_true():
    def bumped(condition):
        return Problem(Interval(-1, 1), "u", lambda u: u.xx + u, [Dirichlet("u", 0.0), condition])

    even = {"x": (1,)}
    found = {n: s.centre for n, s in bumped(IntegralCondition(lambda u: u, 1.0)).symmetries.items()}
    assert found == even
    first_moment = bumped(IntegralCondition(lambda u, x: x * u, 0.3))
    assert first_moment.symmetries["x"].centre == (-1,)
    both = IntegralCondition(lambda u, x: (1 + x) * u, 0.3)
    assert all(s.centre is None for s in bumped(both).symmetries.values())


def test_nodes_that_do_not_resolve_the_integrand_are_seen_by_the_audit():
    fine = IntegralCondition(lambda u, x: torch.cos(400 * x) * u * 100 + u, 1.0, nodes=8)
    problem = Problem(UNIT, "u", lambda u: u.xx, [Neumann("u", 0.0), fine], symmetry=False)
    found = solve(problem, budget="3 iterations")
    assert not found.result["audit"]["passed"]


def test_it_shows_what_it_is():
    text = str(Problem(UNIT, "u", lambda u: u.xx, [Neumann("u", 0.0), IntegralCondition(lambda u: u, 1.0)]))
    assert "integral over x: weighted term" in text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: IntegralCondition(1.0, 1.0), "needs a function of the unknowns"),
        (lambda: IntegralCondition(lambda u: u, 1.0, over="x", on="x=0"), "not both"),
        (lambda: IntegralCondition(lambda u: u, 1.0, nodes=1), "nodes must be"),
        (lambda: IntegralCondition(lambda u: u, "a"), "value must be a finite number"),
    ],
)
def test_arguments_that_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("domain", "condition", "message"),
    [
        (UNIT, IntegralCondition(lambda u: u, 1.0, over="y"), "none of the coordinates x"),
        (Time(0, 1), IntegralCondition(lambda u: u, 1.0), "no space to integrate over"),
        (UNIT, IntegralCondition(lambda x: x, 1.0), "uses no unknown"),
        (UNIT, IntegralCondition(lambda u: u, lambda x: x), "which is integrated over"),
        (UNIT * Time(0, 1), IntegralCondition(lambda u: u, 1.0, on="t=0"), "that is a time"),
        (Box((0, 0), (1, 1)), IntegralCondition(lambda u: u, 1.0, on="x"), "names 2 faces"),
        (Ball((0.0, 0.0), 1.0), IntegralCondition(lambda u: u, 1.0, over="x"), "as a whole only"),
        (
            Box((0, 0), (2, 2)) - Ball((1.0, 1.0), 0.5),
            IntegralCondition(lambda u: u, 1.0),
            "no quadrature on",
        ),
    ],
)
def test_problems_that_are_refused(domain, condition, message):
    equation = (lambda u: u.t) if domain.names == ("t",) else (lambda u: u.xx)
    with pytest.raises(InputError, match=message):
        Problem(domain, "u", equation, [condition])


MASS = IntegralCondition(lambda u: u, 2.0 / 12, noise=0.02 / 12)  # of -u'' = c it is c / 12: c = 2 +- 0.02


def source(*conditions):
    return Problem(
        UNIT, "u", lambda u, c: u.xx + c, [Dirichlet("u", 0.0), *conditions], [Coefficient("c", 1.0)]
    )


def test_a_measured_integral_gives_a_coefficient_and_its_error():
    found = solve(source(MASS), method="tr", network=(), points=16, budget="60 iterations")
    assert found.coefficients["c"] == pytest.approx(2.0, rel=1e-4)
    assert found.standard_errors["c"] == pytest.approx(0.02, rel=0.02)
    assert found.result["noise"] == {"integral over x": 0.02 / 12}


def test_a_measured_integral_counts_by_its_noise_beside_other_data():
    flow = Observations(lambda u: -u.x, {"x": [1.0]}, [1.0], noise=0.02)  # of a flux, c / 2
    _, mass, other = source(MASS, flow).terms
    assert mass.units == other.units
    assert mass.weight / other.weight == pytest.approx(144)  # of the inverse squares of the noise


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"value": 1.0, "noise": -1.0}, "noise=-1.0 must be a positive standard deviation"),
        ({"value": lambda t: t, "noise": 0.1}, "of a value that is a number; leave it out"),
        ({"value": 1.0, "noise": 0.1}, r"is one integral, and this is one for each t; .* over=\('x', 't'\)"),
    ],
)
def test_measured_integrals_that_are_none_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Problem(
            Interval(0, 1) * Time(0, 1),
            "u",
            lambda u: u.t - u.xx,
            [
                Dirichlet("u", 0.0, on="x"),
                Initial("u", lambda x: x * (1 - x)),
                IntegralCondition(lambda u: u, **arguments),
            ],
        )
