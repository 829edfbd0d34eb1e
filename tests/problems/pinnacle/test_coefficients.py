"""Random coefficients and their interpolation."""

import numpy as np
import pytest
import torch

from sapts_pinn.problems.pinnacle.coefficients import Grid, diffusivity, gaussian_field, two_valued


def test_fields_of_the_published_seed():
    g, a, c = gaussian_field(), diffusivity(), two_valued()
    assert g.shape == (256, 256) and abs(g.mean()) < 1e-12 and g.std() == pytest.approx(1)
    assert a.min() == pytest.approx(0.0604, abs=1e-4) and a.max() == pytest.approx(14.24, abs=1e-2)
    assert set(np.unique(c)) == {1.0, 12.0} and 0.4 < (c > 1).mean() < 0.6


def test_grid():
    x = np.linspace(0, 1, 5)
    values = 1 + 2 * x + 10 * x[:, None]  # by y and x
    points = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    linear = Grid(values, linear=True)(points[:, 0], points[:, 1])
    torch.testing.assert_close(linear, 1 + 2 * points[:, 0] + 10 * points[:, 1])
    nearest = Grid(values, linear=False)(torch.tensor([0.1, 0.9, 1.2]), torch.tensor([0.1, 0.1, 0.4]))
    assert nearest.tolist() == [1.0, 3.0, 8.0]
