"""Integrals in equations: nodes, kernels that are resolved or not, refusals."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from sapts_pinn import Dirichlet, Integral, Problem
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Ball, Box, Interval

ROD = Interval(0, 2)
SQUARE = Box((0, 0), (1, 2))


def problem(integral, domain=ROD):
    return Problem(domain, "u", lambda u, I: u - I / 10 - 1, integrals=[integral])


def test_nodes_follow_the_kernel():
    def nodes(frequency):
        kernel = Integral("I", lambda u, x: torch.cos(frequency * x) * u, over="x")
        return problem(kernel).companions.nodes[0][0]

    assert nodes(1.0) <= 16 < nodes(40.0) <= 64


def test_two_coordinates():
    double = Integral("I", lambda u, x, a, b: x * a * b * u, over=("x", "y"), variable=("a", "b"))
    made = problem(double, SQUARE)
    points = SQUARE.interior(5, Generator().manual_seed(0))
    sites = made.at(points)
    from sapts_pinn.problems.fields import Field

    values = sites.points[:, 0] * sites.points[:, 1]
    (row,) = made.evaluate({"u": Field("u", ("x", "y"), lambda _: values)}, sites.points, {})
    assert torch.allclose(row, points.prod(1) - points[:, 0] * (1 / 3) * (8 / 3) / 10 - 1, atol=1e-12)


def test_limits_that_depend_on_the_point():
    between = Integral("I", lambda u: u, over="x", lower=lambda x: x / 2, upper=lambda x: x)
    made = problem(between)
    points = ROD.interior(5, Generator().manual_seed(0))
    sites = made.at(points)
    from sapts_pinn.problems.fields import Field

    (row,) = made.evaluate({"u": Field("u", ("x",), lambda _: sites.points[:, 0])}, sites.points, {})
    x = points[:, 0]
    assert torch.allclose(row, x - (x**2 - x**2 / 4) / 20 - 1, atol=1e-12)


@pytest.mark.parametrize(
    "kernel",
    [
        lambda u, x, s: u / (x - s).abs().sqrt(),
        lambda u, x, s: torch.where(s < x, 1.0, 0.0) * u,
        lambda u, s: torch.sin(3000 * s) * u,
    ],
)
def test_kernels_that_are_not_resolved_are_refused(kernel):
    with pytest.raises(InputError, match="resolve it to"):
        problem(Integral("I", kernel, over="x", variable="s"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Integral("1", lambda u: u, over="x"), "cannot name an integral"),
        (lambda: Integral("I", 3.0, over="x"), "needs a function of the unknowns"),
        (lambda: Integral("I", lambda u: u, over=("x", "y"), upper=1.0), "limits are for one coordinate"),
        (lambda: Integral("I", lambda u: u, over="x", variable=("s", "r")), "names 2 of 1 coordinates"),
        (lambda: Integral("I", lambda u: u, over="x", nodes=1), "nodes must be"),
        (lambda: Integral("I", lambda u: u, over="x", upper="x"), "a limit must be"),
        (lambda: problem(Integral("I", lambda u: u, over="y")), "none of the coordinates x"),
        (lambda: problem(Integral("I", lambda x: x, over="x")), "uses no unknown"),
        (lambda: problem(Integral("I", lambda u: u, over="x", upper=3.0)), "limits beyond x"),
        (lambda: problem(Integral("I", lambda u: u, over="x"), Ball((0.0, 0.0), 1.0)), "IntegralCondition"),
        (
            lambda: problem(Integral("I", lambda u: u, over=("x", "y"), nodes=64), SQUARE),
            "are more than 1024",
        ),
        (lambda: problem(Integral("u", lambda u: u, over="x")), "names two things"),
        (lambda: problem(Integral("J", lambda u: u, over="x")), "does not use Integral"),
        (lambda: problem("I"), "is not an integral"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_equations_without_integrals_have_no_companions():
    plain = Problem(ROD, "u", lambda u: u.xx + 1, [Dirichlet("u", 0.0)])
    assert plain.companions.fold == 1 and plain.companions.words == ()
