"""The Newton step cut to length: optimal on its ellipsoid."""

from math import isnan, sqrt

import pytest
import torch

from sapts_pinn.optim.subproblem.exact import secular
from sapts_pinn.optim.subproblem.steihaug import steihaug
from subproblems import SIZES, best_reduction, model, reduction, scaled


@pytest.mark.parametrize("n", SIZES)
def test_newton_step_inside_the_radius(n: int) -> None:
    B, g = model("definite", n)
    newton = -torch.linalg.solve(B, g)
    mv, radius = lambda v: B @ v, 2 * float(newton.norm())
    steps = [
        steihaug(g, mv, radius, tolerance=1e-13),
        secular(g, *torch.linalg.eigh(B), radius),
        scaled(g, newton, 2 * sqrt(float(newton @ B @ newton))),
    ]
    for step in steps:
        assert not step.on_boundary
        assert torch.allclose(step.s, newton, rtol=1e-9, atol=1e-11)


def test_scaled_is_optimal_on_the_ellipsoid() -> None:
    B, g = model("definite", 30)
    newton, R = -torch.linalg.solve(B, g), torch.linalg.cholesky(B)
    identity = torch.eye(30, dtype=torch.float64)
    for radius in (1e-6, 0.5, 1e3):
        step = scaled(g, newton, radius)
        # In the variable R^T s the ellipsoid is a ball and the model's matrix the identity.
        ball = torch.linalg.solve(R, g)
        assert step.predicted == pytest.approx(best_reduction(identity, ball, radius), rel=1e-11)
        assert step.predicted == pytest.approx(reduction(B, g, step.s), rel=1e-11)
        assert step.length == pytest.approx(sqrt(float(step.s @ B @ step.s)), rel=1e-11)
    assert isnan(scaled(g, -newton, 1.0).predicted)
