"""Integral equations: the references satisfy them, by another quadrature."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from sapts_pinn.problems.fields import Field
from sapts_pinn.problems.zoo.integral_equations import fredholm, volterra, volterra_ide

AT = np.array([0.1, 0.5, 0.9])


def value(problem, unknown="u"):
    return lambda x: float(problem.reference.evaluate({"x": np.atleast_1d(x)})[unknown][0])


def test_fredholm():
    problem, u = fredholm(), value(fredholm())
    for x in AT:
        points = torch.tensor([[x]], dtype=torch.float64)
        known = quad(lambda s, x=x: np.exp(x - s) * u(s), 0, 1)[0]
        field = Field("u", ("x",), lambda _, x=x: torch.tensor([u(x)], dtype=torch.float64))
        (row,) = problem.rows({"u": field, "I": torch.tensor([known], dtype=torch.float64)}, points)
        assert abs(float(row)) < 1e-12


def test_volterra():
    u = value(volterra())
    for x in 5 * AT:
        assert u(x) == pytest.approx(1 + quad(lambda s, x=x: (s - x) * u(s), 0, x)[0], abs=1e-12)


def test_volterra_ide():
    y = value(volterra_ide(), "y")
    for x in AT:
        slope = (y(x + 1e-5) - y(x - 1e-5)) / 2e-5
        assert slope + y(x) == pytest.approx(quad(lambda s, x=x: np.exp(s - x) * y(s), 0, x)[0], abs=1e-8)
    assert y(0.0) == 1.0
