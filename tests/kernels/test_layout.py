"""Architectures as the kernels take them: their number of parameters is that of the networks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from torch import nn

import sapts_pinn.kernels
from sapts_pinn.kernels.layout import ACTIVATIONS, Layout
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
