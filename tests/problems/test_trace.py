"""The trace of a function: what it reads, and what is refused."""

import warnings

import pytest
import torch

from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import BoundaryEquation, Dirichlet, Initial, Observations, Periodic, Problem, Sites
from sapts_pinn.problems.trace import trace
from stated_problems import BAR, bump

PROBLEM = Problem(
    Interval(0, 1) * Time(0, 1),
    ("u", "v"),
    lambda u, v: (u.t - u.xx - 1, v.xx - u),
    [Dirichlet("u"), Dirichlet("v"), Initial("u", 0.0)],
    symmetry=False,
)
SITES = Sites(torch.rand(5, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64))


def test_rows_and_derivatives_are_found():
    rows, needs = trace(
        PROBLEM, lambda f, s, k: (f["u"].d("x", "t").value * f["v"].value, f["u"].value), SITES, "it"
    )
    assert rows == 2 and needs == {"u": ((), (0, 1)), "v": ((),)}


@pytest.mark.parametrize(
    ("residual", "message"),
    [
        (lambda f, s, k: (), "it returned nothing"),
        (lambda f, s, k: (f["u"].value / 0,), "it gives NaN or infinity"),
        (lambda f, s, k: (f["u"].value - f["u"].value.mean(),), "depends on the other points"),
        (lambda f, s, k: (f["u"].value * torch.rand(()),), "other values every time"),
    ],
)
def test_functions_that_cannot_be_trained_are_refused(residual, message):
    with pytest.raises(InputError, match=message):
        trace(PROBLEM, residual, SITES, "it")


@pytest.mark.parametrize(
    ("equation", "conditions", "what"),
    [
        (lambda u: u.t - u.xx + u.value.mean(), [bump()], "the equation"),
        (lambda u, x: u.t - u.xx + x.max(), [bump()], "the equation"),
        (lambda u: u.t - u.xx, [BoundaryEquation(lambda u: u - u.value.mean())], "boundary equation"),
        (lambda u: u.t - u.xx, [Dirichlet("u", lambda t: t / t.sum())], "u on x=0, x=1"),
        (lambda u: u.t - u.xx, [Periodic("x"), Initial("u", lambda x: x - x.mean())], "initial value of u"),
    ],
)
def test_a_mean_over_the_points_is_refused(equation, conditions, what):
    with pytest.raises(ValueError, match=f"{what}.*: the value at a point depends on the other points"):
        Problem(BAR, "u", equation, conditions)


@pytest.mark.parametrize(
    ("equation", "conditions"),
    [
        (lambda u: u.t + 1j * u.xx, [bump()]),
        (lambda u: 1j, [bump()]),
        (lambda u: u.t - u.xx, [Initial("u", lambda x: torch.exp(1j * x))]),
        (lambda u: u.t - u.xx, [Dirichlet("u", lambda t: 2j)]),
    ],
)
def test_complex_numbers_are_refused(equation, conditions):
    with pytest.raises(
        ValueError, match=r"returned complex numbers: declare the unknown as unknowns=Complex\('h'\)"
    ):
        Problem(BAR, "u", equation, conditions)


def test_complex_data_are_refused():
    for values in ([1 + 2j], torch.tensor([1j])):
        data = Observations("u", {"x": [0.5], "t": [0.5]}, values)  # of a complex unknown, or of a real one
        with pytest.raises(ValueError, match="Observations hold complex numbers"):
            Problem(BAR, "u", lambda u: u.t - u.xx, [bump(), data])
    with warnings.catch_warnings(), pytest.raises(ValueError, match=r"complex|finite number"):
        Problem(BAR, "u", lambda u: u.t - u.xx, [bump(), Dirichlet("u", 1j, on="x")])
