"""A problem as a stranger would write it, and as it is printed."""

from math import pi

import numpy as np
import pytest
import torch

from sapts_pinn.geometry import Box, Interval, Polygon, Time
from sapts_pinn.problems import (
    Coefficient,
    Dirichlet,
    Initial,
    Integral,
    Neumann,
    Observations,
    Problem,
    Robin,
)

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")

X, T = Interval(0, 1), Time(0, 1)


def test_print():
    problem = Problem(
        Interval(-1, 1) * T,
        ("h", "v"),
        lambda h, v, nu: (h.t + v.x, v.t + h.x - nu * v.xx),
        [
            Dirichlet("v", 0.0),
            Neumann("h", 0.0),
            Initial("h", lambda x: torch.cos(pi * x)),
            Initial("v", 0.0, hard=False, weight=3),
            Observations("h", {"x": np.zeros(2), "t": np.ones(2)}, np.ones(2)),
            Observations("h", {"x": np.ones(2), "t": np.ones(2)}, np.ones(2)),
        ],
        [Coefficient("nu", 0.1)],
        name="shallow",
    )
    assert str(problem).split("\n") == [
        "shallow: h, v on Interval(-1, 1, name='x') * Time(0, 1, name='t')",
        "  equations   2, derivatives up to order 2",
        "  equation    h_t + v_x = 0",
        "  equation    v_t + h_x - nu v_xx = 0",
        "  condition   v on x=-1, x=1: exact, by construction",
        "  condition   normal derivative of h on x=-1, x=1: exact, by construction",
        "  condition   initial value of h: exact, by construction",
        "  condition   initial value of v: weighted term, weight 3",
        "  condition   2 observations of h (1): weighted term, weight 10",
        "  condition   2 observations of h (2): weighted term, weight 10",
        "  symmetry    x about the middle: h even, v odd",
        "  symmetry    x about both ends: h even, v odd",
        "  coefficient nu, starting from 0.1",
        "  network of  cos of x, symmetric about ends and middle; t",
        f"  scales      {problem.natural}",
    ]
    assert [term.name for term in problem.terms][1:] == [
        "initial value of v",
        "2 observations of h (1)",
        "2 observations of h (2)",
    ]
    assert problem.terms[-1].fixed == 2 and problem.terms[0].fixed is None


X, T = Interval(-1, 1), Time(0, 1)


ok = lambda u: u.t - u.xx


def problem(equation=ok, conditions=(), domain=X * T, unknowns="u", **options):
    return Problem(domain, unknowns, equation, conditions, **options)


def test_faces_may_come_from_a_generator():
    faces = (face for face in ("x=-1", "x=1"))
    assert "u on x=-1, x=1: exact" in str(problem(conditions=[Dirichlet("u", 0.0, on=faces)]))


def test_heat_in_a_plate():
    """A source that moves along a plate, insulated below, cooled at its sides, Newton's law above."""
    source = lambda x, y, t: torch.exp(-20 * ((x - t) ** 2 + (y - 0.5) ** 2))
    plate = Problem(
        domain=Box((0, 0), (2, 1)) * Time(0, 1),
        unknowns="T",
        equation=lambda T, x, y, t: T.t - 0.1 * (T.xx + T.yy) - source(x, y, t),
        conditions=[
            Dirichlet("T", 20.0, on="x"),
            Neumann("T", 0.0, on="y=0"),
            Robin("T", 20.0, on="y=1", alpha=1.0, beta=0.5),
            Initial("T", 20.0),
        ],
    )
    assert plate.equation_term.needs == {"T": ((2,), (0, 0), (1, 1))}
    assert [term.name for term in plate.terms] == [
        "equation",
        "normal derivative of T on y=0",
        "Robin condition of T on y=1",
    ]
    assert plate.symmetries == {}


def test_plucked_string():
    string = Problem(
        domain=Interval(0, pi) * Time(0, 2),
        unknowns="u",
        equation=lambda u: u.tt - 4 * u.xx,
        conditions=[Dirichlet("u", 0.0, on="x"), Initial("u", lambda x: torch.sin(x), velocity=0.0)],
        reference=lambda x, t: np.sin(x) * np.cos(2 * t),
    )
    assert len(string.terms) == 1 and set(string.symmetries) == {"x"}


def test_reaction_and_diffusion_with_an_unknown_rate():
    x, t = np.meshgrid(np.linspace(0, 1, 5), np.linspace(0.1, 1, 4))
    brusselator = Problem(
        domain=Interval(0, 1) * Time(0, 1),
        unknowns=("u", "v"),
        equation=lambda u, v, k: (
            u.t - 0.01 * u.xx - (1 - (k + 1) * u + u**2 * v),
            v.t - 0.01 * v.xx - (k * u - u**2 * v),
        ),
        conditions=[
            Neumann("u", 0.0),
            Neumann("v", 0.0),
            Initial("u", lambda x: 1 + 0.1 * torch.cos(2 * pi * x)),
            Initial("v", lambda k: k),
            Observations("u", {"x": x, "t": t}, np.ones_like(x), weight=5.0),
        ],
        coefficients=[Coefficient("k", init=2.0)],
    )
    text = str(brusselator)
    assert brusselator.equation_term.rows == 2
    assert "initial value of v: weighted term, balanced" in text  # it moves with k
    assert "20 observations of u: weighted term, weight 5" in text
    assert "coefficient k, starting from 2" in text
    assert "x about the middle: u even, v even" in text and "x about both ends: u even, v even" in text


def test_flow_around_a_corner():
    corner = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])
    stokes = Problem(
        domain=corner,
        unknowns=("u", "v", "p"),
        equation=lambda u, v, p: (p.x - u.xx - u.yy, p.y - v.xx - v.yy, u.x + v.y),
        conditions=[
            Dirichlet("u", lambda x, y: (y + 1) * y, on="edge1"),
            Dirichlet("u", 0.0, on=["edge0", "edge2"]),
            Dirichlet("v", 0.0),
        ],
    )
    assert len(stokes.terms) == 4 and stokes.equation_term.needs["p"] == ((0,), (1,))


def test_print_has_integrals_and_says_where_there_is_no_formula():
    def kinked(u, I):
        return u - I + 0 * torch.relu(u.value)

    given = {"conditions": [], "integrals": [Integral("I", lambda u: u, over="x")]}
    for equation, line in (
        (lambda u, I: u - I, "u - I = 0"),
        (kinked, "in a form that has no formula, as that"),
    ):
        text = str(Problem(Interval(0, 1, name="x"), "u", equation, **given))
        assert f"  equation    {line}" in text and "  where       I = int_0^1 u dx\n" in text
