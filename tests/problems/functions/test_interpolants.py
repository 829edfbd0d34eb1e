"""Splines through functions."""

import math

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

from sapts_pinn.problems.fields import derivatives
from sapts_pinn.problems.functions.interpolants import interpolant
from written_data import opaque

ZERO, ONE = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)


NODES = np.linspace(0, 1, 21)


def test_interpolant():
    spline = CubicSpline(NODES, np.sin(np.pi * NODES))
    found = interpolant(lambda p: opaque(spline)(p[:, 0]), ZERO, ONE, [2])
    x = torch.linspace(0.01, 0.99, 200, dtype=torch.float64)[:, None]
    for order, value in enumerate(derivatives(found, x, [(), (0,), (0, 0)])):
        assert np.abs(value.numpy() - spline(x[:, 0].numpy(), order)).max() < (1e-9, 1e-6, 2e-2)[order]
    assert interpolant(lambda p: (p[:, 0] - 0.3).abs(), ZERO, ONE, [2]) is None
    plane = interpolant(lambda p: torch.sin(p[:, 0] * p[:, 1]), ZERO.expand(2), ONE.expand(2), [2, 2])
    p = torch.tensor([[0.3, 0.7]], dtype=torch.float64)
    assert float(derivatives(plane, p, [(0, 1)])[0]) == pytest.approx(
        math.cos(0.21) - 0.21 * math.sin(0.21), abs=1e-6
    )
