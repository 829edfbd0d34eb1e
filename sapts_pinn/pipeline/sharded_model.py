"""Models in stages on different ranks, with the interface that training needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import torch
from torch import Generator, Tensor, nn

from ..networks.build import NetworkSpec, build_network
from ..objectives.base import Counters
from ..parallel.communicator import Communicator
from ..problems import Problem, Sites, Term
from .build import build_partly
from .chain_objective import ChainObjective
from .microbatch import MicroBatch, residuals
from .pipeline_objective import PipelineObjective
from .stages import ModelStageChain, StageChain, merge
from .trainable_model import ModelInStages, TrainableModel, WholeModel, check_one_network
from .undivided_objective import UndividedObjective

PROBES = 32  # vectors of random signs, for the norm of a Jacobian that is divided among ranks


class Sharded(ABC):
    """A chain of stages, used like a model; every rank has the parameters of its own stages.

    Calling it and `assemble` are collective.

    Attributes:
        chain: The stages.
        communicator: The ranks.
    """

    chain: StageChain
    communicator: Communicator

    @abstractmethod
    def __call__(self, inputs: Tensor) -> Tensor:
        """Network output, on every rank (collective)."""

    @abstractmethod
    def undivided(self) -> nn.Module:
        """An unsharded network with arbitrary parameters."""

    def parameters(self) -> Iterator[Tensor]:
        """Trained parameters of this rank."""
        return iter(self.chain.parameters())

    def state_dict(self) -> dict[str, Tensor]:
        """Parameters and buffers of this rank, by their names in the whole network."""
        return self.chain.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Load this rank's parameters and buffers from the state of the whole network, or from its own."""
        self.chain.load_state_dict(state)

    def assemble(self) -> nn.Module:
        """Whole network on every rank, for use after training; only this needs memory for all of it."""
        shards = self.communicator.gather_objects(self.state_dict())
        whole = self.undivided().to(self.chain.like.device)
        whole.load_state_dict(merge(shards))
        return whole


def parameter_bytes(
    model: nn.Module | Sharded | TrainableModel, communicator: Communicator
) -> dict[str, int]:
    """Bytes of all parameters, and of those on the rank that holds most; collective."""
    if isinstance(model, Sharded):
        held, whole = model.chain.memory()
    else:
        held = whole = sum(p.numel() * p.element_size() for p in model.parameters())
    return {"all": whole, "largest_rank": max(communicator.gather_objects(held))}


def parameter_count(model: nn.Module | Sharded | TrainableModel, communicator: Communicator) -> int:
    """Number of parameters of the whole network; collective."""
    own = sum(p.numel() for p in model.parameters())
    return sum(communicator.gather_objects(own)) if isinstance(model, Sharded) else own


class ShardedModel(Sharded, ModelInStages):
    """The model of a problem as a chain of stages, of which every rank has its own.

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
        check_one_network(problem)
        sizes = len(problem.ansatz.feature_names), len(problem.unknown_names)
        built = build_partly(
            network, *sizes, generator, dtype, activation, parts=parts, communicator=communicator
        )
        self.chain = ModelStageChain(problem, built, parts, communicator)
        self._spec = network, *sizes, dtype, activation

    def values(self) -> dict[str, float]:
        """The coefficients by name, on every rank."""
        return self.chain.coefficients()

    def objective(self, sites: Mapping[str, Sites], counters: Counters, threads: int = 1) -> ChainObjective:
        """Make the loss at given sites, by term; stages of several ranks run in PyTorch with its threads."""
        if self.communicator.size == 1:
            return UndividedObjective.of_whole(self.chain, sites, counters, threads)
        return PipelineObjective.of_problem(self.chain, sites, counters)

    def __call__(self, points: Tensor) -> Tensor:
        """The unknowns [N, m] at points [N, dim], on every rank."""
        return self._anywhere(points).predict(points.to(self.chain.like))

    def residuals(self, points: Tensor) -> Tensor:
        """The equation's residuals [K, N] at points [N, dim], on every rank."""
        return self._anywhere(points).residuals(points.to(self.chain.like))

    def typical_rate(self, term: Term, sites: Sites, count: int) -> float:
        """Mean over the points of |J_i|^2, see `mean_rate`."""
        return mean_rate(self.chain, term, sites, count)

    def _anywhere(self, points: Tensor) -> ChainObjective:
        return self.objective({"equation": Sites(points[:1])}, Counters())

    def assemble(self) -> WholeModel:
        """The whole model on every rank."""
        whole = super().assemble()
        assert isinstance(whole, WholeModel)
        return whole

    def undivided(self) -> WholeModel:
        """An unsharded model of the same problem with arbitrary parameters."""
        network, inputs, outputs, dtype, activation = self._spec
        built = build_network(network, inputs, outputs, Generator(), dtype, activation)
        return WholeModel(self.problem, built)


def mean_rate(chain: ModelStageChain, term: Term, sites: Sites, count: int) -> float:
    """Mean over the points of |J_i|^2, which costs gradients only; collective.

    For random signs e it is the mean of |J^T e|^2, so that only gradients travel between stages.

    Args:
        chain: The stages.
        term: A term of the problem.
        sites: Places with weight one.
        count: Number of residuals of a row there.
    """
    micro_batch, generator = residuals(chain, term, sites, count), Generator().manual_seed(0)
    total = 0.0
    for _ in range(PROBES):
        signs = torch.randint(0, 2, (term.rows, count), generator=generator).to(chain.like) * 2 - 1
        along = replace(micro_batch, end=_along(micro_batch, signs))
        gradient = PipelineObjective(chain, [along]).evaluate().gradient()
        total += chain.communicator.dot(gradient, gradient)
    return total / PROBES


def _along(micro_batch: MicroBatch, signs: Tensor) -> Callable[[Tensor, Mapping[str, Tensor]], Tensor]:
    """End a micro-batch by the inner product of its residuals with these signs."""
    return lambda out, known: (signs * micro_batch.end(out, known)).sum()
