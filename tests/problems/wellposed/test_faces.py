"""Too many conditions on a face: told with the unknown and the face; ordinary problems stay silent."""

import warnings

import numpy as np
import pytest
import torch

from sapts_pinn import (
    BoundaryEquation,
    Coefficient,
    Dirichlet,
    Initial,
    Neumann,
    Observations,
    Problem,
    Robin,
)
from sapts_pinn.geometry import Ball, Box, Interval, Polygon, Time
from sapts_pinn.problems import Periodic
from sapts_pinn.problems.zoo import ZOO, build

# Conditions doubled on a face are the subject, not whether the rest determines the unknowns.
pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")

HOLED = Box((-0.5, -0.5), (0.5, 0.5)) - Ball((0, 0), 0.2, tag="hole")
LAPLACE = lambda u: u.xx + u.yy
LINE = Interval(0, 1) * Time(0, 1)
HEAT = lambda u: u.t - u.xx


@pytest.mark.parametrize("name", sorted(ZOO))
def test_the_zoo_is_silent(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(name)


def test_a_coordinate_does_not_mean_the_hole():
    problem = Problem(HOLED, "u", LAPLACE, [Dirichlet("u", 0.0, on="y"), Neumann("u", 1.0, on="hole")])
    assert "u on y=-0.5, y=0.5: exact" in str(problem)
    outer = [Dirichlet("u", 1.0, on="x"), Dirichlet("u", 1.0, on="y"), Dirichlet("u", 0.0, on="hole")]
    assert str(Problem(HOLED, "u", LAPLACE, outer)).count("exact, by construction") == 3


def test_the_first_problem_of_a_newcomer():
    """Outside 1, on four discs 0: built in, every value on its own faces."""
    square = Box((0, 0), (1, 1), tag="outside")
    for at in ((0.3, 0.3), (0.3, 0.7), (0.7, 0.3), (0.7, 0.7)):
        square = square - Ball(at, 0.1, tag="discs")
    for on in ("outside", ("x", "y")):
        problem = Problem(square, "u", LAPLACE, [Dirichlet("u", 1.0, on=on), Dirichlet("u", 0.0, on="discs")])
        ansatz = problem.ansatz
        for face, value in (("outside", 1.0), ("discs", 0.0)):
            x = square.boundary(200, torch.Generator().manual_seed(0), on=face).points
            assert torch.allclose(ansatz.extension["u"](x), torch.full((200,), value, dtype=torch.float64))
            assert ansatz.factor["u"](x).abs().max() < 1e-12


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Problem(HOLED, "u", LAPLACE, [Dirichlet("u", 0.0), Neumann("u", 1.0, on="hole")]),
            r"on hole u has 2 conditions \(u on 5 faces; normal derivative of u on hole\), but its equation "
            "takes 1 there",
        ),
        (
            lambda: Problem(
                Ball((0, 0), 1), "u", LAPLACE, [Dirichlet("u", 0.0), Robin("u", 1.0, on="sphere")]
            ),
            "on sphere u has 2 conditions",
        ),
        (
            lambda: Problem(
                LINE, "u", HEAT,
                [Dirichlet("u", on="x"), Neumann("u", 1.0, on="x=1"), Initial("u", lambda x: x * 0)],
            ),
            "on x=1 u has 2 conditions",
        ),
        (
            lambda: Problem(
                LINE, "u", HEAT,
                [Dirichlet("u", on="x"), Initial("u", 0.0, velocity=lambda x: x * (1 - x))],
            ),
            r"on t=0 u has 2 conditions \(initial value and velocity of u\), but its equation takes 1",
        ),
        (
            lambda: Problem(
                Polygon([(0, 0), (1, 0), (0, 1)]), "u", LAPLACE,
                [Neumann("u", 0.0), Neumann("u", 1.0, on="edge1")],
            ),
            "on edge1 u has 2 conditions",
        ),
        (
            lambda: Problem(
                HOLED, "u", LAPLACE,
                [Dirichlet("u", 0.0), BoundaryEquation(lambda u, n_x: u.x * n_x - 1, on="hole")],
            ),
            "on hole u has 2 conditions",
        ),
        (
            lambda: Problem(
                HOLED, ("u", "v"), lambda u, v: (u.xx + v.xy + u.yy, v.xx + u.xy + v.yy),
                [
                    Dirichlet("u", 0.0), Dirichlet("v", 0.0),
                    BoundaryEquation(lambda u, v: (u.x + v.y, u.y + v.x), on="hole"),
                ],
            ),
            "on hole u, v have 4 conditions",
        ),
        (
            lambda: Problem(HOLED, "u", LAPLACE, [Dirichlet("u", 0.0), Dirichlet("u", 1.0, on="hole")]),
            "prescribed twice on hole",
        ),
    ],
)  # fmt: skip
def test_what_is_prescribed_twice_is_told(make, message):
    with pytest.warns(UserWarning, match=message):
        make()


def test_what_is_well_posed_is_silent():
    plate = lambda u: u.xxxx + 2 * u.xxyy + u.yyyy - 1
    Problem(Box((0, 0), (1, 1)), "u", plate, [Dirichlet("u"), Neumann("u")])
    stream = lambda psi, w: (psi.xx + psi.yy + w, psi.y * w.x - psi.x * w.y - w.xx - w.yy)
    Problem(Box((0, 0), (1, 1)), ("psi", "w"), stream, [Dirichlet("psi"), Neumann("psi")])
    Problem(LINE, "u", lambda u: u.tt - u.xx, [Dirichlet("u", on="x"), Initial("u", 0.0, velocity=0.0)])
    # the same wave in an interval that happens to be time, and an initial value problem in x
    conditions = [Dirichlet("u", on="x"), Dirichlet("u", on="s=0"), Neumann("u", 0.0, on="s=0")]
    Problem(Interval(0, 1) * Interval(0, 1, "s"), "u", lambda u: u.ss - u.xx, conditions)
    Problem(Interval(0, 1), "u", lambda u: u.xx + u, [Dirichlet("u", on="x=0"), Neumann("u", 1.0, on="x=0")])
    Problem(
        LINE, "u", lambda u: u.t + u.xxx,
        [Dirichlet("u", on="x"), Neumann("u", on="x=1"), Initial("u", 0.0)],
    )  # fmt: skip
    Problem(LINE, "u", HEAT, [Periodic("x"), Initial("u", lambda x: torch.sin(2 * torch.pi * x))])
    Problem(LINE, "u", HEAT, [Dirichlet("u", on="x"), Dirichlet("u", lambda t: 0 * t, on="x=1")])  # agree
    x = np.linspace(0, 1, 20)
    Problem(  # a coefficient from more data than the equation takes
        Interval(0, 1), "u", lambda u, c: u.xx + c,
        [Dirichlet("u"), Neumann("u", -0.5, on="x=1"), Observations("u", {"x": x}, x * (1 - x) / 2)],
        coefficients=[Coefficient("c")],
    )  # fmt: skip
