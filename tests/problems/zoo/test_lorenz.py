"""Lorenz' equations: the reference is an orbit from the stated start."""

import torch

from known_solutions import Sampled
from sapts_pinn.problems import build


def test_equation():
    w = Sampled(build("lorenz"), step=2e-4)
    x, y, z = (w(name) for name in "xyz")
    right = 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z
    for row, (name, slope) in enumerate(zip("xyz", right, strict=True)):
        w.check(w(name, "t") - slope, slope, 1e-8, row)


def test_start():
    w = Sampled(build("lorenz"))
    start = torch.zeros(1, 1, dtype=torch.float64)
    assert [round(float(w.at(name, start)), 9) for name in "xyz"] == [-8, 7, 27]
