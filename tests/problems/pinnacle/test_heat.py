"""Heat2d-MS, Heat2d-VC, Heat2d-CG and Heat2d-LT."""

import numpy as np

from referenced import inner_points, misfit, residuals
from sapts_pinn.problems import build


def test_two_scales():
    problem = build("pinnacle-heat2d-ms")
    assert max(residuals(problem, inner_points(problem, 100, 0.01), (1e-4, 1e-3, 1e-3))) < 1e-6
    assert misfit(problem, 0) < 1e-12 and misfit(problem, 1) < 1e-12


def test_the_published_test_grid_of_two_scales_aliases():
    """On multiples of 1 / 9 another wave is the same, which a grid of 97 tells apart."""
    x = np.arange(1, 9) / 9
    assert abs(np.sin(20 * np.pi * x) - np.sin(2 * np.pi * x)).max() < 1e-13
    ours = np.unique(build("pinnacle-heat2d-ms").reference.test_points()["x"])
    waves = np.sin(np.pi * np.arange(1, 97)[:, None] * ours)
    assert np.linalg.matrix_rank(waves) == 96  # sin(m pi x), m = 1 ... 96
