"""A sum of objectives, each evaluated by the rank that owns it: f = sum_d f_d, grad f = sum_d grad f_d.

In one process this only splits the work; over ranks it is synchronous data parallelism.  There, value, terms
and gradient travel in one collective, for a round trip costs more than a gradient that is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..parallel.communicator import Communicator
from .base import Evaluation, Objective, ResidualEvaluation, Separable, SeparableEvaluation
from .closure import FixedEvaluation
from .partition import data_parts


class DataParallelObjective(Objective):
    """The sum of objectives over parts of the points.

    Args:
        parts: The objectives of this rank, in order; those of the ranks follow one another.
        communicator: The ranks.
        terms: Where to record the loss by terms, the same keys on every rank.
    """

    def __init__(
        self, parts: Sequence[Separable], communicator: Communicator, terms: dict[str, float]
    ) -> None:
        self.parts, self.communicator, self.last_terms = list(parts), communicator, terms
        self.parameters, self.counters = parts[0].parameters, parts[0].counters

    @property
    def slow_path(self) -> str | None:
        """Reason why a compiled kernel is not used, that of the first part that has one."""
        return next((piece.slow_path for piece in self.parts if piece.slow_path is not None), None)

    @property
    def compiled(self) -> bool:
        """True if the compiled kernel does the work of all parts."""
        return all(piece.compiled for piece in self.parts)

    def buffers(self) -> list[Tensor]:
        """Buffers of the model that all parts share."""
        return self.parts[0].buffers()

    def evaluate(self, known: Mapping[int, SeparableEvaluation] | None = None) -> DataParallelEvaluation:
        """Evaluate at the current parameters.

        Args:
            known: Evaluations of own pieces, by position, that were made at these very parameters.
        """
        known = known or {}
        parts = [known.get(i) or piece.evaluate() for i, piece in enumerate(self.parts)]
        like = self.parameters[0]
        terms = like.new_tensor([sum(p.terms.get(name, 0.0) for p in parts) for name in self.last_terms])
        gradient = None
        if self.communicator.size > 1:
            message = torch.cat([terms, _sum([part.gradient() for part in parts])])
            total = self.communicator.all_reduce(message)
            terms, gradient = total[: len(terms)], total[len(terms) :].clone()
        self.last_terms.update(zip(self.last_terms, terms.tolist(), strict=True))
        squares = all(part.least_squares() is not None for part in parts)
        result = DataParallelResiduals if squares else DataParallelEvaluation
        return result(self, parts, float(terms.sum()), gradient)


@dataclass
class DataParallelEvaluation(Evaluation):
    """Evaluation of a sum.

    Attributes:
        parts: The evaluations of this rank's pieces.
    """

    objective: DataParallelObjective
    parts: list[Any]  # SeparableEvaluation; those of least squares are ResidualEvaluation as well
    value: float
    _gradient: Tensor | None

    def gradient(self) -> Tensor:
        """The gradient of f, [n]."""
        if self._gradient is None:
            self._gradient = _sum([part.gradient() for part in self.parts])
        return self._gradient


@dataclass
class DataParallelResiduals(DataParallelEvaluation, ResidualEvaluation):
    """Evaluation of a sum of least squares."""

    @property
    def whole(self) -> bool:
        """True if this process has all parts."""
        return self.objective.communicator.size == 1

    @property
    def rows(self) -> int:
        """Number of residuals N of this rank."""
        return sum(part.rows for part in self.parts)

    @property
    def size(self) -> int:
        """Number of parameters n."""
        size: int = self.parts[0].size
        return size

    def jacobian(self) -> Tensor:
        """J of this rank's residuals, [N, n]."""
        blocks = [part.jacobian() for part in self.parts]
        return blocks[0] if len(blocks) == 1 else torch.cat(blocks)

    def columns(self, indices: Tensor) -> Tensor:
        """Columns of J for the parameters `indices` [k], of this rank's residuals, [N, k]."""
        return torch.cat([part.columns(indices) for part in self.parts])

    def jvp(self, v: Tensor) -> Tensor:
        """J v of this rank's residuals, [N]."""
        return torch.cat([part.jvp(v) for part in self.parts])

    def vjp(self, u: Tensor) -> Tensor:
        """J^T u, summed over this rank's residuals only, [n]."""
        pieces = u.split([part.rows for part in self.parts])
        return _sum([part.vjp(piece) for part, piece in zip(self.parts, pieces, strict=True)])

    def gram(self) -> Tensor:
        """J^T J of all residuals, [n, n]."""
        return self.objective.communicator.all_reduce(_sum([part.gram() for part in self.parts]))

    def gram_product(self, v: Tensor) -> Tensor:
        """J^T J v of all residuals, [n]."""
        return self.objective.communicator.all_reduce(_sum([part.gram_product(v) for part in self.parts]))


class ReplicatedObjective(Objective):
    """An objective that every rank evaluates by itself, and rank 0 for all: the ranks must agree to the bit.

    Args:
        inner: The objective.
        communicator: The ranks.
    """

    def __init__(self, inner: Objective, communicator: Communicator) -> None:
        self.inner, self.communicator = inner, communicator
        self.parameters, self.counters = inner.parameters, inner.counters
        self.last_terms = inner.last_terms

    def buffers(self) -> list[Tensor]:
        """Buffers of the objective."""
        return self.inner.buffers()

    @property
    def slow_path(self) -> str | None:
        """Reason why the objective does not use a compiled kernel."""
        return self.inner.slow_path

    @property
    def compiled(self) -> bool:
        """True if the compiled kernel does the work."""
        return self.inner.compiled

    def evaluate(self) -> FixedEvaluation:
        """Value and gradient of rank 0."""
        evaluation = self.inner.evaluate()
        gradient = evaluation.gradient()
        found = self.communicator.broadcast(torch.cat([gradient.new_tensor([evaluation.value]), gradient]))
        return FixedEvaluation(float(found[0]), found[1:].clone())


def over_ranks(objective: Separable, communicator: Communicator) -> DataParallelObjective:
    """Divide an objective among ranks, each of which evaluates a thinned copy of all points.

    Args:
        objective: The objective, with the same points on every rank.
        communicator: The ranks.
    """
    parts = data_parts(
        objective.sites, communicator.size, "interleaved", torch.Generator().manual_seed(0), ()
    )
    own = objective.restrict(parts.owned[communicator.rank])
    return DataParallelObjective([own], communicator, dict.fromkeys(objective.term_names, 0.0))


def _sum(tensors: Sequence[Tensor]) -> Tensor:
    total = tensors[0].clone()
    for tensor in tensors[1:]:
        total += tensor
    return total
