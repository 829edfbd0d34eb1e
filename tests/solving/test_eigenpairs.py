"""Eigenvalues against exact ones, their functions, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sapts_pinn import Dirichlet, Eigenvalue, Neumann, Problem, eigenpairs, solve
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Box, Interval

ROD = Interval(0, 1)


def string(equation=lambda u, lam: u.xx + lam * u, *conditions, **more):
    given = conditions or (Dirichlet("u", 0.0),)
    return Problem(ROD, "u", equation, list(given), coefficients=[Eigenvalue("lam")], **more)


def within(found, exact, most):
    assert np.abs(found.values - exact).max() < most * max(1.0, np.abs(exact).max())
    assert (np.abs(found.values - exact) <= 10 * found.errors).all()


def test_a_square_with_a_double_eigenvalue():
    square = Problem(
        Box((0, 0), (1, 1)),
        "u",
        lambda u, lam: u.xx + u.yy + lam * u,
        [Dirichlet("u", 0.0)],
        coefficients=[Eigenvalue("lam")],
    )
    within(eigenpairs(square, 5), math.pi**2 * np.array([2, 5, 5, 8, 10]), 1e-9)


def test_the_quantum_oscillator():
    oscillator = Problem(
        Interval(-8, 8),
        "u",
        lambda u, lam, x: -u.xx / 2 + x**2 / 2 * u - lam * u,
        [Dirichlet("u", 0.0)],
        coefficients=[Eigenvalue("lam")],
    )
    within(eigenpairs(oscillator, 5), np.arange(5) + 0.5, 1e-9)


def test_the_functions_have_mean_square_one():
    found = eigenpairs(string(), 2)
    within(found, math.pi**2 * np.array([1, 4]), 1e-10)
    x = np.linspace(0, 1, 501)
    assert np.allclose(np.abs(found.predict(0, {"x": x})), math.sqrt(2) * np.sin(math.pi * x), atol=1e-2)
    second = found.predict(1, {"x": x})
    assert abs(np.corrcoef(second, np.sin(2 * math.pi * x))[0, 1]) > 1 - 1e-9


def test_near_another_number():
    found = eigenpairs(string(), 2, near=80.0)
    within(found, math.pi**2 * np.array([4, 9]), 1e-9)


def test_zero_is_found_as_an_eigenvalue():
    found = eigenpairs(string(lambda u, lam: u.xx + lam * u, Neumann("u", 0.0)), 3)
    assert np.abs(found.values - math.pi**2 * np.array([0, 1, 4])).max() < 1e-8


def test_weighted_conditions():
    found = eigenpairs(string(lambda u, lam: u.xx + lam * u, Dirichlet("u", 0.0, hard=False)), 2)
    within(found, math.pi**2 * np.array([1, 4]), 1e-8)


def test_it_prints_digits_and_errors():
    text = str(eigenpairs(string(name="string"), 1))
    assert text.startswith("string: 1 eigenvalues lam by random features")
    assert "  9.869604401089" in text and "+-" in text


def test_it_shows_what_it_is():
    assert "coefficient lam, an eigenvalue" in str(string())


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (lambda: string(lambda u, lam: u.xx + lam * u + 1), "hold for u = 0"),
        (lambda: string(lambda u, lam: u.xx + lam * u**2), "linear in the unknowns"),
        (lambda: string(lambda u, lam: u.xx + lam**2 * u), "of degree one"),
        (lambda: string(lambda u, lam: u.xx + lam * u, Dirichlet("u", 1.0)), "hold for u = 0"),
    ],
)
def test_problems_that_are_refused(problem, message):
    with pytest.raises(InputError, match=message):
        eigenpairs(problem(), 1)


def test_complex_eigenvalues_are_refused():
    rotation = Problem(
        ROD,
        ("u", "v"),
        lambda u, v, lam: (u.xx + 20 * v.value + lam * u, v.xx - 20 * u.value + lam * v),
        [Dirichlet("u", 0.0), Dirichlet("v", 0.0)],
        coefficients=[Eigenvalue("lam")],
    )
    with pytest.raises(InputError, match="is complex"):
        eigenpairs(rotation, 2)


def test_other_calls_are_refused():
    with pytest.raises(InputError, match=r"call eigenpairs\(problem, count=5\)"):
        solve(string(), budget="1 iterations")
    with pytest.raises(InputError, match="count must be"):
        eigenpairs(string(), 0)
    ordinary = Problem(ROD, "u", lambda u, x: u.xx + torch.sin(x), [Dirichlet("u", 0.0)])
    with pytest.raises(InputError, match=r"needs an Eigenvalue\('lam'\)"):
        eigenpairs(ordinary)
