"""Obstacles: the rows that vanish, exact solutions, and what is refused."""

import math

import numpy as np
import pytest
import torch

from sapts_pinn import (
    Coefficient,
    Dirichlet,
    Eigenvalue,
    Initial,
    Integral,
    Observations,
    Obstacle,
    PointSource,
    Problem,
    solve,
)
from sapts_pinn.geometry import Ball, Box, Interval, Time
from sapts_pinn.problems.fields import Field
from sapts_pinn.problems.fingerprint import difference, fingerprint
from sapts_pinn.problems.written import statement_of

LINE = Interval(-1, 1)
CAP = Obstacle("u", below=1.0)
QUICK = {"method": "tr", "network": (16, 16), "points": 400}


def string(equation=lambda u: -u.xx - 8, obstacle=CAP, domain=LINE, value=0.0, more=(), **rest):
    return Problem(domain, "u", equation, [Dirichlet("u", value), *more], obstacles=[obstacle], **rest)


def row(problem, u, u_xx):
    given = {(): u, (0, 0): u_xx}
    points = torch.tensor([[0.0], [0.5], [0.9]], dtype=torch.float64)
    values = {k: torch.full((3,), v, dtype=torch.float64) for k, v in given.items()}
    (found,) = problem.evaluate({"u": Field("u", ("x",), values.__getitem__)}, points, {})
    return found


@pytest.mark.parametrize("sign", [1, -1])
def test_the_smaller_of_force_and_gap_vanishes(sign):
    """c = 1 / (0.1 * 2)^2 = 25 times the coefficient of u.xx."""
    above = string(lambda u: sign * (-2 * u.xx - 8), Obstacle("u", above=lambda x: -(x**2)))
    at = torch.tensor([0.0, 0.5, 0.9], dtype=torch.float64)
    for u, u_xx in ((0.3, -7.0), (0.3, 1.0), (5.0, -7.0), (-3.0, -7.0)):
        expected = torch.minimum(torch.full_like(at, -2 * u_xx - 8), 50 * (u + at**2))
        torch.testing.assert_close(row(above, u, u_xx), expected)
    both = string(lambda u: sign * (-2 * u.xx - 8), Obstacle("u", above=-0.5, below=0.5))
    for u, u_xx, expected in ((0.0, 1.0, -10.0), (-0.6, -7.0, -5.0), (0.7, 1.0, 10.0), (0.5, 1.0, 0.0)):
        torch.testing.assert_close(row(both, u, u_xx), torch.full((3,), expected, dtype=torch.float64))


def test_a_string_under_a_ceiling():
    """Touches u = 1 for |x| < 1/2, beyond it u = 1 - 4 (|x| - 1/2)^2."""
    found = solve(string(), budget="400 evaluations", **QUICK)
    x = np.linspace(-1, 1, 401)
    exact = np.where(abs(x) < 0.5, 1.0, 1 - 4 * (abs(x) - 0.5) ** 2)
    error = np.linalg.norm(found.predict({"x": x}) - exact) / np.linalg.norm(exact)
    assert error < 2e-4
    audit = found.result["audit"]
    assert audit["passed"] and audit["figures"]["passed"] < 1e-3
    assert audit["figures"]["contact"] == pytest.approx(0.5, abs=0.05)
    assert "the obstacle is touched on 5" in str(found) or "the obstacle is touched on 4" in str(found)


def test_it_is_said_what_was_made_of_it():
    made = string()
    assert "obstacle    u <= 1; where they touch, the equation is an inequality" in str(made)
    assert {"words": "u <= 1"} in statement_of(made)["conditions"]
    assert not made.findings
    other = string(obstacle=Obstacle("u", below=0.9))
    assert "the " in difference(fingerprint(made), fingerprint(other))


