"""Composite walls: the exact solutions fulfil equation and contact, by differences."""

import numpy as np
import pytest

from sapts_pinn.problems import build


def flux(evaluate, x, k, h=1e-6):
    return k * (evaluate(x + h) - evaluate(x - h)) / (2 * h)


def test_the_wall_conducts_the_same_heat_on_both_sides_of_a_contact():
    exact = build("composite-wall").reference
    u = lambda x: float(exact.evaluate({"x": np.array([x])})["u"][0])
    assert u(0.0) == 0 and u(1.0) == pytest.approx(100, abs=1e-11)
    for at, left, right in ((0.3, 0.6, 0.03), (0.35, 0.03, 50.0)):
        assert flux(u, at - 1e-4, left) == pytest.approx(flux(u, at + 1e-4, right) + 10 * 2e-4, rel=1e-6)
    assert flux(u, 0.9, 50.0) - flux(u, 0.4, 50.0) == pytest.approx(-10 * 0.5, rel=1e-5)


def test_the_ring_conducts_the_same_heat_on_both_sides_of_the_contact():
    exact = build("composite-ring").reference
    u = lambda r: float(exact.evaluate({"x": np.array([0.6 * r]), "y": np.array([0.8 * r])})["u"][0])
    assert u(0.5) == pytest.approx(0, abs=1e-14) and u(2.0) == pytest.approx(1)
    total = [r * flux(u, r, k) for r, k in ((0.7, 20.0), (0.99, 20.0), (1.01, 1.0), (1.9, 1.0))]
    assert total == pytest.approx([total[0]] * 4, rel=1e-7)
    assert np.isnan(u(0.4)) and np.isnan(u(2.1))


def test_what_is_heated_in_is_carried_away():
    """The flow through the wall is that out of the channel, and the equation holds on either side."""
    exact = build("conjugate").reference

    def u(x, y):
        return exact.evaluate({"x": np.asarray(x), "y": np.asarray(y)})["u"]

    step = 1e-4
    for y, k, flow in ((0.3, 0.1, 1.5 * (1 - 0.09)), (0.8, 0.1, 1.5 * (1 - 0.64)), (1.2, 2.0, 0.0)):
        bend = (u(0.4, y + step) - 2 * u(0.4, y) + u(0.4, y - step)) / step**2
        slope = (u(0.4 + step, y) - u(0.4 - step, y)) / (2 * step)
        assert flow * slope == pytest.approx(k * bend, abs=1e-5)
    below, above = (u(0.4, 1.0) - u(0.4, 1 - step)) / step, (u(0.4, 1 + step) - u(0.4, 1.0)) / step
    assert 0.1 * below == pytest.approx(1.0, abs=1e-3) and 2.0 * above == pytest.approx(1.0, abs=1e-9)
