"""The modified MLP is its formula, whole and in stages."""

import pytest
import torch

from draws import rng
from sapts_pinn.networks.modified_mlp import ModifiedMLP


def test_modified_mlp_is_the_gated_formula():
    net = ModifiedMLP((2, 4, 4, 1)).double()
    x = torch.rand(3, 2, generator=rng(), dtype=torch.float64)
    u, v, h = torch.tanh(net.gate_u(x)), torch.tanh(net.gate_v(x)), x
    for layer in net.layers:
        s = torch.tanh(layer(h))
        h = s * u + (1 - s) * v
    torch.testing.assert_close(net(x), net.last(h), rtol=0, atol=1e-14)
    for widths in ((2, 1), (2, 4, 5, 1)):
        with pytest.raises(ValueError, match="equal hidden widths"):
            ModifiedMLP(widths)
