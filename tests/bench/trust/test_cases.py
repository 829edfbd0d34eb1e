"""Problems that once came out wrong in silence: their right answers."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from sapts_pinn.bench.trust import cases

H = 1e-3


def second(f, x: float) -> float:
    return (f(x + H) - 2 * f(x) + f(x - H)) / H**2


def test_the_rectangle_has_a_unit_source_and_cold_walls():
    f = cases.rectangle_series
    assert second(lambda x: f(x, 0.4), 0.7) + second(lambda y: f(0.7, y), 0.4) == pytest.approx(-1, rel=3e-3)
    assert max(abs(f(*at)) for at in ((0.0, 0.3), (2.0, 0.3), (0.7, 0.0), (0.7, 1.0))) < 1e-12


def test_around_the_disc_the_solution_is_harmonic_and_fits_both_boundaries():
    f = cases.around_disc
    assert abs(second(lambda x: f(x, 0.1), 0.35) + second(lambda y: f(0.35, y), 0.1)) < 1e-3
    for angle in (0.0, 0.3, 0.7):
        assert abs(f(0.2 * math.cos(angle), 0.2 * math.sin(angle))) < 1e-9
    for y in (0.0, 0.2, 0.45):
        assert f(0.5, y) == pytest.approx(1, abs=1e-6) and f(y, 0.5) == pytest.approx(1, abs=1e-6)


def test_the_rod_warms_from_its_start_to_a_straight_line():
    f = cases.warm_rod_series
    rate = (f(0.01, 20.01) - f(0.01, 19.99)) / 0.02
    h = 1e-4
    curvature = (f(0.01 + h, 20.0) - 2 * f(0.01, 20.0) + f(0.01 - h, 20.0)) / h**2
    assert rate == pytest.approx(1.2e-5 * curvature, rel=1e-3)
    assert f(0.02, 0.0) == pytest.approx(293 + 80 * 0.6**8, abs=0.01)
    assert f(0.02, 1e5) == pytest.approx(293 + 80 * 0.6)


def test_the_earth_is_where_newton_puts_it():
    mu, radius = 1.32712440018e20, 1.495978707e11
    start = [radius, 0.0, 0.0, math.sqrt(mu / radius)]

    def rate(_: float, w: np.ndarray) -> list[float]:
        r3 = math.hypot(w[0], w[1]) ** 3
        return [w[2], w[3], -mu * w[0] / r3, -mu * w[1] / r3]

    found = solve_ivp(rate, (0, 1e7), start, "DOP853", rtol=1e-10, atol=1e-3).y[0, -1]
    assert cases.orbit_angle() == pytest.approx(found, rel=1e-6)


def test_values_are_taken_of_an_unknown_at_a_point():
    class Solution:
        def predict(self, points):
            return {"u": points["x"], "v": 2 * points["x"]}

    assert cases.at("v", x=1.5)(Solution()) == 3.0
    case = cases.Case("data", lambda: None, lambda: 4.0, cases.at())
    assert case.expected == 4.0 and cases.Case("data", lambda: None, None, cases.at()).expected is None


@pytest.mark.parametrize("name", ["moment over 600", "moment of size 1e-9", "flow between plates, 1 mm"])
def test_parabolas_of_the_scales(name):
    """q x (L - x) / 2 over the stiffness, in the middle of the length."""
    length, load, stiffness = {
        "moment over 600": (600.0, 1.0, 1.0),
        "moment of size 1e-9": (1.0, 8e-9, 1.0),
        "flow between plates, 1 mm": (1e-3, 100.0, 1e-3),
    }[name]
    assert cases.CASES[name].expected == pytest.approx(load * length**2 / 8 / stiffness)
