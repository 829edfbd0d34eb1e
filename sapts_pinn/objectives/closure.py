"""Objectives from closures, as the optimizers of PyTorch take them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .base import Counters, Evaluation, Objective
from .flat import distinct, gather_gradients


class ClosureObjective(Objective):
    """An ordinary PyTorch closure, which computes loss and gradients at once.

    One such object is one function: as long as an optimizer gets the same object, it may reuse what it
    knows.  A plain closure, whose data may change between steps, is evaluated anew in every step.

    Args:
        closure: Clears the gradients, computes the loss, calls backward, returns the loss.
        parameters: The tensors to train.
        module: Its buffers (statistics of BatchNorm) are left alone by a step that is rejected.
    """

    def __init__(
        self,
        closure: Callable[[], Tensor | float],
        parameters: Iterable[Tensor],
        module: nn.Module | None = None,
    ) -> None:
        self.closure, self.parameters, self.counters = closure, distinct(parameters), Counters()
        self.last_terms = {}
        self.module = module

    def buffers(self) -> list[Tensor]:
        """Buffers of the module."""
        return [] if self.module is None else list(self.module.buffers())

    def evaluate(self) -> Evaluation:
        """Call the closure."""
        with torch.enable_grad():
            loss = self.closure()
        self.counters.functions += 1
        self.counters.gradients += 1
        value = float(loss.detach() if isinstance(loss, Tensor) else loss)
        return FixedEvaluation(value, gather_gradients(self.parameters))


@dataclass
class FixedEvaluation(Evaluation):
    """An evaluation with precomputed value and gradient.

    Attributes:
        known: The gradient, [n].
    """

    value: float
    known: Tensor

    def gradient(self) -> Tensor:
        """The gradient."""
        return self.known
