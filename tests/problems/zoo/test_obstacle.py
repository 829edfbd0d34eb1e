"""A string over an obstacle: the reference touches it along a tangent; slow: the default comes to 1e-4."""

import numpy as np
import pytest

from sapts_pinn import solve
from sapts_pinn.problems import build
from sapts_pinn.problems.zoo.obstacle import EDGE


def u(x):
    return build("obstacle").reference.evaluate({"x": np.asarray(x)})["u"]


def test_the_reference_is_straight_off_the_obstacle_and_leaves_it_smoothly():
    x = np.linspace(-1, 1, 2001)
    psi, found = 1 - 4 * x**2, u(x)
    assert (found >= psi - 1e-12).all() and found[0] == found[-1] == 0
    bend = np.diff(found, 2) / 1e-6
    touching = np.abs(x[1:-1]) < EDGE - 2e-3
    free = np.abs(x[1:-1]) > EDGE + 2e-3
    assert bend[touching] == pytest.approx(-8.0, abs=1e-6) and bend[free] == pytest.approx(0.0, abs=1e-6)
    assert np.abs(np.diff(found)).max() <= 8 * EDGE * 1e-3 + 1e-12  # the slope does not jump


@pytest.mark.slow
def test_it_is_solved():
    found = solve(build("obstacle"), method="tr", points=1024, budget="1500 evaluations")
    assert found.result["relative_l2_error"] < 1e-4
