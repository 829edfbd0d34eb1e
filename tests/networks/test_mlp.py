"""The multilayer perceptron: its layers, and what its constructor refuses."""

import pytest
import torch
from torch import nn

from sapts_pinn.networks.mlp import ACTIVATION_NAMES, MLP


@pytest.mark.parametrize("widths", [(2,), (2, 0, 1), (2, -3, 1), (2, 2.5, 1), ()])
def test_mlp_refuses_widths(widths):
    with pytest.raises(ValueError, match="widths must be at least two positive integers"):
        MLP(widths)


@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_mlp_has_an_activation_between_layers_and_none_at_the_end(activation):
    net = MLP((2, 5, 4, 3), activation)
    kinds = [type(layer) for layer in net]
    assert kinds == [nn.Linear, ACTIVATION_NAMES[activation]] * 2 + [nn.Linear]
    assert net(torch.zeros(7, 2)).shape == (7, 3)
    assert sum(p.numel() for p in net.parameters()) == 3 * 5 + 6 * 4 + 5 * 3
