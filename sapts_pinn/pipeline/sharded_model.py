"""Models whose stages live on different ranks, with what the training loop asks of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping

import torch
from torch import Generator, Tensor, nn

from ..errors import InputError
from ..networks.build import NetworkSpec, build_network, independent
from ..networks.model import Model
from ..objectives.base import Counters
from ..parallel.communicator import Communicator
from ..problems import Problem, Sites
from .build import build_partly
from .pipeline_objective import PipelineObjective
from .stages import ModelStageChain, StageChain, merge


class Sharded(ABC):
    """A chain of stages with what the training loop asks of a model; this rank has the parameters of its own.

    Calling it and `assemble` are collective.

    Attributes:
        chain: The stages.
        communicator: The ranks.
    """

    chain: StageChain
    communicator: Communicator

    @abstractmethod
    def __call__(self, inputs: Tensor) -> Tensor:
        """What it says, on every rank."""

    @abstractmethod
    def undivided(self) -> nn.Module:
        """The whole, with parameters of any values."""

    def parameters(self) -> Iterator[Tensor]:
        """Those of this rank."""
        return iter(self.chain.parameters())

    def state_dict(self) -> dict[str, Tensor]:
        """Parameters and buffers of this rank, by their names in the whole."""
        return self.chain.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over this rank's."""
        self.chain.load_state_dict(state)

    def assemble(self) -> nn.Module:
        """The whole on every rank, for what comes after training; only this needs its memory."""
        shards = self.communicator.gather_objects(self.state_dict())
        whole = self.undivided().to(self.chain.like.device)
        whole.load_state_dict(merge(shards))
        return whole


def parameter_bytes(model: nn.Module | Sharded, communicator: Communicator) -> dict[str, int]:
    """Of the parameters: those of all, and the most that one rank holds; collective."""
    if isinstance(model, Sharded):
        held, whole = model.chain.memory()
    else:
        held = whole = sum(p.numel() * p.element_size() for p in model.parameters())
    return {"all": whole, "largest_rank": max(communicator.gather_objects(held))}


def parameter_count(model: nn.Module | Sharded, communicator: Communicator) -> int:
    """Of the whole; collective."""
    own = sum(p.numel() for p in model.parameters())
    return sum(communicator.gather_objects(own)) if isinstance(model, Sharded) else own


class ShardedModel(Sharded):
    """The model of a problem as a chain of stages; its residuals are collective, too.

    Args:
        problem: Gives the ansatz and the coefficients.
        generator: Draws the weights: those that one process would have.
        network: As of `build_network`.
        dtype: Precision.
        activation: Of a network given by widths.
        parts: Number of stages.
        communicator: The ranks.

    Raises:
        InputError: The network cannot be cut into so many stages.
    """

    chain: ModelStageChain

    def __init__(
        self,
        problem: Problem,
        generator: Generator,
        network: NetworkSpec,
        dtype: torch.dtype,
        activation: str,
        parts: int,
        communicator: Communicator,
    ) -> None:
        self.problem, self.communicator = problem, communicator
        if apart := independent(problem):
            raise InputError(
                f"{apart[0]} has a network of its own, and stages are those of one chain of layers; "
                "use a method other than sapts-ip"
            )
        sizes = len(problem.ansatz.feature_names), len(problem.unknown_names)
        built = build_partly(
            network, *sizes, generator, dtype, activation, parts=parts, communicator=communicator
        )
        self.chain = ModelStageChain(problem, built, parts, communicator)
        self._spec = network, *sizes, dtype, activation

    def objective(self, sites: Mapping[str, Sites], counters: Counters) -> PipelineObjective:
        """The loss on given points."""
        return PipelineObjective.of_problem(self.chain, sites, counters)

    def __call__(self, points: Tensor) -> Tensor:
        """The unknowns [N, m] at points [N, dim], on every rank."""
        return self._anywhere(points).predict(points.to(self.chain.like))

    def residuals(self, points: Tensor) -> Tensor:
        """The equation's residuals [K, N] at points [N, dim], on every rank."""
        return self._anywhere(points).residuals(points.to(self.chain.like))

    def _anywhere(self, points: Tensor) -> PipelineObjective:
        return self.objective({"equation": Sites(points[:1])}, Counters())

    def assemble(self) -> Model:
        """The whole model on every rank."""
        whole = super().assemble()
        assert isinstance(whole, Model)
        return whole

    def undivided(self) -> Model:
        """Of the same problem."""
        network, inputs, outputs, dtype, activation = self._spec
        return Model(self.problem, build_network(network, inputs, outputs, Generator(), dtype, activation))
