"""The Korteweg-de Vries equation: the stored reference satisfies it and conserves its mass and energy."""

import numpy as np

from known_solutions import Sampled
from sapts_pinn.problems import build


def test_equation():
    u = Sampled(build("kdv"), step=2e-3)
    steep = u("u") * u("u", "x")
    u.check(u("u", "t") + steep + 0.0025 * u("u", "x", "x", "x"), steep, 1e-6)


def test_start_and_invariants():
    x = np.linspace(-1, 1, 512, endpoint=False)
    u = lambda t: build("kdv").reference.evaluate({"x": x, "t": np.full_like(x, t)})["u"]
    assert np.abs(u(0.0) - np.cos(np.pi * x)).max() < 1e-10
    assert abs(u(1.0).mean()) < 1e-10
    assert abs(np.square(u(1.0)).mean() - 0.5) < 1e-9
