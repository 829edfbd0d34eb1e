"""The delay equation: the reference satisfies it."""

import numpy as np
import pytest

from sapts_pinn.problems.zoo.delay import delay


def test_equation():
    def u(t):
        return delay().reference.evaluate({"t": np.asarray(t)})["u"]

    t = np.array([0.3, 0.9, 1.4, 2.2, 3.7, 4.6])
    step = 1e-3
    slope = (8 * (u(t + step) - u(t - step)) - u(t + 2 * step) + u(t - 2 * step)) / (12 * step)
    assert slope == pytest.approx(-np.where(t < 1, 1.0, u(np.maximum(t - 1, 0))), abs=1e-10)
    assert u(0.0) == 1.0
