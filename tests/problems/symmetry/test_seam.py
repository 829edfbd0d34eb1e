"""The seam of a circle: functions that continue across it, and those that do not."""

import math

import pytest
import torch

from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems.symmetry.seam import smooth_across

DOMAIN = Interval(0, 2) * Time(0, 1)


@pytest.mark.parametrize(
    ("function", "orders", "jump"),
    [
        (lambda p: torch.sin(math.pi * p[:, 0]) * p[:, 1], 3, 0.0),
        (lambda p: p[:, 0], 0, 1.0),
        (lambda p: (p[:, 0] - 1) ** 2, 0, 0.0),
        (lambda p: (p[:, 0] - 1) ** 2, 1, 2.0),
    ],
)
def test_the_largest_relative_jump_of_a_derivative(function, orders, jump):
    assert smooth_across(function, DOMAIN, 0, orders) == pytest.approx(jump, abs=1e-6)


def test_a_function_without_finite_values_jumps_infinitely():
    assert smooth_across(lambda p: 1 / p[:, 0], DOMAIN, 0, 0) == math.inf
