"""Given functions are judged by value before they are built in: smooth, opaque to autograd, kinked."""

import math
import time

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline, PchipInterpolator

from sapts_pinn.geometry import Interval
from sapts_pinn.problems.functions.smoothness import Box, breaks, misses_derivatives, rough_places
from sapts_pinn.problems.functions.smoothness import Box as Part
from written_data import hat, heat, opaque

ZERO, ONE = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
BOX = Box(ZERO, ONE, [2])
NODES = np.linspace(0, 1, 21)
X = Interval(0, 1)


KINKED = {
    "hat": (hat, 1, 0.3),
    "step": (lambda x: (x < 0.2).double(), 0, 0.2),
    "constants": (lambda x: torch.where(x < 0.2, 1.0, 0.0), 0, 0.2),
    "abs": (lambda x: (x - 0.37).abs(), 1, 0.37),
    "relu": (lambda x: torch.relu(x - 0.5), 1, 0.5),
    "sawtooth": (lambda x: 2 * x - torch.floor(2 * x), 0, 0.5),
    "three pieces": (lambda x: torch.where(x < 0.25, x, torch.where(x < 0.6, 0.25, 0.85 - x)), 1, 0.25),
    "narrow window": (lambda x: ((x - 0.4567).abs() < 1e-4).double(), 0, 0.4567),
    "small kink": (lambda x: torch.sin(3 * x) + 1e-3 * torch.relu(x - 0.7654), 1, 0.7654),
    "second derivative": (lambda x: (x - 0.5) * (x - 0.5).abs(), 2, 0.5),
    "root": (torch.sqrt, 1, 0.0),
    "power 1.5": (lambda x: x**1.5, 2, 0.0),
}
SMOOTH = {
    "sine": lambda x: torch.sin(math.pi * x),
    "oscillation": lambda x: torch.sin(200 * x),
    "Gaussian": lambda x: torch.exp(-(((x - 0.412) / 1e-3) ** 2)),
    "steep tanh": lambda x: torch.tanh((x - 0.5) / 0.01),
    "constant up to rounding": lambda x: torch.sin(x) ** 2 + torch.cos(x) ** 2,
    "two equal branches": lambda x: torch.where(x < 0.5, torch.exp(x), torch.exp(x)),
    "large offset": lambda x: 1e6 + torch.sin(x),
    "exp(-1/x)": lambda x: torch.exp(-1 / x),
    "guarded sinc": lambda x: torch.where(
        (x - 0.5).abs() < 1e-8, torch.ones_like(x), torch.sin(x - 0.5) / (x - 0.5)
    ),
    "kink of third order": lambda x: (x - 0.5).abs() ** 3,
    "power 2.5": lambda x: x**2.5,
    "single precision": lambda x: torch.sin(x.float()).double(),
}
OPAQUE = {
    "numpy": opaque(np.sin),
    "spline": opaque(CubicSpline(NODES, np.sin(np.pi * NODES))),
    "Pchip": opaque(PchipInterpolator(NODES, np.sin(np.pi * NODES))),
    "in part": lambda x: x + torch.sin(x.detach()),
    "Legendre": lambda x: torch.special.legendre_polynomial_p(x, 3),
    "gammainc": lambda x: torch.special.gammainc(1.5 + x, x + 1),
    "Bessel as it is": lambda x: torch.special.bessel_j0(3 * x),
}


@pytest.mark.parametrize("name", KINKED)
def test_kinks_and_jumps_are_found(name):
    function, order, place = KINKED[name]
    assert not misses_derivatives(lambda p: function(p[:, 0]), BOX)
    found = breaks(lambda p: function(p[:, 0]), BOX)
    lowest = min(found, key=lambda b: b.order)
    assert lowest.order == order
    assert min(abs(float(b.point[0]) - place) for b in found) < 2e-4


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions_pass(name):
    function = SMOOTH[name]
    assert not misses_derivatives(lambda p: function(p[:, 0]), BOX)
    assert not breaks(lambda p: function(p[:, 0]), BOX)


@pytest.mark.parametrize("name", OPAQUE)
def test_what_autograd_misses_is_found(name):
    assert misses_derivatives(lambda p: OPAQUE[name](p[:, 0]), BOX)


def test_a_kink_is_found_by_values_alone():
    found = rough_places(lambda p: opaque(lambda x: np.maximum(0, 0.2 - abs(x - 0.5)))(p[:, 0]), BOX)
    for place in (0.3, 0.5, 0.7):
        assert min(abs(float(b.point[0]) - place) for b in found) < 1e-3


def test_judging_is_fast():
    heat(lambda x: torch.sin(math.pi * x))
    start = time.process_time()
    heat(lambda x: torch.sin(math.pi * x) * torch.exp(x))
    assert time.process_time() - start < 0.5


def test_a_window_too_narrow_to_matter_is_none_on_a_slope_either():
    def function(points):
        x = points[:, 0]
        return 3 * x + ((x - 0.4).abs() < 1e-7)

    part = Part(torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64), [0])
    assert not breaks(function, part)
    found = breaks(lambda p: 3 * p[:, 0] + 1e-3 * (p[:, 0] > 0.4), part)
    assert found and all(abs(float(b.point[0]) - 0.4) < 1e-6 for b in found)
