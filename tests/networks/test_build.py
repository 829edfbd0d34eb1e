"""Construction of networks: from widths, a function or a module, and where initial weights come from."""

import math

import pytest
import torch
from torch import Tensor, nn

from draws import rng
from sapts_pinn.networks.build import build_network, initialise
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.modified_mlp import ModifiedMLP


@pytest.mark.parametrize("kind", [MLP, ModifiedMLP])
def test_unknown_activation_is_named(kind):
    with pytest.raises(ValueError, match="unknown activation 'relu'; choose one of tanh, sin"):
        kind((2, 3, 1), "relu")


def test_initial_weights_are_glorot_and_come_from_the_generator_alone():
    net = MLP((50, 150, 2)).double()
    before = torch.get_rng_state()
    initialise(net, rng(3))
    assert torch.equal(before, torch.get_rng_state())
    assert float(net[0].weight.detach().std()) == pytest.approx(math.sqrt(2 / 200), rel=0.03)
    assert not net[0].bias.any() and not net[2].bias.any()
    single = MLP((50, 150, 2))
    initialise(single, rng(3))
    assert torch.equal(single[0].weight, net[0].weight.float())  # the same network in every precision


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_build_from_widths_a_function_or_a_module(dtype):
    made = build_network((6, 5), 2, 3, rng(), dtype, "sin")
    assert isinstance(made, MLP) and made.widths == (2, 6, 5, 3) and made.activation == "sin"
    same = build_network(lambda i, o: MLP((i, 6, 5, o), "sin"), 2, 3, rng(), dtype)
    for a, b in zip(made.parameters(), same.parameters(), strict=True):
        assert a.dtype == dtype and torch.equal(a, b)
    own = nn.Sequential(nn.Linear(2, 3))
    weight = own[0].weight.detach().clone()
    built = build_network(own, 2, 3, rng(), dtype)
    assert built is own and torch.equal(weight.to(dtype), own[0].weight)
    assert build_network((), 2, 3, rng(), dtype).widths == (2, 3)


class Pair(nn.Linear):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(x), x


class Broken(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        raise KeyError("t")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (nn.Linear(3, 1), "does not accept 2 inputs"),
        (nn.Linear(2, 2), r"maps 3 points to shape \(3, 2\); it must be shape \(3, 1\)"),
        (nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)), r"maps 3 points to shape \(3,\)"),
        (Pair(2, 1), "maps 3 points to tuple"),
        (Broken(2, 1), "does not accept 2 inputs: 't'"),
        (nn.Tanh(), "no parameters to train"),
        ((4, 0), "widths must be"),
    ],
)
def test_build_refuses(spec, message):
    with pytest.raises(ValueError, match=message):
        build_network(spec, 2, 1, rng(), torch.float64)
