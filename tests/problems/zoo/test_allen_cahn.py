"""Allen-Cahn equations: the stored references satisfy them and their conditions."""

from math import pi

import numpy as np
import pytest
import torch

from known_solutions import Sampled
from sapts_pinn.problems import build


@pytest.mark.parametrize(("name", "diffusion"), [("allen-cahn", 1e-4), ("allen-cahn-dirichlet", 1e-3)])
def test_equation(name, diffusion):
    u = Sampled(build(name), step=1e-3, count=400)
    value = u("u")
    u.check(u("u", "t") - diffusion * u("u", "x", "x") + 5 * value**3 - 5 * value, value, 1e-4)


@pytest.mark.parametrize("name", ["allen-cahn", "allen-cahn-dirichlet"])
def test_start_and_ends(name):
    u = lambda x, t: build(name).reference.evaluate({"x": x, "t": t})["u"]
    s = np.linspace(-1, 1, 41)
    assert np.abs(u(s, 0 * s) - s**2 * np.cos(pi * s)).max() < 1e-9
    t = np.linspace(0, 1, 11)
    low, high = u(0 * t - 1, t), u(0 * t + 1, t)
    assert np.abs(low - (high if name == "allen-cahn" else -1)).max() < 1e-9


def test_steady_state():
    u = Sampled(build("allen-cahn-steady"), step=2e-2, count=400)
    value = u("u")
    u.check(-u("u", "x", "x") + value**3 - value, value, 1e-7)
    ends = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    assert u.at("u", ends).tolist() == pytest.approx([1, -1], abs=1e-12)
