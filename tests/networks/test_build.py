"""Networks: what the constructors refuse, what the embeddings compute, where initial weights come from."""

import math

import pytest
import torch
from torch import Tensor, nn

from sapts_pinn.networks.build import build_network, initialise
from sapts_pinn.networks.embeddings import FourierFeatures, PeriodicEmbedding
from sapts_pinn.networks.mlp import ACTIVATION_NAMES, MLP
from sapts_pinn.networks.modified_mlp import ModifiedMLP


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("widths", [(2,), (2, 0, 1), (2, -3, 1), (2, 2.5, 1), ()])
def test_mlp_refuses_widths(widths):
    with pytest.raises(ValueError, match="widths must be at least two positive integers"):
        MLP(widths)


@pytest.mark.parametrize("kind", [MLP, ModifiedMLP])
def test_unknown_activation_is_named(kind):
    with pytest.raises(ValueError, match="unknown activation 'relu'; choose one of tanh, sin"):
        kind((2, 3, 1), "relu")


@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_mlp_has_an_activation_between_layers_and_none_at_the_end(activation):
    net = MLP((2, 5, 4, 3), activation)
    kinds = [type(layer) for layer in net]
    assert kinds == [nn.Linear, ACTIVATION_NAMES[activation]] * 2 + [nn.Linear]
    assert net(torch.zeros(7, 2)).shape == (7, 3)
    assert sum(p.numel() for p in net.parameters()) == 3 * 5 + 6 * 4 + 5 * 3


def test_fourier_features():
    embedding = FourierFeatures(2, 4000, 1.5, generator()).double()
    x = torch.rand(5, 2, generator=generator(1), dtype=torch.float64)
    angle = x @ embedding.frequencies.T
    assert torch.equal(embedding(x), torch.cat([angle.cos(), angle.sin()], 1))
    assert float(embedding.frequencies.std()) == pytest.approx(1.5 * math.pi, rel=0.02)
    assert not list(embedding.parameters()) and "frequencies" in embedding.state_dict()
    assert torch.equal(FourierFeatures(2, 3, 1.0, generator()).frequencies,
                       FourierFeatures(2, 3, 1.0, generator()).frequencies)  # fmt: skip


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_periodic_embedding_repeats(axis):
    embedding = PeriodicEmbedding(axis, 0.7, 2)
    x = torch.rand(6, 3, generator=generator(), dtype=torch.float64)
    moved = x.clone()
    moved[:, axis] += 0.7
    torch.testing.assert_close(embedding(x), embedding(moved), rtol=0, atol=1e-13)
    others = [i for i in range(3) if i != axis]
    assert torch.equal(embedding(x)[:, :2], x[:, others]) and embedding(x).shape == (6, 2 + 4)


@pytest.mark.parametrize("arguments", [(0, 0.0), (0, -1.0), (0, 1.0, 0)])
def test_periodic_embedding_refuses(arguments):
    with pytest.raises(ValueError, match="period must be positive and count at least 1"):
        PeriodicEmbedding(*arguments)


def test_modified_mlp_is_the_gated_formula():
    net = ModifiedMLP((2, 4, 4, 1)).double()
    x = torch.rand(3, 2, generator=generator(), dtype=torch.float64)
    u, v, h = torch.tanh(net.gate_u(x)), torch.tanh(net.gate_v(x)), x
    for layer in net.layers:
        s = torch.tanh(layer(h))
        h = s * u + (1 - s) * v
    torch.testing.assert_close(net(x), net.last(h), rtol=0, atol=1e-14)
    for widths in ((2, 1), (2, 4, 5, 1)):
        with pytest.raises(ValueError, match="equal hidden widths"):
            ModifiedMLP(widths)


def test_initial_weights_are_glorot_and_come_from_the_generator_alone():
    net = MLP((50, 150, 2)).double()
    before = torch.get_rng_state()
    initialise(net, generator(3))
    assert torch.equal(before, torch.get_rng_state())
    assert float(net[0].weight.detach().std()) == pytest.approx(math.sqrt(2 / 200), rel=0.03)
    assert not net[0].bias.any() and not net[2].bias.any()
    single = MLP((50, 150, 2))
    initialise(single, generator(3))
    assert torch.equal(single[0].weight, net[0].weight.float())  # the same network in every precision


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_build_from_widths_a_function_or_a_module(dtype):
    made = build_network((6, 5), 2, 3, generator(), dtype, "sin")
    assert isinstance(made, MLP) and made.widths == (2, 6, 5, 3) and made.activation == "sin"
    same = build_network(lambda i, o: MLP((i, 6, 5, o), "sin"), 2, 3, generator(), dtype)
    for a, b in zip(made.parameters(), same.parameters(), strict=True):
        assert a.dtype == dtype and torch.equal(a, b)
    own = nn.Sequential(nn.Linear(2, 3))
    weight = own[0].weight.detach().clone()
    built = build_network(own, 2, 3, generator(), dtype)
    assert built is own and torch.equal(weight.to(dtype), own[0].weight)
    assert build_network((), 2, 3, generator(), dtype).widths == (2, 3)


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
        build_network(spec, 2, 1, generator(), torch.float64)
