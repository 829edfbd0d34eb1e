"""Mini-batches: all points in random order, a few at a time."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.optim.optimizer import StateDict

from ...errors import InputError
from ...objectives.base import Separable

Batch = dict[str, Tensor]  # by group the indices of its points, for `Separable.restrict`


class MiniBatches:
    """Draws mini-batches; an epoch takes every point once, but for those too few for a last batch.

    Args:
        size: Points in a batch, of all groups together.
        generator: Source of all randomness.

    Attributes:
        drawn: Number of batches so far.
    """

    def __init__(self, size: int, generator: Generator) -> None:
        if size < 1:
            raise InputError(f"batch must be at least 1, not {size}")
        self.size, self.generator = size, generator
        self._order: Batch = {}
        self._next = self.drawn = 0

    def draw(self, objective: Separable) -> Batch:
        """The next batch; every group gives its share."""
        counts = {name: len(s.points) // s.fold for name, s in objective.sites.items() if len(s.points)}
        batches = max(1, sum(counts.values()) // self.size)
        if self._next >= batches or counts != {name: len(order) for name, order in self._order.items()}:
            if self._order:
                objective.on_epoch_end()
            self._order = {n: torch.randperm(count, generator=self.generator) for n, count in counts.items()}
            self._next = 0
        k, self._next = self._next, self._next + 1
        self.drawn += 1
        if len(counts) == 1:
            return {name: order[k * self.size : (k + 1) * self.size] for name, order in self._order.items()}
        # Groups of different sizes: each in as many pieces, of which the smallest may be one point again.
        found = {
            n: order[k * len(order) // batches : (k + 1) * len(order) // batches]
            for n, order in self._order.items()
        }
        return {n: i if len(i) else self._order[n][k % len(self._order[n]) :][:1] for n, i in found.items()}

    def state_dict(self) -> StateDict:
        """The order, and how far it is."""
        return {
            "order": dict(self._order), "next": self._next, "drawn": self.drawn,
            "generator": self.generator.get_state(),
        }  # fmt: skip

    def load_state_dict(self, state: StateDict) -> None:
        """Take over a saved state."""
        self._order, self._next = dict(state["order"]), state["next"]
        self.drawn = state.get("drawn", self._next)  # older files did not count
        self.generator.set_state(state["generator"])
