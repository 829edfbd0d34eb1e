"""The Burgers equation: the reference satisfies it, whatever the viscosity."""

from math import pi

import numpy as np
import pytest

from known_solutions import Sampled
from sapts_pinn.problems.zoo.burgers import burgers, burgers_family


@pytest.mark.parametrize("nu", [0.01 / pi, 0.1])
def test_equation(nu):
    u = Sampled(burgers(nu), step=5e-4, count=400, kept=lambda x, t: x.abs() > 0.2)
    advected = u("u") * u("u", "x")
    u.check(u("u", "t") + advected - nu * u("u", "x", "x"), advected, 2e-4)


def test_start_and_ends():
    u = lambda x, t: burgers(0.05).reference.evaluate({"x": x, "t": t})["u"]
    s = np.linspace(-1, 1, 41)
    assert np.abs(u(s, 0 * s) + np.sin(pi * s)).max() < 1e-12
    t = np.linspace(0, 1, 11)
    assert max(np.abs(u(0 * t + end, t)).max() for end in (-1, 1)) < 1e-12


def test_a_viscosity_out_of_range_is_refused():
    with pytest.raises(ValueError, match="nu"):
        burgers(1e-5)


def test_family():
    problem = burgers_family()
    points = problem.reference.test_points()
    assert len(np.unique(points["nu"])) == 5
    at = {"x": np.array([0.3]), "t": np.array([0.4]), "nu": points["nu"][:1]}
    alone = burgers(points["nu"][0]).reference.evaluate({"x": at["x"], "t": at["t"]})["u"]
    assert problem.reference.evaluate(at)["u"] == alone