def test_zero_is_no_trivial_solution_below_an_obstacle():
    made = string(lambda u: -u.xx, Obstacle("u", above=lambda x: 1 - 4 * x**2))
    assert not made.findings
    with pytest.warns(UserWarning, match="no condition is given at the ends of x"):
        Problem(LINE, "u", lambda u: -u.xx - 1, obstacles=[CAP])


HUMP = Obstacle("u", above=lambda x: 1 - 4 * x**2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"equation": lambda u: u.x}, "it does not follow from the second derivatives in which direction"),
        ({"equation": lambda u, x: x * u.xx}, "it does not follow from the second derivatives"),
        ({"equation": lambda u: u.xxxx - 1}, "is for equations of second order in space"),
        ({"obstacle": Obstacle("u", above=0.5)}, "above is 0.5, and u on x=-1, x=1 prescribes 0: nothing"),
        ({"obstacle": Obstacle("u", below=-0.5)}, "below is -0.5, and u on x=-1, x=1 prescribes 0"),
        ({"obstacle": Obstacle("u", above=lambda x: x, below=lambda x: -x)}, "above is .* and below is"),
        ({"obstacle": Obstacle("v", above=0.0)}, r"there is no unknown 'v' among u"),
        ({"obstacle": 0.3}, r"obstacles: 0.3 is none; write Obstacle\('u', above=...\)"),
        ({"obstacle": Obstacle("u", above=lambda q: q)}, "asks for 'q'"),
        (
            {"equation": lambda u, lam: u.xx + lam * u, "coefficients": [Eigenvalue("lam")]},
            "is not for eigenvalue problems",
        ),
        (
            {"equation": lambda u, I: u.xx + I, "integrals": [Integral("I", lambda u: u, over="x")]},
            "is for equations without integrals",
        ),
        ({"equation": lambda u, x: u.xx + u.at(x=-x)}, "values elsewhere"),
        ({"domain": LINE * Time(0, 1), "equation": lambda u: u.tt - u.xx}, "at most first order in time"),
    ],
)
def test_what_has_no_form_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        string(**arguments)


def test_obstacles_of_systems_and_sources_are_refused():
    with pytest.raises(ValueError, match="for one unknown with one equation, not for a system"):
        Problem(LINE, ("u", "v"), lambda u, v: (u.xx - v, v.xx + u), obstacles=[HUMP])
    with pytest.raises(ValueError, match="2 obstacles are given; take one with above= and below="):
        Problem(LINE, "u", lambda u: u.xx, [Dirichlet("u", 0.0)], obstacles=[HUMP, CAP])
    with pytest.raises(ValueError, match="without point sources"):
        Problem(
            Box((0, 0), (1, 1)),
            "u",
            lambda u: u.xx + u.yy,
            [Dirichlet("u", 0.0)],
            sources=[PointSource((0.3, 0.4))],
            obstacles=[CAP],
        )
    with pytest.raises(ValueError, match=r"Obstacle\('u'\): give above= for u >= above"):
        Obstacle("u")
    with pytest.raises(
        ValueError, match="above must be a finite number or a function of the coordinates, not nan"
    ):
        Obstacle("u", above=math.nan)


def test_an_obstacle_in_time_and_with_a_coefficient():
    start = Initial("u", lambda x: 1 - x**2)
    made = Problem(
        LINE * Time(0, 1),
        "u",
        lambda u, k: u.t - k * u.xx,
        [Dirichlet("u", 0.0, on="x"), start, Observations("u", {"x": [0.0], "t": [0.5]}, [0.5])],
        [Coefficient("k", 2.0)],
        obstacles=[Obstacle("u", above=lambda x, k: 0 * k - x**2)],
    )
    assert made.complementarity.sign == 1 and made.complementarity.rate == pytest.approx(50.0)
    disc = Problem(
        Ball((0, 0), 1),
        "u",
        lambda u: u.xx + u.yy,
        [Dirichlet("u", 0.0)],
        obstacles=[Obstacle("u", above=-1.0)],
    )
    assert disc.complementarity.sign == -1 and disc.complementarity.rate == pytest.approx(50.0)
