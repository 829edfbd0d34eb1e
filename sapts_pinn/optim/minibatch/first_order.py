"""Baselines on samples: first-order methods of PyTorch on one mini-batch after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Generator, Tensor
from torch.optim.optimizer import StateDict

from ...objectives.base import Separable
from ...objectives.flat import distinct
from ..base import Closure, Optimizer, StepInfo
from .batches import MiniBatches


class Batched(Optimizer):
    """An optimizer of PyTorch that takes a step with every batch; batches cover the samples in random order.

    Args:
        params: The tensors to train.
        inner: The optimizer that takes the steps.
        batch: Samples in a batch.
        decay: Whether the learning rate falls to zero, linearly, as the budget is spent.

    Attributes:
        used: Share of the budget that is spent, in [0, 1].
    """

    def __init__(
        self, params: Iterable[Tensor], inner: torch.optim.Optimizer, batch: int = 128, decay: bool = True
    ) -> None:
        super().__init__(distinct(params), {"lr": inner.param_groups[0]["lr"]})
        self.inner, self.lr, self.decay = inner, inner.param_groups[0]["lr"], decay
        self.batches = MiniBatches(batch, Generator().manual_seed(0))
        self.used = 0.0

    def set_progress(self, used: float, deadline: float = math.inf) -> None:
        """Set the spent share of the budget, by which the learning rate decays."""
        self.used = used

    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        """Take a step with the next mini-batch; the closure is an objective of samples."""
        if not isinstance(closure, Separable):
            raise TypeError("mini-batches need an objective that knows its samples, such as Supervised")
        lr = self.lr * (1.0 - min(self.used, 1.0) if self.decay else 1.0)
        for group in self.inner.param_groups:
            group["lr"] = lr
        batch = closure.restrict(self.batches.draw(closure), estimate=True)
        evaluate: Callable[[], Any] = batch
        loss = self.inner.step(evaluate)
        self.info = StepInfo(accepted=True, radius=lr)
        closure.last_terms = {"loss": float(loss)}
        return torch.as_tensor(loss)

    def state_dict(self) -> StateDict:
        """The inner state, and where in the samples it is."""
        return {**self.inner.state_dict(), "batches": self.batches.state_dict()}

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take over a saved state."""
        state = dict(state_dict)
        self.batches.load_state_dict(state.pop("batches"))
        self.inner.load_state_dict(state)
