"""The local loss of a stage by the compiled kernel.

It is that of `stage_objective`,

    F_s(theta_s) = sum_i r_i^2 / 2,      r_i = rho_i + <lambda_si, phi_s(x_{s-1}; theta_s)_i - x_si> / rho_i,

and of the last stage the loss itself.  The kernel has carried the whole network forward for f; x_{s-1},
lambda_s and <lambda_si, x_si> come from one pass back through it, which stops at the lowest stage wanted.
From then on a stage is a network of its own, whose jets the kernel multiplies by lambda_s block by block,
while they are in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

import torch
from torch import Tensor, nn

from ..derivatives.taylor import Channels
from ..kernels import CompiledNetwork, Cut, PointSet
from ..networks.compiled import compile_stages
from ..objectives.base import Counters, Evaluation, Objective
from ..objectives.flat import gather
from ..objectives.least_squares import LeastSquares, LeastSquaresEvaluation
from ..objectives.residual_block import ResidualBlock
from .stages import ModelStageChain, Stage

RESIDUAL = 600  # weights of a network that its residuals cost as much as, for each output; measured


class StageTerm(Protocol):
    """A term of a stage's loss at some points, with the interface of `ResidualBlock`."""

    def residual(self, theta: Tensor) -> tuple[Tensor, int]:
        """Residuals [rows, N / fold], and a stamp for later calls about the same theta."""

    def vjp(self, theta: Tensor, stamp: int, cotangent: Tensor) -> Tensor:
        """J^T cotangent, [n]."""

    def release(self) -> None:
        """Free the memory kept for a reverse pass."""


class FrozenTerm:
    """A term of the loss as a stage before the last one sees it: one residual r_i for each of a point's.

    Args:
        points: The points of the stage, followed by the products with lambda_s.
        fold: Points that share a residual.
    """

    _rho: Tensor
    _divisor: Tensor
    _products: Tensor

    def __init__(self, points: PointSet, fold: int) -> None:
        self._points, self._fold, self._stamp = points, fold, 0

    def freeze(self, rho: Tensor, after: Cut) -> None:
        """Take the norms of the residuals rho [N / fold], and the state behind the stage."""
        # A residual that is exactly zero has no direction, and lambda is zero there.
        self._rho, self._divisor = rho, rho.clamp_min(torch.finfo(rho.dtype).tiny ** 0.5)
        self._products = after.products[: self._fold * len(rho)]
        self._stamp += 1

    def residual(self, theta: Tensor) -> tuple[Tensor, int]:
        """Residuals [1, N / fold], and a stamp for later calls about the same theta."""
        self._stamp += 1
        change = (self._points.forward(theta) - self._products).view(self._fold, -1).sum(0)
        return (self._rho + change / self._divisor).unsqueeze(0), self._stamp

    def vjp(self, theta: Tensor, stamp: int, cotangent: Tensor) -> Tensor:
        """J^T cotangent, [n]."""
        if stamp != self._stamp:
            self.residual(theta)
        return self._points.reverse(theta, (cotangent[0] / self._divisor).repeat(self._fold))

    def release(self) -> None:
        """Free the memory kept for a reverse pass."""
        self._stamp += 1
        self._points.release()


class CompiledStageObjective(Objective):
    """Local objective F_s of a stage, with its input and the cotangent of its output frozen; not collective.

    Args:
        stage: The stage.
        terms: The terms at their points.
        counters: Where work is counted.
        share: Cost of an evaluation, as a fraction of one of the whole network.
        streams: Points are so many that what is kept of them is freed term by term.
        is_last: The terms have the residuals themselves.
        start: What is known of f where it was frozen.

    Attributes:
        is_frozen: False once the stage was frozen elsewhere, as memory is used again.
    """

    def __init__(
        self,
        stage: Stage,
        terms: Sequence[StageTerm],
        counters: Counters,
        share: float,
        streams: bool,
        is_last: bool,
        start: Start,
    ) -> None:
        self.parameters = [*stage.trained().values()]
        self.terms, self.counters, self.share, self.streams = terms, counters, share, streams
        self.is_last, self.last_terms, self.is_frozen = is_last, {}, True
        stamps = [0] * len(start.rows)
        self._start = CompiledStageEvaluation(self, start.theta, start.rows, stamps, start.gradient)

    def evaluate(self) -> CompiledStageEvaluation:
        """F_s at the stage's current parameters.

        Raises:
            RuntimeError: The stage was frozen elsewhere since.
        """
        theta = gather(self.parameters)
        if torch.equal(theta, self._start.theta):
            return self._start
        self.check()
        self.counters.functions += self.share
        self.counters.gradients += self.share * self.streams
        rows, stamps, gradient = [], [], None
        for term in self.terms:
            r, stamp = term.residual(theta)
            rows.append(r)
            stamps.append(stamp)
            if self.streams:
                found = term.vjp(theta, stamp, r)
                gradient = found if gradient is None else gradient + found
                term.release()
        return CompiledStageEvaluation(self, theta, rows, stamps, gradient)

    def melt(self) -> None:
        """Give the memory up, for the stage is frozen elsewhere."""
        self.is_frozen = False

    def check(self) -> None:
        """Make sure that the stage is still frozen where it was.

        Raises:
            RuntimeError: It is not.
        """
        if not self.is_frozen:
            raise RuntimeError("this stage was frozen at another evaluation since; ask that one for it again")


