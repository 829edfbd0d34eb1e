"""PInv and HInv."""

import numpy as np
import pytest
import torch

from referenced import inner_points, misfit, residuals
from sapts_pinn.problems import build
from sapts_pinn.problems.pinnacle.inverse import NOISE, poisson_source


@pytest.mark.parametrize("name", ["pinnacle-pinv", "pinnacle-hinv"])
def test_the_fields_satisfy_the_equations(name):
    problem = build(name)
    assert max(residuals(problem, inner_points(problem, 100, 0.03), 2e-3)) < 1e-6
    assert misfit(problem, 0) < 1e-12
    data = problem.conditions[1]
    truth = problem.reference.evaluate({k: np.asarray(v) for k, v in data.points.items()})["u"]
    assert len(truth) == 2500
    assert np.std(np.asarray(data.values) - truth) == pytest.approx(NOISE, rel=0.05)


def test_the_published_source_of_the_steady_one_is_wrong():
    """At the stated pair it leaves 4 pi a^2 sin(pi (x + y)); with 2 x - 1, 2 y - 1 nothing is left."""
    problem = build("pinnacle-pinv")
    points = inner_points(problem, 100, 0.03)
    x, y = points.unbind(1)
    a = 1 / (1 + x**2 + y**2 + (x - 1) ** 2 + (y - 1) ** 2)
    left = poisson_source(x, y, 1.0) - poisson_source(x, y, -1.0)
    torch.testing.assert_close(left, 4 * np.pi * a**2 * torch.sin(np.pi * (x + y)))
    assert left.abs().max() > 1
