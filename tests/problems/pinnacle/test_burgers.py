"""Burgers1d-C and Burgers2d-C."""

import numpy as np

from referenced import inner_points, misfit, residuals
from sapts_pinn.problems import build


def test_burgers_1d():
    problem = build("pinnacle-burgers1d-c")
    assert misfit(problem, 0) < 1e-12 and misfit(problem, 1) < 1e-12
    points = inner_points(problem, 100, 0.05)
    points = points[points[:, 0].abs() > 0.1]  # outside of the layer
    assert max(residuals(problem, points)) < 1e-8
    test = problem.reference.test_points()
    assert test["x"].size == 101 * 11 and np.unique(test["t"]).size == 11