@dataclass(frozen=True)
class Start:
    """State of F_s where it is frozen, known from that of f.

    Attributes:
        theta: Parameters of the stage, [n].
        rows: Norms of the residuals of each term, [1, N / fold].
        gradient: The stage's part of the gradient of f, [n].
    """

    theta: Tensor
    rows: list[Tensor]
    gradient: Tensor


@dataclass
class CompiledStageEvaluation(Evaluation):
    """Evaluation of the local objective of a stage."""

    objective: CompiledStageObjective
    theta: Tensor
    _rows: list[Tensor]
    _stamps: list[int]
    _gradient: Tensor | None
    value: float = field(init=False)

    def __post_init__(self) -> None:
        self.value = sum(0.5 * float(r.reshape(-1).dot(r.reshape(-1))) for r in self._rows)

    def by_point(self) -> Tensor:
        """Residuals of all points of which F_s is half the square; their norms in the last stage."""
        if self.objective.is_last:
            return torch.cat([r.square().sum(0).sqrt() for r in self._rows])
        return torch.cat([r[0] for r in self._rows])

    def gradient(self) -> Tensor:
        """Gradient by the parameters of the stage."""
        if self._gradient is None:
            self.objective.check()
            self.objective.counters.gradients += self.objective.share
            looks = zip(self.objective.terms, self._stamps, self._rows, strict=True)
            found = [term.vjp(self.theta, stamp, r) for term, stamp, r in looks]
            self._gradient = torch.stack(found).sum(0)
        return self._gradient


class CompiledStages:
    """Kernels of all stages of a network, and memory for what is frozen of one evaluation.

    Args:
        chain: The stages, in this process.
        whole: The loss of the undivided network, whose parameters are those of the stages.

    Raises:
        NotCompiled: Some stage is no network that the kernel knows; the message is the reason.
    """

    def __init__(self, chain: ModelStageChain, whole: LeastSquares) -> None:
        self.chain, self.whole = chain, whole
        counts = [sum(type(m) is nn.Linear for m in stage.modules()) for stage in chain.stages]
        self._cuts = [*accumulate(counts)][:-1]  # behind each stage but the last: affine layers before
        self._kernels: dict[str, list[CompiledNetwork]] = {}
        for term in whole.terms:
            channels = Channels(index for needs in term.needs.values() for index in needs)
            self._kernels[term.name] = compile_stages(whole.model, channels, whole.threads, counts)
        self._inner: dict[tuple[int, int], FrozenTerm] = {}  # by block and stage
        self._last: dict[int, ResidualBlock] = {}  # of the last stage, by block
        self._frozen: dict[int, CompiledStageObjective] = {}

    @property
    def shares(self) -> list[float]:
        """Cost of an evaluation of each stage, as a fraction of one of the whole network."""
        kernels = next(iter(self._kernels.values()))
        work = [kernel.layout.work for kernel in kernels]
        work[-1] += RESIDUAL * kernels[-1].layout.widths[-1]
        return [own / sum(work) for own in work]

    def freeze(
        self, evaluation: LeastSquaresEvaluation, gradient: Tensor, stages: range
    ) -> dict[int, CompiledStageObjective]:
        """Make the local objectives of stages; those of other evaluations end.

        Args:
            evaluation: f where they are frozen.
            gradient: Its gradient, [n].
            stages: Positions of consecutive stages.
        """
        for former in self._frozen.values():
            former.melt()
        norms = evaluation.norms()
        around = [s for s in range(stages.start - 1, stages.stop) if 0 <= s < len(self._cuts)]
        cuts = evaluation.cut([self._cuts[s] for s in around]) if around else [[] for _ in norms]
        rows = [rho.unsqueeze(0) for rho in norms]
        ends, shares, self._frozen = [0, *accumulate(self.chain.sizes)], self.shares, {}
        for s in stages:
            here = slice(ends[s], ends[s + 1])
            terms = [
                self._term(i, s, dict(zip(around, own, strict=True)), rho)
                for i, (own, rho) in enumerate(zip(cuts, norms, strict=True))
            ]
            start = Start(evaluation.theta[here], rows, gradient[here])
            self._frozen[s] = CompiledStageObjective(
                stage=self.chain.stages[s],
                terms=terms,
                counters=self.whole.counters,
                share=shares[s],
                streams=self.whole.streams,
                is_last=s == len(self._cuts),
                start=start,
            )
        return self._frozen

    def _term(self, i: int, s: int, cuts: Mapping[int, Cut], rho: Tensor) -> StageTerm:
        """Term i as stage s sees it, with the state behind the stages around."""
        block, before, after = self.whole.blocks[i], cuts.get(s - 1), cuts.get(s)
        kernel = self._kernels[block.term.name][s]
        if after is None:
            if i not in self._last:
                self._last[i] = block.behind(kernel, before)
            return self._last[i]
        if (i, s) not in self._inner:
            assert block.points is not None
            self._inner[i, s] = FrozenTerm(block.points.part(kernel, before, after), block.sites.fold)
        self._inner[i, s].freeze(rho, after)
        return self._inner[i, s]
