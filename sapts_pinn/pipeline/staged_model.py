"""Model of a problem in stages that every rank holds whole, for networks that are not large.

Parameters of a small network are fewer numbers than the activations between its stages: ranks that share the
points of the loss send less, and less often, than ranks that share the stages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from ..objectives.base import Counters
from ..objectives.least_squares import LeastSquares
from ..problems import Problem, Sites, Term
from .sharded_model import mean_rate
from .stages import ModelStageChain
from .trainable_model import ModelInStages, WholeModel, check_one_network
from .undivided_objective import UndividedObjective


class StagedModel(ModelInStages, WholeModel):
    """A whole model whose loss can be looked at stage by stage.

    Args:
        problem: Gives the ansatz and the coefficients.
        network: A chain of layers.
        parts: Number of stages.
        architecture: As of `Model`.

    Raises:
        InputError: The network cannot be cut into so many stages.
    """

    def __init__(
        self,
        problem: Problem,
        network: nn.Module,
        parts: int,
        architecture: Callable[[Problem], nn.Module] | None = None,
    ) -> None:
        super().__init__(problem, network, architecture)
        check_one_network(problem)
        self.parts = parts
        self.chain()  # now, as a network that cannot be cut is to be refused before anything else

    def chain(self) -> ModelStageChain:
        """The stages, whose parameters are those of this model.

        Raises:
            InputError: The network cannot be cut.
        """
        chain = ModelStageChain(self.problem, self.network, self.parts)
        chain.part.coefficients = self.coefficients
        chain.stages[-1].coefficients = self.coefficients
        return chain

    def typical_rate(self, term: Term, sites: Sites, count: int) -> float:
        """Mean over the points of |J_i|^2, as of stages on several ranks."""
        return mean_rate(self.chain(), term, sites, count)

    def objective(self, sites: Mapping[str, Sites], counters: Counters, threads: int) -> UndividedObjective:  # type: ignore[override]
        """Make the loss at given sites, by term."""
        whole = LeastSquares(self, sites, counters=counters, threads=threads)
        return UndividedObjective(self.chain(), whole, sites, counters)
