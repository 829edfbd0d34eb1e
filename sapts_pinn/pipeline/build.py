"""Construction of networks of which every rank builds its own stages only."""

from __future__ import annotations

import torch
from torch import Generator, nn

from ..networks.build import NetworkSpec, build_network, initialise
from ..networks.mlp import MLP
from ..parallel.communicator import Communicator
from .stages import StageChain


def build_partly(
    spec: NetworkSpec,
    inputs: int,
    outputs: int,
    generator: Generator,
    dtype: torch.dtype,
    activation: str = "tanh",
    *,
    parts: int,
    communicator: Communicator,
) -> nn.Module:
    """Make the layers of this rank's stages, with the weights that `build_network` would give them.

    The weights of all layers are drawn in turn and those of other ranks dropped, so that the ranks together
    have what one process would have, and the generator ends where it would.  A network given as a module, or
    by a function, is made whole first: only its author knows what its layers start from.

    Args:
        spec: As the others up to `activation`, see `build_network`.
        inputs: Number of features.
        outputs: Number of unknowns.
        generator: Draws the weights.
        dtype: Precision.
        activation: Of a network given by widths.
        parts: Number of stages.
        communicator: The ranks.

    Raises:
        InputError: As `build_network` and `StageChain`.
    """
    if isinstance(spec, nn.Module) or callable(spec):
        network = build_network(spec, inputs, outputs, generator, dtype, activation)
        StageChain(network, parts, communicator)
        return network
    with torch.device("meta"):
        network = MLP((inputs, *spec, outputs), activation).to(dtype)
    for stage in StageChain(network, parts, communicator).own.values():
        stage.to_empty(device="cpu")
    initialise(network, generator)  # copying a draw into a layer without storage does nothing
    return network
