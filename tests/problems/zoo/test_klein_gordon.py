"""The Klein-Gordon equation: the reference satisfies it."""

from math import pi

import torch

from known_solutions import Sampled
from sapts_pinn.problems import build


def test_equation():
    u = Sampled(build("klein-gordon"), step=2e-3)
    x, t = u.points.unbind(1)
    exact = x * torch.cos(5 * pi * t) + (x * t) ** 3
    assert torch.allclose(u("u"), exact, atol=1e-14)
    source = -25 * pi**2 * x * torch.cos(5 * pi * t) + 6 * t * x**3 - 6 * x * t**3 + exact**3
    u.check(u("u", "t", "t") - u("u", "x", "x") + exact**3 - source, source, 1e-8)
