"""The local loss of a stage of a network.

What remains of a gradient, x_{s-1} and lambda_s, makes each stage an objective of its own,

    F_s(theta_s) = <lambda_s, phi_s(x_{s-1}; theta_s)>,      F_S(theta_S) = loss(phi_S(x_{S-1}; theta_S)),

whose gradient where it was taken is df / dtheta_s, and which needs no communication.  It is linear in what
the stage puts out, hence true only nearby: the trust region has to see to that.
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

Boundary = tuple[MicroBatch, Tensor, Tensor | None]  # a micro-batch with x_{s-1} and lambda_s of a stage
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

    def evaluate(self) -> Evaluation:
        """F_s at the stage's current parameters."""
        self.counters.functions += self.share
        weights = self.stage.snapshot()
        with torch.set_grad_enabled(not self.recomputes):
            losses = list(self.losses(weights))
        value = float(torch.stack([loss.detach() for loss in losses]).sum())
        return _StageEvaluation(self, value, weights, None if self.recomputes else losses)

    def losses(self, weights: Weights) -> Iterator[Tensor]:
        """F_s by micro-batches."""
        for micro_batch, x, bar in self._frozen:
            out = micro_batch.through(self.stage, self.index, weights, x)
            yield out if bar is None else (bar * out).sum()


@dataclass
class _StageEvaluation(Evaluation):
    objective: StageObjective
    value: float
    _weights: Weights
    _losses: list[Tensor] | None
    _gradient: Tensor | None = None

    def gradient(self) -> Tensor:
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
            for loss in self.objective.losses(self._weights):
                found = torch.autograd.grad(loss, weights, materialize_grads=True)
                for total, part in zip(sums, found, strict=True):
                    total.add_(part)
        return sums
