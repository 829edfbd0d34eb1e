"""The loss of a chain of stages that are all in this process.

Its value and gradient are those of the whole network, by the compiled kernel.  Where a stage's own objective
is asked for, what goes in and out of the stages comes from the kernel as well (`compiled_stages`); from
PyTorch, at a price that is counted, where the kernel knows the network but not its stages, as with gates.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor

from ..kernels import NotCompiled
from ..objectives.base import Counters, Evaluation, Objective, SeparableEvaluation, StagedEvaluation
from ..objectives.data_parallel import DataParallelObjective, over_ranks
from ..objectives.flat import gather
from ..objectives.least_squares import CUT, LeastSquares, LeastSquaresEvaluation
from ..parallel.communicator import Communicator
from ..problems import Sites
from .chain_objective import ChainObjective
from .compiled_stages import CompiledStages
from .microbatch import Weights
from .pipeline_objective import PipelineObjective
from .stages import ModelStageChain
from .trainable_model import WholeModel

PRICE = 5.0  # gradients of the compiled kernel that one by PyTorch costs; measured with 4,096 points


class UndividedObjective(ChainObjective):
    """The loss of a problem; the gradient costs what it does without stages.

    `of_whole` makes it, where it applies.

    Args:
        chain: All stages, in this process.
        whole: The loss of the undivided network, with the parameters of the stages.
        sites: Places by term.
        counters: Where work is counted.

    Attributes:
        whole: The same loss of the undivided network, whose parameters are those of the stages.
    """

    chain: ModelStageChain

    def __init__(
        self, chain: ModelStageChain, whole: LeastSquares, sites: Mapping[str, Sites], counters: Counters
    ) -> None:
        super().__init__(chain, counters)
        self.whole, self._sites = whole, sites
        self._sum: DataParallelObjective | None = (
            None  # over ranks; None where this process computes it alone
        )
        self._mine = range(len(chain.stages))

    @classmethod
    def of_whole(
        cls, chain: ModelStageChain, sites: Mapping[str, Sites], counters: Counters, threads: int
    ) -> ChainObjective:
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
        return cls(chain, whole, sites, counters)

    def over_ranks(self, communicator: Communicator) -> UndividedObjective:
        """Return the same loss, value and gradient of which several ranks compute together.

        Args:
            communicator: The ranks, each of which has all stages and all points, and moves as many stages.
        """
        if communicator.size == 1:
            return self
        together, each = copy(self), len(self.chain.stages) // communicator.size
        together._sum = over_ranks(self.whole, communicator)
        together._mine = range(communicator.rank * each, (communicator.rank + 1) * each)
        self.last_terms = together.last_terms = together._sum.last_terms
        return together

    def evaluate(self) -> UndividedEvaluation:
        """Evaluate the loss at the current parameters."""
        theta = gather(self.parameters)
        inner: Evaluation
        if self._sum is None:
            inner = at = self.whole.evaluate_at(theta)
            self.last_terms = self.whole.last_terms
            return UndividedEvaluation(self, at.value, dict(self.last_terms), inner, theta, at)
        inner = self._sum.evaluate()
        self.last_terms = self._sum.last_terms
        return UndividedEvaluation(self, inner.value, dict(self.last_terms), inner, theta)

    @cached_property
    def _compiled(self) -> CompiledStages | None:
        """The kernels of the stages; None where there are none."""
        try:
            return CompiledStages(self.chain, self.whole)
        except NotCompiled:
            return None

    @cached_property
    def _pipeline(self) -> PipelineObjective:
        """The stages in PyTorch."""
        price = PRICE if self.whole.compiled else 1.0
        return PipelineObjective.of_problem(self.chain, self._sites, self.counters, price)

    def locals_at(self, evaluation: UndividedEvaluation) -> Mapping[int, Objective]:
        """Make the local objectives of this rank's stages, frozen at an evaluation."""
        theta = evaluation.theta
        if self._compiled is not None:
            at = evaluation.at
            if at is None:  # each rank has seen some of the points only: a whole pass forward, too
                at = self.whole.evaluate_at(theta)
                self.counters.gradients += 1.0 - CUT
            return self._compiled.freeze(at, evaluation.gradient(), self._mine)
        staged = self._pipeline.evaluate_at(self._weights(theta))
        staged.gradient()
        return {s: staged.local(s) for s in self._mine}

    def _weights(self, theta: Tensor) -> dict[int, Weights]:
        """Parameters [n] by stages and names."""
        out: dict[int, Weights] = {}
        for s, (stage, own) in enumerate(zip(self.chain.stages, theta.split(self.chain.sizes), strict=True)):
            named = stage.trained()
            pieces = own.split([p.numel() for p in named.values()])
            out[s] = {
                name: piece.view(p.shape).clone().requires_grad_()
                for piece, (name, p) in zip(pieces, named.items(), strict=True)
            }
        return out


@dataclass
class UndividedEvaluation(StagedEvaluation, SeparableEvaluation):
    """Evaluation of the loss of a whole network, that can be looked at stage by stage.

    Attributes:
        value: f.
        terms: f by terms.
        theta: The parameters, [n].
        at: Evaluation at all points in this process; None where several ranks have shared them.
    """

    objective: UndividedObjective
    value: float
    terms: dict[str, float]
    _inner: Evaluation
    theta: Tensor
    at: LeastSquaresEvaluation | None = None
    _locals: Mapping[int, Objective] | None = field(default=None)

    def gradient(self) -> Tensor:
        """Gradient of f by all parameters, [n]."""
        return self._inner.gradient()

    def local(self, stage: int) -> Objective:
        """Make the local objective F_s, with the inputs and cotangents of this evaluation.

        Args:
            stage: One of the stages.
        """
        if self._locals is None:
            self._locals = self.objective.locals_at(self)
        return self._locals[stage]
