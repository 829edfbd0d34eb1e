"""Formulas of functions: what they say is what the function does, and what cannot be said is None."""

import math

import numpy as np
import pytest
import torch

from sapts_pinn.geometry import Interval, Radius, Time
from sapts_pinn.problems import Complex, Problem, curl, div, grad, laplace
from sapts_pinn.problems.conditions.base import space_names
from sapts_pinn.problems.expressions import in_space
from sapts_pinn.problems.written.formulas import Words, formulas

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
        (lambda u, x: torch.special.erf(x) * u - torch.max(x, u.x), ["erf(x) * u - maximum(x, u.x)"]),
        (lambda u, x: u - torch.stack([x, x**2], -1).sum(-1), ["u - (x + x ** 2)"]),
        (lambda u, x: u + torch.sqrt(4 * torch.ones_like(x)) + torch.exp(0 * x.detach()), ["u + 2.0 + 1.0"]),
        (lambda u, t: u.t + u.x.at(t=t - 1), ["u.t + u.x.at(t=t - 1)"]),
        (lambda u, x: u - u.at(x=1 - x, t=0.5), ["u - u.at(x=1 - x, t=0.5)"]),
    ],
)
def test_a_formula_says_what_the_function_does(function, expected):
    assert formulas(function, Words(POINTS, ("u", "v"), ("k",))) == expected


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
    assert formulas(function, Words(POINTS, ("u",))) is None


def test_a_formula_that_grows_without_end_is_stopped():
    def doubled(u):
        value = u.x
        for _ in range(60):  # 2^60 symbols, written out
            value = value + value * value
        return value / 1e300

    assert formulas(doubled, Words(POINTS, ("u",))) is None


def test_a_formula_that_says_something_else_is_dropped():
    def two_faced(u):
        return u.x if isinstance(u.value, torch.Tensor) else u.t

    assert formulas(two_faced, Words(POINTS, ("u",))) is None


SPACE = {"x": POINTS["x"], "y": 0.3 + POINTS["x"] ** 2, "t": POINTS["t"]}


@pytest.mark.parametrize(
    ("equation", "expected"),
    [
        (lambda u, x: ((1 + x) * u.x).x + u.yy, ["((1 + x) * u.x).x + u.yy"]),
        (lambda u, k: (k * u.x).x + (k * u.y).y, ["(k * u.x).x + (k * u.y).y"]),
        (lambda u: div((1 + u**2) * grad(u)), ["((1 + u ** 2) * u.x).x + ((1 + u ** 2) * u.y).y"]),
        (lambda u, x: u.t - div(torch.exp(-x) * grad(u)), ["u.t - ((exp(-x) * u.x).x + (exp(-x) * u.y).y)"]),
        (lambda u: div(-0.1 * grad(u)), ["-(0.1 * u.xx) - 0.1 * u.yy"]),
        (lambda u: laplace(u * u), ["(u ** 2).xx + (u ** 2).yy"]),
        (lambda u, v, x: curl((x * u, v)), ["v.x - (x * u).y"]),
        (lambda u, x: ((x * u.x).x * u).y, ["((x * u.x).x * u).y"]),
        (lambda u, x: grad(x * u)[0] + div((x, 0.5 * u)), ["(x * u).x + (1 + 0.5 * u.y)"]),
    ],
)
def test_a_divergence_form_is_written_as_it_stands(equation, expected):
    with in_space(space_names(Interval(0, 1, name="x") * Interval(0, 1, name="y") * Time(0, 1))):
        assert formulas(equation, Words(SPACE, ("u", "v"), ("k",))) == expected


@pytest.mark.parametrize(
    ("radius", "equation", "expected"),
    [
        (Radius(0, 1), lambda u: laplace(u), ["u.rr + u.r / r"]),
        (Radius(0, 1, around="point"), lambda u: laplace(u), ["u.rr + 2 * (u.r / r)"]),
        (Radius(0, 1), lambda u, r: div((1 + r) * grad(u)), ["((1 + r) * u.r).r + (1 + r) * u.r / r"]),
    ],
)
def test_round_coordinates_are_written_out(radius, equation, expected):
    with in_space(space_names(radius)):
        assert formulas(equation, Words({"r": POINTS["x"]}, ("u",))) == expected


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
@pytest.mark.parametrize(
    ("equation", "expected"),
    [
        (lambda h: 1j * h.t + 0.5 * h.xx + abs(h) ** 2 * h, ["1j * h.t + 0.5 * h.xx + abs(h) ** 2 * h"]),
        (lambda h, x: h.xx + (2 - 3j) * h.conj() * x, ["h.xx + conj(h) * (2.0 - 3.0 * 1j) * x"]),
        (lambda h: (h.t - h.xx, (h * h.conj()).real - h.imag), ["h.t - h.xx", "real(h * conj(h)) - imag(h)"]),
        (lambda h, x: h.t - ((1 + 1j * x) * h.x).x, ["h.t - ((1 + 1j * x) * h.x).x"]),
    ],
)
def test_complex_unknowns_keep_their_form(equation, expected):
    problem = Problem(Interval(0, 1) * Time(0, 1), Complex("h"), equation, [])
    words = Words(POINTS, problem.unknown_names, (), problem.complex_parts)
    assert formulas(problem.equation, words) == expected


def test_another_place_or_factor_is_noticed():
    """The comparison tells apart what is read where, and how it is differentiated."""
    calls = []

    def other_place(u, t):
        calls.append(t)
        return u.t + u.at(t=t - len(calls))

    def other_flux(u, x):
        calls.append(x)
        return ((len(calls) + x) * u.x).x

    for function in (other_place, other_flux):
        calls.clear()
        assert formulas(function, Words(POINTS, ("u",))) is None and len(calls) >= 2
