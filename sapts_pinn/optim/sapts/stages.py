"""Stages of a network as subdomains of SAPTS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...errors import InputError
from ...objectives.base import Evaluation, Objective, SeparableEvaluation, Staged, StagedEvaluation
from ...objectives.flat import scatter_
from ...parallel.communicator import Communicator
from ..subproblem.step import InnerProducts
from .decomposition import Cut, Decomposition
from .exchange import Division
from .subdomain import LocalEvaluation, Subdomain


class ShardedProducts(InnerProducts):
    """Products of vectors that consist of stages: summed over this rank's stages, then over the ranks."""

    def __init__(self, communicator: Communicator) -> None:
        super().__init__(communicator)
        self.sizes: list[int] = []  # of this rank's stages

    def split_by(self, sizes: Sequence[int]) -> None:
        """Take the sizes of this rank's stages."""
        self.sizes = list(sizes)

    def gram(self, rows: Tensor, others: Tensor) -> Tensor:
        """The products of rows [r, n] with others [k, n], [r, k]."""
        own = torch.zeros(len(rows), len(others), dtype=torch.float64, device=rows.device)
        for a, b in zip(rows.split(self.sizes, 1), others.split(self.sizes, 1), strict=True):
            # Copies, because the last bits of a product depend on where in memory a vector begins.
            own += a.to(torch.float64, copy=True) @ b.to(torch.float64, copy=True).T
        return self.communicator.all_reduce(own).cpu()


class StageSubdomain(Subdomain):
    """The parameters of one stage of the network, its input and its output's cotangent frozen.

    Args:
        number: The stage.
        indices: Its parameters among those of this rank.
    """

    def __init__(self, number: int, indices: Tensor) -> None:
        self.number, self.indices = number, indices
        self.objective: Objective | None = None

    def centre(self, theta: Tensor, whole: Evaluation, base: SeparableEvaluation | None) -> None:
        """Take the frozen input and cotangent, which make F_s consistent."""
        assert isinstance(whole, StagedEvaluation)
        self.objective = whole.local(self.number)

    def evaluate(self, z: Tensor) -> StageEvaluation:
        """Evaluate F_s at z."""
        assert self.objective is not None
        scatter_(self.objective.parameters, self.restrict(z))
        return StageEvaluation(self.objective.evaluate(), self, len(z))


@dataclass
class StageEvaluation(LocalEvaluation):
    """Evaluation of F_s as a function of a stage's parameters."""

    inner: Evaluation
    part: StageSubdomain
    n: int
    value: float = field(init=False)
    whole = False

    def __post_init__(self) -> None:
        self.value = self.inner.value

    def gradient(self) -> Tensor:
        """The stage's entries of the gradient."""
        return self.inner.gradient()

    def by_point(self) -> Tensor | None:
        """Residuals of the stage's model of what lies behind it, [N]."""
        return self.inner.by_point()

    def full_gradient(self) -> Tensor:
        """Gradient among all parameters of this rank, [n], zero outside the stage."""
        return self.part.extend(self.inner.gradient(), self.n)


def stage_subdomains(objective: Staged, count: int) -> list[StageSubdomain]:
    """The subdomains of this rank's stages.

    Args:
        objective: The whole, on this rank.
        count: Number of stages that there should be.

    Raises:
        InputError: There are not as many.
    """
    layout = objective.layout
    if len(layout.sizes) != count:
        raise InputError(
            f"the network is cut into {len(layout.sizes)} stages, not into {count}; "
            "give the optimizer as many parts"
        )
    parts, start, device = [], 0, objective.parameters[0].device
    for stage in layout.owned:
        size = layout.sizes[stage]
        parts.append(StageSubdomain(stage, torch.arange(start, start + size, device=device)))
        start += size
    return parts


class StageDecomposition(Decomposition):
    """Stages of the network, each minimising with its input and its output's cotangent frozen (SAPTS_IP)."""

    name = "stages"
    sharded = True
    teaches = False
    kind = "interleaved"
    combination = "subspace"
    options: ClassVar[Mapping[str, Any]] = {**Decomposition.options, "local_steps": 5}

    def divide(self, objective: Objective, cut: Cut) -> Division:
        """Take the stages into which the network is cut."""
        staged = _staged(objective)
        parts = stage_subdomains(staged, cut.count)
        return cut.division(staged, staged, parts, self, shares=staged.layout.shares)


class UndividedStages(StageDecomposition):
    """Stages of a network that every rank holds whole.

    All ranks compute f and its gradient, each a share of the points.  In a sweep every rank moves its own
    stages, with the inputs and cotangents of all points.
    """

    sharded = False

    def divide(self, objective: Objective, cut: Cut) -> Division:
        """Take this rank's share of the stages into which the network is cut."""
        staged = _staged(objective)
        parts = stage_subdomains(staged, cut.count)
        return cut.division(staged, staged.over_ranks(cut.communicator), [parts[i] for i in cut.mine], self)


def _staged(objective: Objective) -> Staged:
    """The objective as one of stages.

    Raises:
        TypeError: It is none.
    """
    staged = objective.staged()
    if staged is None:
        raise TypeError("stages need a PipelineObjective as the objective, which knows the network's stages")
    return staged
