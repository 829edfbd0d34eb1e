"""Numbers of conditions given and needed."""

import math

import pytest
import torch

from sapts_pinn.geometry import Interval
from sapts_pinn.problems import Dirichlet, Initial, Neumann, Periodic, Problem
from sapts_pinn.problems.wellposed.findings import IllPosed
from stated_problems import BAR, SPHERE, SQUARE, T, bump

MAXWELL = lambda e, h: (e.t + h.x, h.t + e.x)


FIELDS = [Initial("e", lambda x: torch.sin(math.pi * x)), Initial("h", 0.0)]


EXCESS = {
    "advection": (BAR, "u", lambda u: u.t + u.x, [Dirichlet("u"), bump()], "x=1 .* the equation takes none"),
    "waves of first order": (
        BAR, ("e", "h"), MAXWELL, [Dirichlet("e"), Dirichlet("h"), *FIELDS],
        "2 conditions .* x=1 each .* takes 1",
    ),
    "an algebraic equation": (
        T, ("a", "c"), lambda a, c: (a.t + a, a + c - 1), [Initial("a", 1.0), Initial("c", 1.0)],
        "2 conditions are given at the ends of t where the equation takes 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXCESS)
def test_a_condition_too_many_is_said(name):
    domain, unknowns, equation, conditions, sentence = EXCESS[name]
    with pytest.warns(IllPosed, match=sentence):
        Problem(domain, unknowns, equation, conditions)


def test_a_velocity_that_changes_sign_along_a_face_asks_for_nothing():
    swirl = lambda u, y: u.t + (y - 0.9) * u.x - 1
    walls = [Dirichlet("u", 0.0, on="x"), Initial("u", 0.0)]
    assert Problem(SQUARE * T, "u", swirl, walls).findings == ()


def test_a_condition_at_the_centre_of_polar_coordinates_is_none_too_many():
    disc = lambda u, r: r * u.d("r", "r") + u.d("r") + r
    conditions = [Neumann("u", 0.0, on="r=0"), Dirichlet("u", 0.0, on="r=1")]
    assert Problem(Interval(0, 1, "r"), "u", disc, conditions).findings == ()


def test_a_coefficient_that_vanishes_up_to_rounding_asks_for_no_condition():
    def regular(u, th):  # sin(pi)^2 is 1.5e-32
        s = torch.sin(th)
        return s**2 * u.d("th", "th") + torch.cos(th) * s * u.d("th") + u.d("ph", "ph") - s**2 * (u - th)

    assert Problem(SPHERE, "u", regular, [Periodic("ph")]).findings == ()
    tiny = lambda u: 1e-22 * u.t - 1e-31 * u.xx - 1e-22  # in units in which all numbers are small
    with pytest.warns(IllPosed, match="nothing is given on x=0, x=1"):
        Problem(BAR, "u", tiny, [Initial("u", 0.0)])
