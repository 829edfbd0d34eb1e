"""PNd and HNd."""

import numpy as np
import torch

from referenced import fields_of, inner_points, misfit, residuals
from sapts_pinn.problems import build


def test_poisson_in_five_dimensions():
    problem = build("pinnacle-pnd")
    assert problem.domain.dim == 5 and problem.reference.test_points()["x1"].size == 8**5
    assert max(residuals(problem, inner_points(problem, 20, 0.045), 1e-2)) < 1e-7
    assert misfit(problem, 0) < 1e-14


def test_heat_in_a_ball():
    problem = build("pinnacle-hnd")
    points = inner_points(problem, 50, 0.05)
    assert max(residuals(problem, points, 5e-3)) < 1e-7
    assert misfit(problem, 0) < 1e-14
    test = problem.reference.test_points()
    assert np.hypot.reduce([test[f"x{i}"] for i in range(1, 6)]).max() <= 1

    r = torch.tensor([[0.3, -0.2, 0.5, 0.1, 0.4, 0.7]], dtype=torch.float64)  # du/dr = r u
    fields, x = fields_of(problem, r, 1e-3), r[0, :5]
    slope = sum(x[i] * fields["u"].d(f"x{i + 1}").value for i in range(5)) / x.norm()
    torch.testing.assert_close(slope, x.norm() * fields["u"].value, rtol=1e-9, atol=0)
    sphere = problem.conditions[1].target(
        problem.conditions[1].sites(problem.domain, 20, torch.Generator().manual_seed(0), "sobol"),
        problem.domain, {},
    )  # fmt: skip
    assert sphere.min() >= np.exp(0.5) and sphere.max() <= np.exp(1.5)
