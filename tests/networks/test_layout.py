"""What the compiled kernels are told of a network, and when they are not used."""

from operator import setitem

import pytest
import torch
from torch import Tensor, nn

from sapts_pinn.kernels import Layout, NotCompiled
from sapts_pinn.networks.embeddings import FourierFeatures
from sapts_pinn.networks.layout import layout_of
from sapts_pinn.networks.mlp import ACTIVATION_NAMES, MLP
from sapts_pinn.networks.modified_mlp import ModifiedMLP


@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_layouts_of_architectures(activation):
    assert layout_of(MLP((2, 5, 4, 3), activation)) == Layout((2, 5, 4, 3), (activation,) * 2)
    net = ModifiedMLP((2, 5, 5, 3), activation)
    layout = layout_of(net)
    assert layout == Layout((2, 5, 5, 3), (activation,) * 2, gated=True)
    assert layout.parameters == sum(p.numel() for p in net.parameters())


class Skip(MLP):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, :1] + super().forward(x)


class Doubled(ModifiedMLP):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


class Extra(nn.Linear):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.scale = nn.Parameter(torch.ones(()))


def plain(change) -> nn.Module:
    net = MLP((2, 4, 4, 1))
    change(net)
    return net


def gated(change) -> nn.Module:
    net = ModifiedMLP((2, 4, 4, 1))
    change(net)
    return net


def gelu_by_tanh() -> nn.Module:
    net = MLP((2, 4, 1), "gelu")
    net[1] = nn.GELU("tanh")
    return net


def tied() -> nn.Module:
    net = MLP((4, 4, 4))
    net[2].weight = net[0].weight
    return net


def hook_on_a_group() -> nn.Module:
    net = nn.Sequential(nn.Linear(2, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 1)))
    net[1].register_forward_hook(lambda *_: None)
    return net


# Networks of which one thing is not as the kernels have it.
CHANGED = {
    "activation": lambda: plain(lambda net: setitem(net, 1, nn.ReLU())),
    "dropout": lambda: nn.Sequential(
        nn.Linear(2, 4), nn.Sequential(nn.Tanh(), nn.Dropout(0.1)), nn.Linear(4, 1)
    ),
    "gelu": gelu_by_tanh,
    "bias": lambda: plain(lambda net: setitem(net, 0, nn.Linear(2, 4, bias=False))),
    "tied": tied,
    "hook": lambda: plain(lambda net: net[2].register_forward_pre_hook(lambda *_: None)),
    "hook on an activation": lambda: plain(lambda net: net[1].register_forward_hook(lambda *_: None)),
    "hook on a group": hook_on_a_group,
    "parametrised": lambda: plain(lambda net: nn.utils.parametrizations.weight_norm(net[0])),
    "subclass": lambda: Skip((2, 4, 1)),
    "extra": lambda: plain(lambda net: setitem(net, 0, Extra(2, 4))),
    "two activations": lambda: nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Tanh(), nn.Linear(4, 1)),
    "end": lambda: plain(lambda net: net.append(nn.Tanh())),
    "embedding inside": lambda: nn.Sequential(nn.Linear(2, 4), FourierFeatures(4, 2, 1.0), nn.Linear(4, 1)),
    "doubled": lambda: Doubled((2, 4, 4, 1)),
    "gate": lambda: gated(lambda net: setattr(net, "gate_u", nn.Linear(2, 4, bias=False))),
    "hidden": lambda: gated(lambda net: setitem(net.layers, 1, nn.Identity())),
    "broadcast": lambda: gated(lambda net: setitem(net.layers, 1, nn.Linear(4, 1))),
    "gated activation": lambda: gated(lambda net: setattr(net, "activation", nn.Sigmoid())),
    "own module": lambda: nn.Bilinear(2, 2, 1),
}


REASONS = {
    "activation": r"does not know layer 1 \(ReLU\)",
    "dropout": r"does not know layer 1.1 \(Dropout\)",
    "gelu": r"layer 1 \(GELU\) has hooks, options or a forward",
    "bias": r"layer 0 \(Linear\) has no bias",
    "tied": "share parameters",
    "hook": r"layer 2 \(Linear\) has hooks",
    "hook on an activation": r"layer 1 \(Tanh\) has hooks",
    "hook on a group": r"does not know layer 1 \(Sequential\)",
    "parametrised": r"does not know layer 0 \(ParametrizedLinear\)",
    "subclass": "does not know Skip",
    "extra": r"does not know layer 0 \(Extra\)",
    "two activations": r"layer 2 \(Tanh\) does not follow an affine layer",
    "end": "MLP does not end with an affine layer",
    "embedding inside": r"does not know layer 1 \(FourierFeatures\)",
    "doubled": "Doubled has hooks, options or a forward of its own",
    "gate": r"layer gate_u \(Linear\) has no bias",
    "hidden": r"does not know layer layers.1 \(Identity\)",
    "broadcast": "hidden widths differ",
    "gated activation": "does not know the activation Sigmoid",
    "own module": "does not know Bilinear",
}


@pytest.mark.parametrize("what", REASONS)
def test_what_the_kernels_do_not_know_is_named(what):
    with pytest.raises(NotCompiled, match=REASONS[what]):
        layout_of(CHANGED[what]())


def test_a_changed_network_is_described_as_it_is():
    net = MLP((2, 4, 4, 1))
    net.append(nn.Linear(1, 1))
    assert layout_of(net) == Layout((2, 4, 4, 1, 1), ("tanh", "tanh", "identity"))
    net = MLP((2, 4, 4, 1))
    net[4] = nn.Linear(4, 2)
    assert layout_of(net).widths == (2, 4, 4, 2)
