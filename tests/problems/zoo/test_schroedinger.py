"""The cubic Schroedinger equation: the stored reference satisfies it and conserves its mass."""

import numpy as np

from known_solutions import Sampled
from sapts_pinn.problems import build


def test_equation():
    """i h_t + h_xx / 2 + |h|^2 h = 0, up to the modes that are left out; the last kept turns at 13 000."""
    w = Sampled(build("schroedinger"), step=5e-6)
    u, v = w("u"), w("v")
    density = u**2 + v**2
    w.check(-w("v", "t") + 0.5 * w("u", "x", "x") + density * u, density * u, 1e-2, 0)
    w.check(w("u", "t") + 0.5 * w("v", "x", "x") + density * v, density * u, 1e-2, 1)


def test_start_and_mass():
    x = np.linspace(-5, 5, 1024, endpoint=False)
    h = lambda t: build("schroedinger").reference.evaluate({"x": x, "t": np.full_like(x, t)})
    off = np.hypot(h(0.0)["u"] - 2 / np.cosh(x), h(0.0)["v"])
    assert np.sqrt(np.mean(off**2)) < 1e-5
    mass = [np.mean(h(t)["u"] ** 2 + h(t)["v"] ** 2) for t in (0.0, 1.0)]
    assert abs(mass[0] - mass[1]) < 1e-6 * mass[0]
