"""The Kuramoto-Sivashinsky equation: the stored reference satisfies it."""

import numpy as np

from known_solutions import Sampled
from sapts_pinn.problems import build


def test_equation():
    u = Sampled(build("kuramoto-sivashinsky"), step=2e-3)
    steep = 5 * u("u") * u("u", "x")
    smoothed = 0.5 * u("u", "x", "x") + 0.005 * u("u", "x", "x", "x", "x")
    u.check(u("u", "t") + steep + smoothed, steep, 1e-5)


def test_start_and_mean():
    x = np.linspace(-1, 1, 256, endpoint=False)
    u = lambda t: build("kuramoto-sivashinsky").reference.evaluate({"x": x, "t": np.full_like(x, t)})["u"]
    assert np.abs(u(0.0) + np.sin(np.pi * x)).max() < 1e-10 and abs(u(1.0).mean()) < 1e-10
