"""Formulas of functions: what they say is what the function does, and what cannot be said is None."""

import math

import numpy as np
import pytest
import torch

from sapts_pinn.problems.written.symbols import formulas

POINTS = {"x": torch.linspace(0.1, 0.9, 7).double(), "t": torch.linspace(0.2, 0.8, 7).double()}
NU = 0.01 / math.pi


def weighted(u, x):
    weight = torch.ones_like(x)
    for factor in (x, 1 - x):
        weight = weight * factor
    return weight * u.x


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda u: u.t + u * u.x - NU * u.xx, [f"u.t + u * u.x - {NU!r} * u.xx"]),
        (lambda u, x: u.d("x", "t") - torch.sin(x) * u**3, ["u.xt - sin(x) * u ** 3"]),
        (lambda u, v: (u.x + v, 2 * v.x * -3 / u), ["u.x + v", "-(6 * v.x / u)"]),
        (lambda u, k: k * u.xx - (-5) * x_squared(u), ["k * u.xx + 5 * u.x ** 2"]),
        (weighted, ["x * (1 - x) * u.x"]),
        (lambda u, x: torch.where(x < 0.5, 1.0, 100.0) * u.x, ["where(x < 0.5, 1.0, 100.0) * u.x"]),
        (lambda u, x: u * x.exp() + torch.tensor(2.0, dtype=x.dtype) * x, ["u * exp(x) + 2.0 * x"]),
        (lambda u: u.x - np.float64(0.5) * u, ["u.x - 0.5 * u"]),
        (lambda: -1.5, ["-1.5"]),
    ],
)
def test_a_formula_says_what_the_function_does(function, expected):
    assert formulas(function, ("u", "v"), POINTS, ("k",)) == expected


def x_squared(u):
    return u.x.value.square() if hasattr(u.x, "value") else u.x**2


@pytest.mark.parametrize(
    "function",
    [
        lambda u, x: u.x + torch.from_numpy(np.interp(x.numpy(), [0, 1], [0, 1])),  # a table
        lambda u, x: u.x if x[0] > 0 else u,  # a branch
        lambda u: u.x + torch.relu(u.value),  # a function without a notation
        lambda u: u.x - u.x.value.mean(),
        lambda u: u.q,  # a mistake
        lambda u: u.x + math.sin(u),
        lambda u, x: sum(torch.sin(i * x) for i in range(200)) + u.x,  # too long to be read
    ],
)
def test_what_has_no_formula_is_not_guessed(function):
    assert formulas(function, ("u",), POINTS) is None


def test_a_formula_that_grows_without_end_is_stopped():
    def doubled(u):
        value = u.x
        for _ in range(60):  # 2^60 symbols, written out
            value = value + value * value
        return value / 1e300

    assert formulas(doubled, ("u",), POINTS) is None


def test_a_formula_that_says_something_else_is_dropped():
    def two_faced(u):
        return u.x if isinstance(u.value, torch.Tensor) else u.t

    assert formulas(two_faced, ("u",), POINTS) is None
