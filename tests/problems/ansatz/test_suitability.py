"""Data that an ansatz is not built on: kinks at a seam, and data over many faces."""

from math import pi

import pytest
import torch

from sapts_pinn.geometry import Box, Interval, Time
from sapts_pinn.problems import Dirichlet, Initial, Periodic, Problem
from written_data import hat

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")

X, T = Interval(0, 1), Time(0, 1)


laplace = lambda u: u.xx + u.yy


def kdv(hard):
    u0 = lambda x: x**2 * torch.cos(pi * x)
    equation = lambda u: u.t + u * u.x + 1e-3 * u.xxx
    return Problem(Interval(-1, 1) * T, "u", equation, [Periodic("x"), Initial("u", u0, hard=hard)])


def test_the_trap_of_a_start_that_is_not_periodic():
    problem = kdv(None)
    assert [term.name for term in problem.terms] == ["equation", "initial value of u"]
    (message,) = problem.ansatz.messages
    assert message.startswith(
        "initial value of u is not smooth across the seam of the periodic coordinate x (a deriv"
    )
    assert message.endswith("it is a weighted term") and message in str(problem)
    forced = kdv(True)
    assert len(forced.terms) == 1 and forced.ansatz.messages[0].endswith(
        "built in all the same, as hard=True asks"
    )
    assert not kdv(False).ansatz.messages


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize(
    ("u0", "smooth", "bounded"),
    [
        (lambda x: torch.sin(pi * x), True, True),
        (lambda x: torch.exp(torch.cos(3 * pi * x)), True, True),
        (lambda x: torch.cos(20 * pi * x), True, True),
        (lambda x: torch.exp(-80 * x**2), True, True),
        (lambda x: 0 * x + 3, True, True),
        (lambda x: x, False, True),
        (lambda x: torch.exp(-8 * x**2), False, True),
        (lambda x: torch.sqrt(1 - x**2), False, False),  # infinite slopes
        (lambda x: (1 - x**2) ** 2, False, True),  # the third derivative jumps
    ],
)
def test_smoothness_on_the_circle(u0, smooth, bounded, scale):
    conditions = [Periodic("x"), Initial("u", lambda x: scale * u0(x))]
    for equation, forgets in ((lambda u: u.t + u.xxx, False), (lambda u: u.t - u.xx, bounded)):
        problem = Problem(Interval(-1, 1) * T, "u", equation, conditions)
        assert (len(problem.ansatz.exact) == 2) is (smooth or forgets)
        assert bool(problem.ansatz.messages) is not smooth


def test_smoothness_of_velocities_and_boundary_values():
    strip = Interval(-1, 1) * Interval(0, 1, name="y") * T
    equation = lambda u: u.tt - u.xx - u.yy
    for condition in (
        Initial("u", 0.0, velocity=lambda x: x**2),
        Dirichlet("u", lambda x: x**2, on="y=0"),
    ):
        problem = Problem(strip, "u", equation, [Periodic("x"), condition])
        assert len(problem.ansatz.exact) == 1 and "not smooth across the seam" in str(problem)


def test_data_over_many_faces_are_not_blended():
    """The interpolant of data on the faces of d coordinates evaluates them 3^d times."""
    names = ("a", "b", "c", "e")
    equation = lambda u: u.aa + u.bb + u.cc + u.ee
    for dim, value, exact in ((3, lambda a: torch.exp(a), 1), (4, lambda a: torch.exp(a), 0), (4, 2.0, 1)):
        laplace = equation if dim == 4 else (lambda u: u.aa + u.bb + u.cc)
        problem = Problem(Box([0] * dim, [1] * dim, names[:dim]), "u", laplace, [Dirichlet("u", value)])
        assert len(problem.ansatz.exact) == exact
        assert ("varies over the faces of 4 coordinates" in str(problem)) is (exact == 0)


X = Interval(0, 1)


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_a_kink_in_a_known_part_is_said():
    with pytest.warns(UserWarning, match="the particular part of u: its slope in x jumps at x=0.3"):
        Problem(X, "u", lambda u: u.xx, [Dirichlet("u")], particular={"u": hat})
