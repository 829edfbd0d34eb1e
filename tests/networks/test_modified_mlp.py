"""The modified MLP is its formula, whole and in stages."""

import pytest
import torch
from torch import nn

from draws import randn, rng
from sapts_pinn.derivatives.taylor import Channels, by_nested_jvp, propagate
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


@pytest.mark.parametrize("layers", [1, 3])
def test_its_stages_carry_the_gates_along(layers):
    net = ModifiedMLP((2, *[4] * layers, 3), "sin").double()
    stages, channels = net.stages(), Channels([(0, 1), (0, 0)])
    assert len(stages) == layers + 1
    x, jet = randn(5, 2), randn(len(channels), 5, 2, seed=1)
    y, out = x, jet
    for stage in stages:
        exact = by_nested_jvp(stage, out, channels)
        y, out = stage(y), propagate(stage, out, channels)
        torch.testing.assert_close(out, exact, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(y, net(x), rtol=0, atol=1e-14)
    torch.testing.assert_close(out, propagate(net, jet, channels), rtol=1e-12, atol=1e-13)


def test_one_with_a_forward_of_its_own_is_one_stage():
    class Shifted(ModifiedMLP):
        def forward(self, x):
            return super().forward(x) + 1

    net = Shifted((2, 4, 4, 1))
    assert net.stages() == [net] and isinstance(net, nn.Module)
