"""Derivatives of activations against nested reverse mode, far out too."""

import pytest
import torch
from torch import nn

from nested import assert_close, nested
from sapts_pinn.derivatives.activations import ACTIVATIONS, cosine


@pytest.mark.parametrize("kind", [*ACTIVATIONS, "cos"], ids=lambda k: k if isinstance(k, str) else k.__name__)
def test_derivatives_of_an_activation(kind):
    derivatives, function = (cosine, torch.cos) if kind == "cos" else (ACTIVATIONS[kind], kind())
    z = torch.linspace(-7, 7, 61, dtype=torch.float64)
    for order in range(6):
        found = derivatives(z, order)
        assert len(found) >= order + 1
        for k in range(order + 1):
            exact = nested(lambda x: function(x[:, 0]), z.unsqueeze(1), (0,) * k)[:, 0]
            assert_close(found[k], exact)


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations_far_out_stay_finite(kind):
    z = torch.tensor([-1e3, -100.0, -30.0, 30.0, 100.0, 1e3], dtype=torch.float64)
    for value in ACTIVATIONS[kind](z, 4):
        assert torch.isfinite(value).all()


def test_softplus_fits_its_derivatives_beyond_the_threshold_of_pytorch():
    z = torch.tensor([21.0, 25.0], dtype=torch.float64)
    value = ACTIVATIONS[nn.Softplus](z, 1)[0]
    assert_close(value, z + torch.log1p(torch.exp(-z)), 1e-16)
