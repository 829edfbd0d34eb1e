"""Architectures as the kernels take them: their number of parameters is that of the networks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from torch import nn

import sapts_pinn.kernels
from sapts_pinn.kernels.layout import ACTIVATIONS, Layout, NotCompiled
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.modified_mlp import ModifiedMLP


@pytest.mark.parametrize(
    ("network", "gated"),
    [(MLP((3, 2)), False), (MLP((2, 5, 4, 3)), False), (ModifiedMLP((3, 4, 4, 2)), True)],
)
def test_a_layout_has_as_many_parameters_as_its_network(network: nn.Module, gated: bool) -> None:
    affine = [layer for layer in network.modules() if isinstance(layer, nn.Linear)][2 * gated :]
    widths = (affine[0].in_features, *(layer.out_features for layer in affine))
    layout = Layout(widths, ("tanh",) * (len(affine) - 1), gated)
    assert layout.parameters == sum(p.numel() for p in network.parameters())


def test_numbers_of_activations_are_those_of_the_c_sources() -> None:
    text = (Path(sapts_pinn.kernels.__file__).parent / "vectors.c").read_text()
    (listed,) = re.findall(r"enum \{ (IDENTITY[^}]*) \}", text)
    assert {name.lower(): number for number, name in enumerate(listed.split(", "))} == ACTIVATIONS


def test_stages_keep_the_activations_behind_their_layers() -> None:
    layout = Layout((2, 5, 4, 3, 1), ("tanh", "sin", "identity"))
    first, second = layout.stages([2, 2])
    assert first == Layout((2, 5, 4), ("tanh", "sin")) and second == Layout((4, 3, 1), ("identity",))
    assert first.parameters + second.parameters == layout.parameters
    assert first.work + second.work == layout.work
    assert layout.stages([4]) == [layout]
    with pytest.raises(NotCompiled, match=r"4 affine layers are not \[2, 1\]"):
        layout.stages([2, 1])
    with pytest.raises(NotCompiled, match="gates"):
        Layout((2, 4, 4, 1), ("tanh", "tanh"), gated=True).stages([1, 2])
