"""The loss of a chain of stages that are all in this process.

Its value and gradient are those of the whole network, by the compiled kernel.  Stage by stage, in PyTorch, it
is evaluated only where a stage's own objective is asked for, which needs what goes in and out of the stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field

from torch import Tensor

from ..objectives.base import Counters, Evaluation, Separable, SeparableEvaluation, StagedEvaluation
from ..objectives.data_parallel import DataParallelObjective, over_ranks
from ..objectives.least_squares import LeastSquares
from ..parallel.communicator import Communicator
from ..problems import Sites
from .microbatch import Weights
from .pipeline_objective import PipelineEvaluation, PipelineObjective
from .stage_objective import StageObjective
from .stages import ModelStageChain
from .trainable_model import WholeModel


class UndividedObjective(PipelineObjective):
    """The loss of a problem; the gradient costs what it does without stages.

    `of_whole` makes it, where it applies.

    Attributes:
        whole: The same loss of the undivided network, whose parameters are those of the stages.
    """

    whole: Separable
    _sum: DataParallelObjective | None  # over ranks; None where this process computes it alone

    @classmethod
    def of_whole(
        cls, chain: ModelStageChain, sites: Mapping[str, Sites], counters: Counters, threads: int
    ) -> PipelineObjective:
        """Make the loss at given sites; one of stages alone where the kernel cannot take the network.

        Args:
            chain: All stages, in this process.
            sites: Places by term.
            counters: Where work is counted.
            threads: Of the kernel.
        """
        model = WholeModel(chain.problem, chain.network)
        model.coefficients = chain.part.coefficients
        whole = LeastSquares(model, sites, counters=counters, threads=threads)
        own = chain.parameters()
        shared = len(own) == len(whole.parameters) and all(
            a is b for a, b in zip(own, whole.parameters, strict=True)
        )
        if not (shared and whole.compiled):
            return PipelineObjective.of_problem(chain, sites, counters)
        return cls.of(chain, whole, sites, counters)

    @classmethod
    def of(
        cls, chain: ModelStageChain, whole: Separable, sites: Mapping[str, Sites], counters: Counters
    ) -> UndividedObjective:
        """Make the loss at given sites from that of the undivided network.

        Args:
            chain: All stages, in this process.
            whole: The loss of the network, with the parameters of the stages.
            sites: Places by term.
            counters: Where work is counted.
        """
        objective = cls.of_problem(chain, sites, counters)
        assert isinstance(objective, cls)
        objective.whole, objective._sum = whole, None
        return objective

    def over_ranks(self, communicator: Communicator) -> UndividedObjective:
        """Return the same loss, value and gradient of which several ranks compute together.

        Args:
            communicator: The ranks, each of which has all stages and all points.
        """
        if communicator.size == 1:
            return self
        together = copy(self)
        together._sum = over_ranks(self.whole, communicator)
        self.last_terms = together.last_terms = together._sum.last_terms
        return together

    def evaluate(self) -> UndividedEvaluation:  # type: ignore[override]
        """Evaluate the loss at the current parameters."""
        inner: Evaluation
        if self._sum is None:
            inner = self.whole.evaluate()
            self.last_terms = self.whole.last_terms
        else:
            inner = self._sum.evaluate()
            self.last_terms = self._sum.last_terms
        weights = {s: stage.snapshot() for s, stage in self.chain.own.items()}
        return UndividedEvaluation(self, inner.value, dict(self.last_terms), inner, weights)


@dataclass
class UndividedEvaluation(StagedEvaluation, SeparableEvaluation):
    """Evaluation of the loss of a whole network, that can be looked at stage by stage.

    Attributes:
        value: f.
        terms: f by terms.
    """

    objective: UndividedObjective
    value: float
    terms: dict[str, float]
    _inner: Evaluation
    _weights: dict[int, Weights]
    _staged: PipelineEvaluation | None = field(default=None)

    def gradient(self) -> Tensor:
        """Gradient of f by all parameters, [n]."""
        return self._inner.gradient()

    def local(self, stage: int) -> StageObjective:
        """Make the local objective F_s, with the inputs and cotangents of this evaluation.

        Args:
            stage: One of the stages.
        """
        if self._staged is None:
            self._staged = self.objective.evaluate_at(self._weights)
            self._staged.gradient()
        return self._staged.local(stage)
