"""Places where coefficients or sources are infinite."""

import pytest

from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Dirichlet, Initial, Neumann, Periodic, Problem
from sapts_pinn.problems.wellposed.findings import IllPosed
from stated_problems import RADIUS, SPHERE, SQUARE, X, beltrami, check_told

POLES = {
    "poles of the sphere": (
        SPHERE,
        "u",
        beltrami,
        [Periodic("ph"), Dirichlet("u", 1.0, on="th")],
        "infinite at th=",
    ),
    "axis": (
        RADIUS,
        "u",
        lambda u, r: u.t - u.rr - u.r / r,
        [Dirichlet("u", 0.0, on="r=1"), Neumann("u", 0.0, on="r=0"), Initial("u", lambda r: 1 - r**2)],
        "infinite at r=0:",
    ),
    "pole inside": (
        X,
        "u",
        lambda u, x: u.xx - u / (x - 0.3) ** 2 - 1,
        [Dirichlet("u", 0.0)],
        "infinite at x=0.3:",
    ),
    "pole at a point": (
        SQUARE,
        "u",
        lambda u, x, y: u.xx + u.yy - u / ((x - 0.3) ** 2 + (y - 0.7) ** 2) - 1,
        [Dirichlet("u", 0.0)],
        "infinite at x=0.3, y=0.7:",
    ),
}


@pytest.mark.parametrize("name", POLES)
def test_poles_are_told_with_their_place(name):
    check_told(*POLES[name])


def test_both_poles_of_the_sphere_are_named():
    with pytest.warns(IllPosed) as record:
        Problem(SPHERE, "u", beltrami, [Periodic("ph"), Dirichlet("u", 1.0, on="th")])
    assert len(record) == 2
    assert {word in str(w.message) for w in record for word in ("th=0:", "th=3.142:")} == {True, False}


def test_a_pole_is_told_once():
    with pytest.warns(IllPosed, match="infinite at r=0"):
        disc = Problem(
            Interval(0, 1, "r") * Time(0, 1),
            "u",
            lambda u, r: u.t - u.d("r", "r") - u.d("r") / r,
            [Dirichlet("u", 0.0, on="r=1"), Initial("u", lambda r: 1 - r**2)],
        )
    assert [finding.topic for finding in disc.check().findings] == ["singular coefficient"]
