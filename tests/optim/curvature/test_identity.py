"""The first-order trust region: its step, and a well-conditioned quadratic."""

import math

import pytest
import torch

from closures import minimise, quadratic
from draws import randn
from sapts_pinn.optim.curvature import Identity


@pytest.mark.parametrize("radius", [1e-3, 1.0, 1e3])
def test_first_order_model_on_a_quadratic(radius):
    """Without curvature the condition number decides: this one is 10."""
    f, best = quadratic(10.0)
    x, optimizer = minimise(f, torch.zeros_like(best), 3000, "identity", radius)
    assert optimizer.info["converged"] and float(f(x)) == pytest.approx(1.0, abs=1e-9)
    f, best = quadratic(1e6)
    x, _ = minimise(f, torch.zeros_like(best), 300, "identity", radius)
    assert float(f(x)) - 1 < 0.01 * (float(f(torch.zeros_like(best))) - 1)


@pytest.mark.parametrize("radius", [1e-3, 7.0])
def test_the_step_goes_to_the_boundary_along_the_negative_gradient(radius):
    g = randn(5)
    step = Identity().solve(g, radius)
    assert torch.allclose(step.s, -radius * g / g.norm(), rtol=1e-14) and step.on_boundary
    assert step.length == radius and step.predicted == pytest.approx(-float(g @ step.s), rel=1e-14)
    assert torch.equal(Identity().mv(g), 0 * g)


def test_without_a_gradient_or_a_number_there_is_no_step():
    zero = Identity().solve(torch.zeros(2), 1.0)
    assert (zero.predicted, zero.on_boundary, zero.length) == (0.0, False, 0.0) and not zero.s.any()
    for g, radius in (([math.nan, 1.0], 1.0), ([1.0, 1.0], math.inf)):
        step = Identity().solve(torch.tensor(g), radius)
        assert math.isnan(step.predicted) and not step.s.any() and step.length == 0.0
