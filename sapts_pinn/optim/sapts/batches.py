"""Mini-batches of a least-squares objective that overlap, and grow when what they teach is their own noise.

A batch is a run of residuals in an order in which every run is spread over the whole domain; the next batch
begins where this one's own share ends, and a batch reaches into its successor by an overlap.  Value,
gradient, rho and y of a step are all of one batch.

**Growth.**  A batch that is too small is fitted better than the domain is.  The next batch tells: it is
evaluated at the same parameters in any case, and only given up where a larger one is needed.  Where its loss
is more than twice that of the batch before, or no smaller than that of a batch three batches ago, batches
are 1.5 times as large from then on, until the batch is the whole.  The norm test, which compares a gradient
with its variance (Byrd, Chin, Nocedal & Wu, 2012), grows them too soon: the gradient of a batch that is
nearly solved is small.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor
from torch.optim.optimizer import StateDict

from ...errors import InputError
from ...geometry import interleaved
from ...objectives.base import Separable

GROWTH = 1.5
LEAST = 256  # residuals of a part and term in the first batch: fewer take as long to evaluate
STILL = 3  # batches without progress after which batches grow
CHUNKS = 64  # pieces of the order, each spread over the domain


@dataclass
class GrowingBatches:
    """The batches of one run.

    Attributes:
        share: Of all residuals in a batch, without the overlap.
        overlap: By how much of its size a batch reaches into the next.
        gap: Loss of the next batch over that of the last, above which batches grow.
        steps: Taken with one batch before the next one.
        start: Where the current batch begins, in [0, 1).
        age: Steps taken with it.
        losses: Of the latest batches of this size, where they began.
    """

    share: float
    overlap: float = 0.33
    gap: float = 2.0
    steps: int = 10
    start: float = 0.0
    age: int = 0
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"batch must lie in (0, 1], not {self.share:g}")

    @property
    def whole(self) -> bool:
        """The batch has all residuals."""
        return self.share * (1.0 + self.overlap) >= 1.0

    def order(self, objective: Separable, generator: Generator, parts: int = 1) -> dict[str, Tensor]:
        """For each term an order of its residuals of which every run covers the domain evenly.

        A share too small for a batch is enlarged by the way.

        Args:
            objective: What is divided into batches.
            generator: Source of the order.
            parts: Number of parts of a batch.
        """
        orders = {}
        for name, sites in objective.sites.items():
            count = len(sites.points) // sites.fold
            pieces = interleaved(sites.points[:count], min(CHUNKS, count), generator)
            orders[name] = torch.cat(pieces)
        self.share = min(1.0, max(self.share, LEAST * parts * len(orders) / sum(map(len, orders.values()))))
        return orders

    def take(self, objective: Separable, order: dict[str, Tensor]) -> Separable:
        """The current batch, normalised by its own size: it estimates the whole."""
        if self.whole:
            return objective
        part = {}
        for name, index in order.items():
            size = max(1, round(self.share * (1.0 + self.overlap) * len(index)))
            first = round(self.start * len(index))
            part[name] = index[torch.arange(first, first + size) % len(index)]
        return objective.restrict(part, estimate=True)

    def due(self) -> bool:
        """Count a step; whether it is time for the next batch."""
        if self.whole:
            return False
        self.age += 1
        return self.age >= self.steps

    def advance(self) -> None:
        """Go on to the next batch."""
        self.start, self.age = (self.start + self.share) % 1.0, 0

    def too_small(self, before: float, after: float) -> bool:
        """Test whether a batch was overfitted, or nothing was gained by several; takes note of its end.

        Args:
            before: Its loss at the end.
            after: The loss of the next batch there.
        """
        still = len(self.losses) == STILL and after >= self.losses[0]
        if after > self.gap * before or still:
            self.losses = []
            return True
        self.losses = [*self.losses, after][-STILL:]
        return False

    def grow(self) -> None:
        """Larger batches from now on."""
        self.share = min(1.0, GROWTH * self.share)

    def state_dict(self) -> StateDict:
        """Size and position."""
        return {"share": self.share, "start": self.start, "age": self.age, "losses": list(self.losses)}

    def load_state_dict(self, state: StateDict) -> None:
        """Take over a saved state."""
        self.share, self.start, self.age = state["share"], state["start"], state["age"]
        self.losses = list(state.get("losses", ()))  # earlier versions compared gradients
