"""What a user would otherwise pick: first-order methods of PyTorch on one mini-batch after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Generator, Tensor

from ..objective import Separable
from .objective import GROUP


class Batched(torch.optim.Optimizer):
    """An optimizer of PyTorch that takes a step with every batch; batches cover the samples in random order.

    Args:
        params: The tensors to train.
        inner: The optimizer that takes the steps.
        batch: Samples in a batch.

    Attributes:
        info: What the training loop reports.
    """

    def __init__(self, params: Iterable[Tensor], inner: torch.optim.Optimizer, batch: int = 128) -> None:
        if batch < 1:
            raise ValueError(f"batch must be at least 1, not {batch}")
        super().__init__(params, {"lr": inner.param_groups[0]["lr"]})
        self.inner, self.batch = inner, batch
        self.generator = Generator().manual_seed(0)
        self._order, self._next = torch.empty(0, dtype=torch.long), 0
        self.info: dict[str, Any] = {}

    def step(self, closure: Any) -> Tensor:  # type: ignore[override]
        """One step; the closure is an objective of samples."""
        if not isinstance(closure, Separable):
            raise TypeError("mini-batches need an objective that knows its samples, such as Supervised")
        count = len(closure.sites[GROUP].points)
        if self._next >= len(self._order) or len(self._order) != count:
            self._order, self._next = torch.randperm(count, generator=self.generator), 0
        index = self._order[self._next : self._next + self.batch]
        self._next += self.batch
        loss: Any = self.inner.step(closure.restrict({GROUP: index}, estimate=True))  # type: ignore[arg-type]
        self.info = {"accepted": True, "radius": self.inner.param_groups[0]["lr"]}
        closure.last_terms = {"loss": float(loss)}
        return torch.as_tensor(loss)

    def state_dict(self) -> dict[str, Any]:
        """The inner state, and where in the samples it is."""
        own = {"order": self._order, "next": self._next, "generator": self.generator.get_state()}
        return {**self.inner.state_dict(), "batches": own}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a saved state."""
        state = dict(state_dict)
        own = state.pop("batches")
        self._order, self._next = own["order"], own["next"]
        self.generator.set_state(own["generator"])
        self.inner.load_state_dict(state)
