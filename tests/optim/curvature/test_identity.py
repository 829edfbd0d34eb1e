"""The first-order trust region: its step, and a well-conditioned quadratic."""

import pytest
import torch

from closures import minimise, quadratic


@pytest.mark.parametrize("radius", [1e-3, 1.0, 1e3])
def test_first_order_model_on_a_quadratic(radius):
    """Without curvature the condition number decides: this one is 10."""
    f, best = quadratic(10.0)
    x, optimizer = minimise(f, torch.zeros_like(best), 3000, "identity", radius)
    assert optimizer.info["converged"] and float(f(x)) == pytest.approx(1.0, abs=1e-9)
    f, best = quadratic(1e6)
    x, _ = minimise(f, torch.zeros_like(best), 300, "identity", radius)
    assert float(f(x)) - 1 < 0.01 * (float(f(torch.zeros_like(best))) - 1)
