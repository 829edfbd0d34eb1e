"""Relative error of a model against the reference of its problem."""

import math

import numpy as np
import pytest
import torch

from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.problems import Dirichlet, Problem, build
from sapts_pinn.results import reference_error
from sapts_pinn.results.reference_error import TEST_POINTS, compared, error_measure, reference_values


def problem(reference, unknowns="u"):
    equation = (lambda u: u.xx + 1) if unknowns == "u" else (lambda u, v: (u.xx + 1, v.xx - u))
    conditions = [Dirichlet(name, 0.0) for name in ([unknowns] if unknowns == "u" else unknowns)]
    return Problem(Interval(0, 1), unknowns, equation, conditions, reference=reference)


def test_the_error_is_relative_to_the_reference():
    measure = error_measure(problem(lambda x: 2 + x))
    assert measure(lambda points: 1.1 * (2 + points)) == pytest.approx(0.1)
    assert measure(lambda points: 2 + points) == 0
    assert error_measure(problem(None)) is None and compared(problem(None)) is None


def test_a_model_is_measured_as_its_values_are():
    given = build("poisson-1d")
    model = Model(given, network_of(given, (4,), torch.Generator().manual_seed(0), torch.float64))
    measure = error_measure(given)
    with torch.no_grad():
        assert measure(model) == pytest.approx(measure(lambda points: model(points)), rel=1e-12)


def test_of_a_system_only_what_is_known_counts():
    given = problem(lambda x: {"u": 1 + 0 * x}, unknowns=("u", "v"))
    assert compared(given) == ["u"]
    values = reference_values(given, torch.zeros(3, 1, dtype=torch.float64))
    assert values[:, 0].tolist() == [1, 1, 1] and torch.isnan(values[:, 1]).all()
    off = lambda points: torch.cat([points * 0 + 1.2, points * 0 + 100], 1)
    assert error_measure(given)(off) == pytest.approx(0.2)


def test_values_that_are_missing_are_left_out():
    given = problem(lambda x: torch.where(x < 0.5, 1.0, math.nan))
    assert error_measure(given)(lambda p: torch.where(p < 0.5, 1.5, 1e9)) == pytest.approx(0.5)
    with pytest.raises(InputError, match="NaN at every test point"):
        error_measure(problem(lambda x: x * math.nan))(lambda p: p)
    with pytest.raises(InputError, match="the reference gives no values of 'u'; return a dict by unknown"):
        reference_values(problem(lambda x: {"w": x}), torch.zeros(1, 1))


def test_points_of_comparison_are_the_same_each_time():
    given = problem(lambda x: x)
    assert torch.equal(reference_error.test_grid(given), reference_error.test_grid(given))
    assert len(reference_error.test_grid(given)) == TEST_POINTS
    assert np.isclose(float(reference_error.test_grid(given).mean()), 0.5, atol=1e-3)
