"""Differential operators, against derivatives written out."""

import math

import pytest
import torch

from sapts_pinn import Dirichlet, Initial, Problem, curl, diff, div, dot, grad, laplace, solve
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Box, Interval, Time
from sapts_pinn.problems.operators import Vector

SQUARE = Box((0, 0), (1, 1))
CUBE = Box((0, 0, 0), (1, 1, 1))
K = lambda x, y: 1 + x * y**2


def rows(domain, unknowns, equation):
    """Residuals of an equation at fixed points, with smooth functions in place of the unknowns."""
    from sapts_pinn.problems.conditions.base import space_names
    from sapts_pinn.problems.expressions import in_space
    from sapts_pinn.problems.fields import Field, call_by_name

    generator = torch.Generator().manual_seed(2)
    names = domain.names
    points = torch.rand(6, len(names), generator=generator, dtype=torch.float64)
    rates = {u: torch.arange(1.0, len(names) + 1).double() + j for j, u in enumerate(unknowns)}

    def channels(u):
        return lambda index: torch.exp(points @ rates[u]) * math.prod(float(rates[u][i]) for i in index)

    known = {u: Field(u, names, channels(u)) for u in unknowns}
    known |= {name: points[:, i] for i, name in enumerate(names)}
    with in_space(space_names(domain)):
        return call_by_name(equation, known, "f")


@pytest.mark.parametrize(
    ("domain", "unknowns", "operators", "by_hand"),
    [
        (SQUARE, "u", lambda u: laplace(u), lambda u: u.xx + u.yy),
        (SQUARE, "u", lambda u: div(grad(u)), lambda u: u.xx + u.yy),
        (SQUARE, "u", lambda u: 1 * diff(u, "x", "y"), lambda u: 1 * u.xy),
        (
            SQUARE, "u", lambda u, x, y: div(K(x, y) * grad(u)),
            lambda u, x, y: K(x, y) * (u.xx + u.yy) + y**2 * u.x + 2 * x * y * u.y,
        ),
        (
            SQUARE, "u", lambda u, x: div(-grad(u) / (1 + x)),
            lambda u, x: -(u.xx + u.yy) / (1 + x) + u.x / (1 + x) ** 2,
        ),
        (SQUARE, "u", lambda u: div(grad(u) * 2 + (u, u) - 3 * grad(u)), lambda u: u.x + u.y - u.xx - u.yy),
        (
            SQUARE, "u", lambda u: div((1 + u * u) * grad(u)),
            lambda u: (1 + u * u) * (u.xx + u.yy) + 2 * u * (u.x**2 + u.y**2),
        ),
        (SQUARE, "u", lambda u: laplace(laplace(u)), lambda u: u.xxxx + 2 * u.xxyy + u.yyyy),
        (SQUARE, "u", lambda u, x: laplace(x * u), lambda u, x: 2 * u.x + x * (u.xx + u.yy)),
        (SQUARE, "uv", lambda u, v: dot((u, v), grad(u)), lambda u, v: u * u.x + v * u.y),
        (SQUARE, "uv", lambda u, v: curl((u, v)), lambda u, v: v.x - u.y),
        (CUBE, "uvw", lambda u, v, w: curl((u, v, w))[1], lambda u, w: u.z - w.x),
        (CUBE, "uvw", lambda u, v, w: div(curl((u, v, w))), lambda u: 0 * u),
        (
            CUBE, "uvw", lambda u, v, w, x: dot(curl(x * Vector((u, v, w))), (0, 0, 1)),
            lambda u, v, x: x * v.x + v - x * u.y,
        ),
        (SQUARE * Time(0, 1), "u", lambda u, t: u.t - laplace(t * u), lambda u, t: u.t - t * (u.xx + u.yy)),
    ],
)  # fmt: skip
def test_operators_are_what_they_stand_for(domain, unknowns, operators, by_hand):
    torch.testing.assert_close(
        rows(domain, unknowns, operators), rows(domain, unknowns, by_hand), rtol=1e-12, atol=1e-10
    )


def test_a_diffusion_equation_in_divergence_form_is_solved():
    exact = lambda x, y: torch.sin(math.pi * x) * torch.sin(math.pi * y)

    def source(x, y):
        s, c = torch.sin, torch.cos
        a, b = math.pi * x, math.pi * y
        return math.pi * (c(a) * s(b) + 2 * s(a) * c(b)) - 2 * math.pi**2 * (1 + x + 2 * y) * s(a) * s(b)

    problem = Problem(
        SQUARE, "u", lambda u, x, y: div((1 + x + 2 * y) * grad(u)) - source(x, y), [Dirichlet("u")],
        reference=exact,
    )  # fmt: skip
    found = solve(problem, network=(12,), points=256, budget="120 iterations", method="tr")
    assert found.result["relative_l2_error"] < 0.02
    assert found.result["audit"]["passed"]


@pytest.mark.parametrize(
    ("domain", "equation", "sentence"),
    [
        (
            SQUARE,
            lambda u: div((u.x,)),
            "div needs a component for each of x, y, such as grad.u., not 1 components",
        ),
        (SQUARE, lambda u: div(u), "div needs a component for each of x, y, such as grad.u., not Field"),
        (Interval(0, 1), lambda u: curl((u,)), "curl needs two or three coordinates of space, not x"),
        (SQUARE, lambda u: dot((u,), grad(u)), "dot of vectors with 1 and 2 components"),
        (SQUARE, lambda u, x: diff(x * u, "q"), "diff by 'q', which is none of the coordinates x, y"),
        (SQUARE, lambda u: diff(u, "q"), "u.q, but 'q' is not made of the coordinates"),
        (SQUARE, lambda u: diff(u), "diff needs the coordinate to differentiate by"),
        (SQUARE, lambda u: grad(u) - (u,), "a vector of 2 components is added to one of as many"),
        (SQUARE, lambda u, x: torch.sin(x * grad(u)), "a vector has no sin; take it of its components"),
    ],
)
def test_mistakes_are_sentences(domain, equation, sentence):
    with pytest.raises(InputError, match=sentence):
        Problem(domain, "u", equation, [Dirichlet("u")])


def test_operators_go_where_there_are_unknowns():
    with pytest.raises(
        InputError, match=r"grad, div, laplace and curl go into equations, conditions and Sol"
    ):
        laplace(3.0)
    with pytest.raises(InputError, match="curl go where there are unknowns"):
        Problem(Interval(0, 1), "u", lambda u: u.xx, [Dirichlet("u", lambda x: diff(x * x, "x"))])


def test_an_unsteady_equation_has_its_operators_in_space():
    problem = Problem(
        SQUARE * Time(0, 1), "u", lambda u: u.t - laplace(u) - 1, [Dirichlet("u"), Initial("u", 0.0)]
    )
    assert problem.equation_term.needs == {"u": ((2,), (0, 0), (1, 1))}
