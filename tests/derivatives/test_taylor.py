"""Taylor channels against nested reverse-mode differentiation, for every rule and for modules without one."""

from itertools import combinations_with_replacement
from math import comb

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from nested import assert_close, nested, randomise, seed
from sapts_pinn.derivatives.activations import ACTIVATIONS, Sine
from sapts_pinn.derivatives.taylor import Channels, find_rule, multiply, propagate
from sapts_pinn.networks.embeddings import FourierFeatures, PeriodicEmbedding
from sapts_pinn.networks.mlp import ACTIVATION_NAMES, MLP
from sapts_pinn.networks.modified_mlp import ModifiedMLP

BELL = (1, 1, 2, 5, 15, 52)


def indices(dimensions: int, order: int) -> list[tuple[int, ...]]:
    return [i for k in range(order + 1) for i in combinations_with_replacement(range(dimensions), k)]


def points(n: int, dimensions: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(n, dimensions, generator=generator, dtype=torch.float64) - 1


# -- channels ------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.integers(0, 3), max_size=4).map(lambda i: tuple(sorted(i))), max_size=4))
def test_channels_are_downward_closed_and_sorted(wanted):
    channels = Channels(wanted)
    assert channels.indices[0] == ()
    assert set(wanted) <= set(channels.indices)
    assert channels.order == max((len(i) for i in wanted), default=0)
    assert list(channels.indices) == sorted(set(channels.indices), key=lambda i: (len(i), i))
    for index in channels.indices:
        assert channels.position[index] == channels.indices.index(index)
        for k in range(len(index)):
            assert index[:k] + index[k + 1 :] in channels.position
        assert any(
            set(index) <= set(w) and all(index.count(i) <= w.count(i) for i in index) for w in wanted
        ) or (index == ())


@pytest.mark.parametrize("index", indices(3, 5)[1:])
def test_coefficients_count_partitions_and_subsets(index):
    channels = Channels([index])
    at, n = channels.position[index], len(index)
    assert sum(count for count, _ in channels.chain[at]) == BELL[n]
    assert sum(count for count, _, _ in channels.leibniz[at]) == 2**n
    for _, blocks in channels.chain[at]:  # every term has all the derivatives of the index
        assert tuple(sorted(i for b in blocks for i in channels.indices[b])) == index
    for _, a, b in channels.leibniz[at]:
        assert tuple(sorted(channels.indices[a] + channels.indices[b])) == index


def test_coefficients_of_the_fourth_derivative():
    channels = Channels([(0, 0, 0, 0)])
    assert channels.chain[4] == [(1, (1, 1, 1, 1)), (6, (1, 1, 2)), (4, (1, 3)), (3, (2, 2)), (1, (4,))]
    assert channels.leibniz[4] == [(comb(4, k), k, 4 - k) for k in range(5)]


def test_no_derivatives_at_all():
    channels = Channels([])
    x = points(4, 2)
    net = randomise(MLP((2, 3, 1)))
    assert channels.indices == ((),)
    assert_close(propagate(net, x.unsqueeze(0), channels)[0], net(x))


# -- rules ---------------------------------------------------------------------------------------------------


class Residual(nn.Sequential):
    """A Sequential that computes something else than its layers in a row."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class Doubled(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


class Swirl(nn.Module):
    """No rule, and units that mix."""

    def __init__(self) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.exp(-self.strength * x.flip(-1) ** 2) + torch.sin(x).sum(-1, keepdim=True)


def chain(activation: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Linear(2, 4), activation, nn.Linear(4, 3, bias=False), activation, nn.Linear(3, 2)
    )


def hooked() -> nn.Module:
    layer = nn.Linear(2, 3)
    layer.register_forward_hook(lambda _, __, out: out**2)
    return nn.Sequential(layer, nn.Tanh())


RULED = {
    "linear": lambda: nn.Linear(2, 3),
    "identity": lambda: nn.Sequential(nn.Identity(), nn.Linear(2, 2)),
    **{f"chain-{k.__name__}": (lambda k=k: chain(k())) for k in ACTIVATIONS},
    **{f"mlp-{name}": (lambda name=name: MLP((2, 3, 4, 2), name)) for name in ACTIVATION_NAMES},
    "fourier": lambda: nn.Sequential(
        FourierFeatures(2, 3, 0.4, torch.Generator().manual_seed(0)), MLP((6, 4, 1))
    ),
    "periodic-first": lambda: nn.Sequential(PeriodicEmbedding(0, 2.0), MLP((3, 4, 1))),
    "periodic-last": lambda: nn.Sequential(PeriodicEmbedding(1, 3.0, 2), MLP((5, 4, 1))),
    "modified": lambda: ModifiedMLP((2, 4, 4, 2), "tanh"),
    "modified-sin": lambda: ModifiedMLP((2, 3, 3, 3, 1), "sin"),
    "nested": lambda: nn.Sequential(
        nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Tanh(), nn.Linear(3, 3))), Sine(), nn.Linear(3, 1)
    ),
    "weight-norm": lambda: nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(2, 3)), nn.Tanh(), nn.Linear(3, 1)
    ),
}
UNRULED = {
    "swirl": Swirl,
    "swirl-between": lambda: nn.Sequential(nn.Linear(2, 2), nn.Tanh(), Swirl(), nn.Tanh(), nn.Linear(2, 1)),
    "residual": lambda: nn.Sequential(Residual(nn.Linear(2, 2), nn.Tanh()), nn.Linear(2, 1)),
    "doubled": lambda: nn.Sequential(Doubled(2, 3), nn.Tanh()),
    "hooked": hooked,
    "gelu-tanh": lambda: chain(nn.GELU("tanh")),
    "softplus-2": lambda: chain(nn.Softplus(beta=2.0)),
    "elu": lambda: chain(nn.ELU()),
}


@pytest.mark.parametrize("name", RULED)
def test_rule_to_fourth_order_pure_and_mixed(name):
    module, x = randomise(RULED[name]()), points(5, 2)
    channels = Channels(indices(2, 4))
    jet = propagate(module, seed(x, channels), channels)
    for index, found in zip(channels.indices, jet, strict=True):
        assert_close(found, nested(module, x, index))


@pytest.mark.parametrize("name", UNRULED)
def test_module_without_a_rule_is_differentiated_all_the_same(name):
    module, x = randomise(UNRULED[name]()), points(3, 2)
    channels = Channels([(0, 0, 1), (1, 1, 1)])
    jet = propagate(module, seed(x, channels), channels)
    for index, found in zip(channels.indices, jet, strict=True):
        assert_close(found, nested(module, x, index))


def test_fallback_to_fourth_order():
    module, x = randomise(UNRULED["swirl-between"]()), points(2, 2)
    channels = Channels([(0, 0, 1, 1)])
    found = propagate(module, seed(x, channels), channels)[-1]
    assert_close(found, nested(module, x, (0, 0, 1, 1)))


@pytest.mark.parametrize("name", ["swirl", "residual", "doubled", "gelu-tanh", "softplus-2", "hooked"])
def test_only_modules_that_do_what_their_rule_says_have_one(name):
    modules = list(UNRULED[name]().modules())
    assert any(find_rule(m) is None for m in modules)


@pytest.mark.parametrize("name", ["mlp-tanh", "modified", "fourier", "swirl-between"])
def test_gradient_with_respect_to_the_weights(name):
    module, x = randomise({**RULED, **UNRULED}[name]()), points(4, 2)
    channels = Channels([(0, 0, 1), (1, 1)])
    jet = propagate(module, seed(x, channels), channels)
    weights = list(module.parameters())
    found = torch.autograd.grad(jet.square().sum(), weights)
    exact = sum(nested(module, x, index).square().sum() for index in channels.indices)
    for a, b in zip(found, torch.autograd.grad(exact, weights), strict=True):
        assert_close(a, b)


def test_three_dimensions():
    module, x = randomise(MLP((3, 4, 4, 1), "silu")), points(4, 3)
    channels = Channels([(0, 1, 2), (0, 0, 2, 2), (1, 1, 1)])
    jet = propagate(module, seed(x, channels), channels)
    for index, found in zip(channels.indices, jet, strict=True):
        assert_close(found, nested(module, x, index))


def test_product():
    a, b, x = randomise(MLP((2, 3, 2), "sin")), randomise(MLP((2, 4, 2)), 5), points(6, 2)
    channels = Channels(indices(2, 4))
    product = multiply(*(propagate(m, seed(x, channels), channels) for m in (a, b)), channels)
    for index, found in zip(channels.indices, product, strict=True):
        assert_close(found, nested(lambda x: a(x) * b(x), x, index))
