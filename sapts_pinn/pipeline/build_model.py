"""Construction of the model of a problem, whole or in stages over ranks."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Generator

from ..errors import InputError
from ..networks.build import PRECISIONS, NetworkSpec, network_maker, network_of
from ..parallel.communicator import Communicator
from ..problems import Problem
from .sharded_model import ShardedModel
from .staged_model import StagedModel
from .trainable_model import TrainableModel, WholeModel


class Architecture(Protocol):
    """Settings of a run that a model depends on."""

    @property
    def network(self) -> NetworkSpec:
        """Hidden widths, a module, or a function (inputs, outputs) -> module."""

    @property
    def activation(self) -> str:
        """Activation of a network given by widths."""

    @property
    def dtype(self) -> str:
        """A key of `PRECISIONS`."""

    @property
    def device(self) -> str:
        """Device of a whole model, such as "cpu"."""


def build_model(
    problem: Problem,
    settings: Architecture,
    generator: Generator,
    ranks: Communicator,
    stages: int | None = None,
    pipeline: bool = True,
) -> TrainableModel:
    """Make the model of a problem.

    Args:
        problem: The problem.
        settings: Architecture of the network.
        generator: Draws the initial weights.
        ranks: The ranks that train it.
        stages: Number of stages; None for a model without.
        pipeline: Whether the stages are divided among the ranks; if not, each holds all of them.

    Raises:
        InputError: The network does not fit the problem or cannot be cut, or the device is not available.
    """
    spec = settings.network, PRECISIONS[settings.dtype], settings.activation
    if stages is not None and pipeline:
        return ShardedModel(problem, generator, *spec, stages, ranks)
    network = network_of(problem, settings.network, generator, *spec[1:]).to(_device(settings.device))
    if stages is not None:
        return StagedModel(problem, network, stages, network_maker(*spec))
    return WholeModel(problem, network, network_maker(*spec))


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {name!r} is not available here; use 'cpu'") from error
    return device
