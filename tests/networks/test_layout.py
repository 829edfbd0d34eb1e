"""What the compiled kernels are told of a network, and when they are not used."""

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


def changed(what: str) -> nn.Module:
    """A network of which one thing is not as the kernels have it."""
    net: nn.Sequential = MLP((2, 4, 4, 1))
    modified = ModifiedMLP((2, 4, 4, 1))
    if what == "activation":
        net[1] = nn.ReLU()
    elif what == "dropout":
        net = nn.Sequential(nn.Linear(2, 4), nn.Sequential(nn.Tanh(), nn.Dropout(0.1)), nn.Linear(4, 1))
    elif what == "gelu":
        net = MLP((2, 4, 1), "gelu")
        net[1] = nn.GELU("tanh")
    elif what == "bias":
        net[0] = nn.Linear(2, 4, bias=False)
    elif what == "tied":
        net = MLP((4, 4, 4))
        net[2].weight = net[0].weight
    elif what == "hook":
        net[2].register_forward_pre_hook(lambda *_: None)
    elif what == "hook on an activation":
        net[1].register_forward_hook(lambda *_: None)
    elif what == "hook on a group":
        net = nn.Sequential(nn.Linear(2, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 1)))
        net[1].register_forward_hook(lambda *_: None)
    elif what == "parametrised":
        nn.utils.parametrizations.weight_norm(net[0])
    elif what == "subclass":
        net = Skip((2, 4, 1))
    elif what == "extra":
        net[0] = Extra(2, 4)
    elif what == "two activations":
        net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Tanh(), nn.Linear(4, 1))
    elif what == "end":
        net.append(nn.Tanh())
    elif what == "embedding inside":
        net = nn.Sequential(nn.Linear(2, 4), FourierFeatures(4, 2, 1.0), nn.Linear(4, 1))
    elif what == "doubled":
        return Doubled((2, 4, 4, 1))
    elif what == "gate":
        modified.gate_u = nn.Linear(2, 4, bias=False)
        return modified
    elif what == "hidden":
        modified.layers[1] = nn.Identity()
        return modified
    elif what == "broadcast":
        modified.layers[1] = nn.Linear(4, 1)
        return modified
    elif what == "gated activation":
        modified.activation = nn.Sigmoid()
        return modified
    elif what == "own module":
        return nn.Bilinear(2, 2, 1)
    return net


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
        layout_of(changed(what))


def test_a_changed_network_is_described_as_it_is():
    net = MLP((2, 4, 4, 1))
    net.append(nn.Linear(1, 1))
    assert layout_of(net) == Layout((2, 4, 4, 1, 1), ("tanh", "tanh", "identity"))
    net = MLP((2, 4, 4, 1))
    net[4] = nn.Linear(4, 2)
    assert layout_of(net).widths == (2, 4, 4, 2)
