"""The loss of a chain of stages that are all in this process.

Its value and gradient are those of the whole network, by the compiled kernel.  Stage by stage, in PyTorch, it
is evaluated only where a stage's own objective is asked for, which needs what goes in and out of the stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from ..objectives.base import Counters, Evaluation, SeparableEvaluation, StagedEvaluation
from ..objectives.least_squares import LeastSquares
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

    whole: LeastSquares

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
        objective = cls.of_problem(chain, sites, counters)
        assert isinstance(objective, cls)
        objective.whole = whole
        return objective

    def evaluate(self) -> UndividedEvaluation:  # type: ignore[override]
        """Evaluate the loss at the current parameters."""
        inner = self.whole.evaluate()
        self.last_terms = self.whole.last_terms
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
