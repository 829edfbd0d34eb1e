"""Rounding of the evaluation of a model, in its error estimate."""

import pytest
import torch
from torch import Generator, nn

from sapts_pinn import solve
from sapts_pinn.estimation.rounding import LEAST, rounding
from sapts_pinn.problems import build

UNIT = torch.finfo(torch.float64).eps


def sum_of(*weights: float) -> nn.Module:
    layer = nn.Linear(len(weights), 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([weights], dtype=torch.float64))
    return layer


def test_terms_that_cancel_round_more():
    points = torch.ones(50, 2, dtype=torch.float64)
    plain = rounding(sum_of(1.0, 1.0), points, Generator().manual_seed(1))
    terms = [1e8] * 10 + [-1e8] * 10
    cancelled = rounding(sum_of(*terms), points.repeat(1, 10), Generator().manual_seed(1))
    assert (plain == 2 * LEAST).all()
    assert 1e8 * UNIT < cancelled.max() < 1e8 * 20 * UNIT


def test_the_model_stays_as_it_is():
    model = sum_of(1e8, 1 - 1e8)
    before = model.weight.clone()
    rounding(model, torch.ones(3, 2, dtype=torch.float64), Generator().manual_seed(0))
    assert (model.weight == before).all()


@pytest.mark.parametrize("name", ["poisson-1d", "allen-cahn-steady"])
def test_no_estimate_is_below_rounding(name):
    """Both are solved to rounding, and what their residuals say is less."""
    found = solve(build(name), method="features", budget="1000 iterations", progress=False)
    estimate = found.error_estimate.relative
    assert found.error() / 3 < estimate < 1e-11
    assert estimate >= LEAST
