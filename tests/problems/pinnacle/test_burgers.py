"""Burgers1d-C and Burgers2d-C."""

import numpy as np
import pytest
import torch

from referenced import inner_points, misfit, residuals
from sapts_pinn.problems import build
from sapts_pinn.problems.pinnacle.burgers import _waves, initial_values


def test_burgers_1d():
    problem = build("pinnacle-burgers1d-c")
    assert misfit(problem, 0) < 1e-12 and misfit(problem, 1) < 1e-12
    points = inner_points(problem, 100, 0.05)
    points = points[points[:, 0].abs() > 0.1]  # outside of the layer
    assert max(residuals(problem, points)) < 1e-8
    test = problem.reference.test_points()
    assert test["x"].size == 101 * 11 and np.unique(test["t"]).size == 11


def test_two_dimensions():
    """The initial values, and the means of u and v at a first short time from their rates at the start."""
    problem = build("pinnacle-burgers2d-c")
    test = problem.reference.test_points()
    values = problem.reference.evaluate(test)
    x, y = (torch.from_numpy(test[c][test["t"] == 0]) for c in ("x", "y"))
    for number, name in enumerate(("u", "v")):
        start = problem.conditions[2 + number].value(x, y).numpy()
        assert np.linalg.norm(values[name][test["t"] == 0] - start) < 1e-4 * np.linalg.norm(start)
        assert np.allclose(initial_values(x.numpy(), y.numpy())[number], start)
    far = problem.reference.evaluate({"x": 3.5, "y": 2.25, "t": 1.0})
    near = problem.reference.evaluate({"x": 0.5, "y": 0.25, "t": 1.0})
    assert far["u"] == near["u"] and np.isfinite(near["v"])
    largest = [abs(values["u"][test["t"] == t]).max() for t in (0.0, 1.0)]
    assert largest[1] <= 1.05 * largest[0]  # the maximum principle, but for ripples of the modes


def test_published_waves_reach_two():
    """Each field is divided by half the larger of the two largest values, then its constant is added."""
    x = np.arange(128) / 128
    values = initial_values(*np.meshgrid(x, x, indexing="ij")) - _waves()[2][:, None, None]
    assert max(values[0].max(), values[1].max()) == pytest.approx(2)
