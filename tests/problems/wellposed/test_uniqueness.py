"""What can be added to a solution, and what zero solves."""

import math

import numpy as np
import pytest
import torch

from sapts_pinn.geometry import Interval
from sapts_pinn.problems import (
    BoundaryEquation,
    Coefficient,
    Dirichlet,
    Initial,
    Neumann,
    Observations,
    Periodic,
    Problem,
)
from sapts_pinn.problems.wellposed.findings import IllPosed
from sapts_pinn.problems.wellposed.uniqueness import _reduced, _without_units, zero_solves
from stated_problems import DRIVEN, SQUARE, T, X, check_told, elastic, flow, traction, unsteady

FREE = {
    "all Neumann": (
        SQUARE,
        "u",
        lambda u, x: u.xx + u.yy + torch.cos(math.pi * x),
        [Neumann("u", 0.0)],
        "u is determined up to a constant",
    ),
    "periodic, no level": (
        X,
        "u",
        lambda u, x: u.xx + torch.sin(2 * math.pi * x),
        [Periodic("x")],
        "up to a constant",
    ),
    "no pressure level": (SQUARE, ("u", "v", "p"), flow, DRIVEN, "p is determined up to a constant"),
    "no pressure level in time": (
        SQUARE * T,
        ("u", "v", "p"),
        unsteady,
        [*DRIVEN, Initial("u", lambda y: y), Initial("v", 0.0)],
        "p is determined up to a function of t",
    ),
    "steady Fokker-Planck": (
        Interval(-3, 3),
        "p",
        lambda p, x: p.xx + x * p.x + p,
        [Dirichlet("p", 0.0)],
        "p = 0 solves",
    ),
    "rigid motions": (
        SQUARE,
        ("u", "v"),
        elastic,
        [BoundaryEquation(traction)],
        "multiples of 1 in u; of y in u with -1 x in v",
    ),
    "free beam": (
        X,
        "u",
        lambda u: u.xxxx - 1,
        [BoundaryEquation(lambda u: (u.xx, u.xxx))],
        "multiples of 1 in u; of x in u",
    ),
}


@pytest.mark.parametrize("name", FREE)
def test_what_can_be_added_to_a_solution_is_told(name):
    check_told(*FREE[name])


def test_an_eigenfunction_needs_a_size():
    conditions, unknown = [Dirichlet("u", 0.0)], [Coefficient("k", 9.0)]
    with pytest.warns(IllPosed, match="u = 0 solves"):
        Problem(X, "u", lambda u, k: u.xx + k * u, conditions, unknown)
    Problem(X, "u", lambda u, k: u.xx + k * u, [*conditions, Observations("u", {"x": 0.5}, 1.0)], unknown)


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_zero_solves_what_has_no_source():
    still = Problem(X, "u", lambda u: u.xx + u**2, [Dirichlet("u", 0.0)])
    driven = Problem(X, "u", lambda u: u.xx + 1, [Dirichlet("u", 0.0)])
    held = Problem(X, "u", lambda u: u.xx, [Dirichlet("u", 1.0)])
    assert [zero_solves(problem) for problem in (still, driven, held)] == [True, False, False]


def test_a_basis_is_reduced_to_as_many_zeros_as_possible():
    mixed = np.array([[1.0, 1.0, 2.0, 0.0], [1.0, -1.0, 0.0, 2.0]])
    assert np.allclose(_reduced(mixed), [[1, 0, 1, 1], [0, 1, 1, -1]])


def test_units_do_not_matter_for_the_null_space():
    matrix = np.array([[1.0, 2.0, 0.0], [0.0, 3.0, -1.0], [0.0, 0.0, 0.0]])
    rows, columns = np.array([[1e9], [1e-7], [1.0]]), np.array([1e6, 1e6, 1e-4])
    plain, _ = _without_units(matrix, ["u", "u", "v"])
    scaled, unit = _without_units(matrix * rows * columns, ["u", "u", "v"])
    assert plain.shape == (2, 3) and np.allclose(plain, scaled)
    assert unit[0] == unit[1] and unit[2] / unit[0] == pytest.approx(
        1e10 * _without_units(matrix, ["u", "u", "v"])[1][2] / _without_units(matrix, ["u", "u", "v"])[1][0]
    )
