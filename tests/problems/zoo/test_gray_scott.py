"""The Gray-Scott model: the stored reference satisfies it and starts from its pulse."""

import numpy as np

from known_solutions import Sampled
from sapts_pinn.problems import build


def test_equation():
    w = Sampled(build("gray-scott"), step=1e-3)
    u, v = w("u"), w("v")
    eaten = 200 * u * v**2
    w.check(w("u", "t") - 0.02 * w("u", "x", "x") - 200 * 0.04 * (1 - u) + eaten, eaten, 1e-6, 0)
    w.check(w("v", "t") - 0.01 * w("v", "x", "x") + 200 * 0.1 * v - eaten, eaten, 1e-6, 1)


def test_start():
    x = np.linspace(-1, 1, 101)
    found = build("gray-scott").reference.evaluate({"x": x, "t": 0 * x})
    pulse = np.exp(-10 * (1 - np.cos(np.pi * x)))
    assert np.abs(found["u"] - (1 - pulse / 2)).max() < 1e-9
    assert np.abs(found["v"] - pulse / 4).max() < 1e-9
