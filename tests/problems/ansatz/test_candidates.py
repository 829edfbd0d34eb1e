"""Conditions for which there is an exact construction."""

import pytest

from sapts_pinn import BoundaryEquation, Dirichlet, Initial, Periodic, Problem
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Ball, Box, Interval, Polygon, Time
from sapts_pinn.problems.ansatz.candidates import Candidates
from sapts_pinn.problems.ansatz.data import PrescribedData

SQUARE = Box((0, 0), (1, 1))


def candidates(domain, *conditions, unknowns="u", equation=lambda u: u.xx + u.yy + 1):
    problem = Problem(domain, unknowns, equation, [*conditions], symmetry=False)
    return Candidates(problem, PrescribedData(problem))


@pytest.mark.parametrize(
    ("domain", "condition", "face", "built_in"),
    [
        (SQUARE, Dirichlet("u", 0.0), "x=0", True),
        (SQUARE, Dirichlet("u", 0.0, hard=False), "x=0", False),
        (SQUARE, BoundaryEquation(lambda u, n_x: u.x * n_x + u), "x=0", False),
        (Ball((0, 0), 1), Dirichlet("u", 2.0), "sphere", True),
        (Ball((0, 0), 1), Dirichlet("u", lambda x: x), "sphere", False),
        (Polygon([(0, 0), (1, 0), (0, 1)]), Dirichlet("u", 0.0), "edge0", False),
    ],
)
def test_values_on_flat_faces_and_constants_on_spheres_have_a_construction(domain, condition, face, built_in):
    found = candidates(domain, condition).on_face("u", face)
    assert (found is not None) == built_in
    assert found is None or found[0] is condition


def test_a_velocity_alone_fixes_nothing():
    def at_start(**given):
        rod = Interval(0, 1) * Time(0, 1)
        conditions = Dirichlet("u", 1.0), Initial("u", **given)
        return candidates(rod, *conditions, equation=lambda u: u.t - u.xx - 1).at_start("u")

    assert at_start(value=1.0)[1].value == 1.0
    with pytest.warns(UserWarning, match="the velocity of u on x=1"):
        assert at_start(value=None, velocity=1.0) is None


def test_all_unknowns_have_to_be_periodic():
    circle = Interval(0, 1) * Time(0, 1)

    def found(*conditions):
        equation = lambda u, v: (u.t - u.xx - v, v.t - v.xx - 1)
        starts = Initial("u", 0.0), Initial("v", 0.0)
        return candidates(circle, *conditions, *starts, unknowns=("u", "v"), equation=equation)

    both = found(Periodic("x", "u"), Periodic("x", "v"))
    assert len(both.periodic) == 2 and both.coordinates["x"].periodic
    one = found(Periodic("x", "u"), Dirichlet("v", 0.0))
    assert not one.periodic and "nothing says that v is periodic too" in one.messages[0]


def test_a_refused_condition_is_left_out():
    given = Dirichlet("u", 0.0)
    found = candidates(SQUARE, given)
    found.refuse_as_unsmooth(given, "it jumps")
    assert found.on_face("u", "x=0") is None
    assert found.messages[0].endswith("it jumps: it is a weighted term")
    hard = Dirichlet("u", 0.0, hard=True)
    with pytest.raises(InputError, match="hard=True, but it jumps"):
        candidates(SQUARE, hard).refuse_as_unsmooth(hard, "it jumps")
