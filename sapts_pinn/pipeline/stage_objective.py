"""The local loss of a stage of a network.

Where the loss is a sum of losses f_i of points that are never negative, as every sum of squares, let rho_i =
sqrt(2 f_i), the norm of the point's residuals, so that f = |rho|^2 / 2.  What remains of a gradient, x_{s-1},
lambda_s = df / dx_s and rho, makes each stage a least-squares problem of its own,

    F_s(theta_s) = sum_i (rho_i + <lambda_si, phi_s(x_{s-1}; theta_s)_i - x_si> / rho_i)^2 / 2,

the Gauss-Newton model of all stages behind it: lambda_si / rho_i is the derivative of rho_i by the output of
the stage.  F_s is bounded below, its value where the gradient was taken is f, and its gradient is df /
dtheta_s.  With several residuals at a point it has the curvature along their sum only.  Any other loss leaves

    F_s(theta_s) = <lambda_s, phi_s(x_{s-1}; theta_s)>,

which is linear in what the stage puts out, hence true only nearby: the trust region has to see to that.  The
last stage has the loss itself, F_S(theta_S) = loss(phi_S(x_{S-1}; theta_S)).  None needs communication.

Source: the frozen cotangent is that of the inexact decomposition, Cruz Alegria et al., arXiv:2502.05133; the
Gauss-Newton model behind a stage is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from ..objectives.base import Counters, Evaluation, Objective
from .microbatch import MicroBatch, Weights
from .stages import Stage

LEAST = 1e-150  # of rho: a residual that is exactly zero has no direction


@dataclass(frozen=True)
class Boundary:
    """State at both ends of a stage where a gradient was taken.

    Attributes:
        micro_batch: The points or samples.
        x: Input x_{s-1}.
        bar: Cotangent lambda_s of the output; None for the last stage.
        rho: Norms of the residuals by points, [N / fold]; None where the loss is of another kind.
        work: <lambda_si, x_si> by points, [N / fold]; None without `rho` or `bar`.
    """

    micro_batch: MicroBatch
    x: Tensor
    bar: Tensor | None
    rho: Tensor | None = None
    work: Tensor | None = None

    @classmethod
    def at(
        cls, micro_batch: MicroBatch, x: Tensor, out: Tensor, bar: Tensor | None, rho: Tensor | None
    ) -> Boundary:
        """Freeze a stage whose output is `out`."""
        work = None if bar is None or rho is None else micro_batch.by_point(bar * out.detach())
        return cls(micro_batch, x.detach(), bar, rho, work)

    def residual(self, out: Tensor) -> Tensor | None:
        """Residuals by points of which F_s is half the square, [N / fold]; None if it is no sum of squares.

        Args:
            out: Output of the stage, of the last one its losses by points.
        """
        if self.rho is None:
            return None
        if self.bar is None:
            return (2 * out).clamp_min(LEAST**2).sqrt()
        assert self.work is not None
        return self.rho + (self.micro_batch.by_point(self.bar * out) - self.work) / self.rho.clamp_min(LEAST)

    def look(self, out: Tensor) -> tuple[Tensor, Tensor | None]:
        """F_s for an output of the stage, and the residuals by points, without a graph, if it has them."""
        residual = self.residual(out)
        known = None if residual is None else residual.detach()
        if self.bar is None:
            return out.sum(), known
        return (self.bar * out).sum() if residual is None else 0.5 * residual.square().sum(), known


Frozen = dict[int, list[Boundary]]  # by stage


@contextmanager
def keep(buffers: Sequence[Tensor]) -> Iterator[None]:
    """Restore buffers at the end: what is computed twice must not enter running means twice."""
    before = [b.clone() for b in buffers]
    yield
    for buffer, value in zip(buffers, before, strict=True):
        buffer.copy_(value)


class StageObjective(Objective):
    """Local objective F_s of a stage, with its input and the cotangent of its output frozen; not collective.

    Args:
        stage: The stage.
        index: Its position s in the chain.
        frozen: Input and cotangent of each micro-batch.
        counters: Where work is counted.
        share: Cost of an evaluation, as a fraction of one of the whole network.
        recomputes: Gradients compute each graph anew instead of keeping all of them.
    """

    def __init__(
        self,
        stage: Stage,
        index: int,
        frozen: Sequence[Boundary],
        counters: Counters,
        share: float,
        recomputes: bool,
    ) -> None:
        self.index, self.stage = index, stage
        self.parameters = [*stage.trained().values()]
        self.counters, self.share, self.recomputes = counters, share, recomputes
        self._frozen, self.last_terms = frozen, {}

    def buffers(self) -> list[Tensor]:
        """Buffers of the stage."""
        return [*self.stage.buffers()]

    def evaluate(self) -> FrozenEvaluation:
        """F_s at the stage's current parameters."""
        self.counters.functions += self.share
        weights = self.stage.snapshot()
        with torch.set_grad_enabled(not self.recomputes):
            looks = [boundary.look(out) for boundary, out in self.outputs(weights)]
        losses, residuals = [loss for loss, _ in looks], [residual for _, residual in looks]
        value = float(torch.stack([loss.detach() for loss in losses]).sum())
        known = [r for r in residuals if r is not None]
        residual = torch.cat(known) if len(known) == len(residuals) else None
        return FrozenEvaluation(self, value, weights, None if self.recomputes else losses, residual)

    def outputs(self, weights: Weights) -> Iterator[tuple[Boundary, Tensor]]:
        """Boundaries, and the output of the stage for each."""
        for boundary in self._frozen:
            yield boundary, boundary.micro_batch.through(self.stage, self.index, weights, boundary.x)


@dataclass
class FrozenEvaluation(Evaluation):
    """Evaluation of the local objective of a stage.

    Attributes:
        residual: Residuals of all points; None if F_s is no sum of squares.
    """

    objective: StageObjective
    value: float
    _weights: Weights
    _losses: list[Tensor] | None
    residual: Tensor | None = None
    _gradient: Tensor | None = None

    def by_point(self) -> Tensor | None:
        """Residuals of all points of which F_s is half the square."""
        return self.residual

    def gradient(self) -> Tensor:
        """Gradient by the parameters of the stage."""
        if self._gradient is None:
            self.objective.counters.gradients += self.objective.share
            self._gradient = torch.cat([part.reshape(-1) for part in self._backward()])
            self._losses = None
        return self._gradient

    def _backward(self) -> Sequence[Tensor]:
        weights = [*self._weights.values()]
        if self._losses is not None:
            return torch.autograd.grad(self._losses, weights, materialize_grads=True)
        self.objective.counters.functions += self.objective.share
        sums = [torch.zeros_like(w) for w in weights]
        with keep(self.objective.buffers()), torch.enable_grad():
            for boundary, out in self.objective.outputs(self._weights):
                found = torch.autograd.grad(boundary.look(out)[0], weights, materialize_grads=True)
                for total, part in zip(sums, found, strict=True):
                    total.add_(part)
        return sums
