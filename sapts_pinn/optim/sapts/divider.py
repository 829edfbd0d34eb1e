"""The subdomains of the current batch of an objective, made anew where points or batch have changed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.optim.optimizer import StateDict

from ...errors import InputError
from ...objectives.base import Objective
from ...parallel.communicator import Communicator
from .batches import GrowingBatches
from .decomposition import Cut, Decomposition
from .exchange import Division
from .settings import Sweep
from .subdomain import Subdomain


class Divider:
    """Cuts an objective into subdomains, batch by batch.

    What was drawn before a state was saved is drawn again, from the same states of the generator, where the
    first objective after loading has the same points.

    Args:
        decomposition: The way to cut.
        count: Number of subdomains over all ranks, a multiple of the number of ranks.
        sweep: How the subdomains are used.
        communicator: The ranks.

    Attributes:
        generator: Source of all randomness, in the same state on every rank.
        batches: Size and position of the batch.
        division: The current subdomains; None before the first objective.

    Raises:
        InputError: The number of subdomains does not fit the ranks.
    """

    def __init__(
        self, decomposition: Decomposition, count: int, sweep: Sweep, communicator: Communicator
    ) -> None:
        if count < 1 or count % communicator.size:
            raise InputError(
                f"parts must be a positive multiple of the number of ranks, {communicator.size}, not {count}"
            )
        self.decomposition, self.count, self.sweep = decomposition, count, sweep
        self.communicator = communicator
        self.generator = Generator().manual_seed(0)
        self.batches = GrowingBatches(sweep.batch)
        self.division: Division | None = None
        self._objective: Objective | None = None
        self._sequence: dict[str, Tensor] = {}  # the order of the residuals, of which batches are runs
        # States of the generator before the sequence, and before the division, were drawn.
        self._ordered = self._drawn = self.generator.get_state()
        self._later: dict[str, Tensor] | None = None  # those that a loaded state wants to begin from

    def divide(self, objective: Objective) -> Division:
        """Return the subdomains of the current batch of an objective.

        Raises:
            TypeError: The objective cannot be divided as asked.
        """
        if self.division is None or self._objective is not objective:
            before, self._later = self._later, None
            self._objective = objective
            if before is not None:
                self.generator.set_state(before["ordered"])
            self._ordered = self.generator.get_state()
            if not self.batches.whole:
                separable = objective.separable()
                if separable is None:
                    raise TypeError("batches need an objective that knows its points; drop the option batch")
                self._sequence = self.batches.order(separable, self.generator, self.count)
            if before is not None:
                self.generator.set_state(before["drawn"])
            self.division = self._cut(objective)
            if before is not None:
                self.generator.set_state(before["generator"])
        return self.division

    def _cut(self, objective: Objective) -> Division:
        self._drawn = self.generator.get_state()
        separable = objective.separable()
        if separable is not None and not self.batches.whole:
            objective = self.batches.take(separable, self._sequence)
        sweep = self.sweep
        additive = sweep.order == "additive"
        ranks, generator = self.communicator, self.generator
        kind = self.decomposition.kind if sweep.kind is None else sweep.kind
        cut = Cut(self.count, kind, sweep.overlap, sweep.consistent, additive, generator, ranks, sweep.pieces)
        return self.decomposition.divide(objective, cut)

    def next_batch(self, stuck: bool, value: float, look: Callable[[Division], float]) -> None:
        """Take a new batch where one is due; a larger one where this one was overfitted, or nothing moves.

        Args:
            stuck: Whether no further progress is possible on the batch.
            value: Loss of the batch at the current parameters.
            look: Evaluates the loss of the next one there.
        """
        if not (self.batches.due() or stuck):
            return
        assert self._objective is not None
        self.batches.advance()  # by the share of the batch that ends
        if stuck:
            self.batches.grow()
        self.division = self._cut(self._objective)
        if not stuck and self.batches.too_small(value, look(self.division)):
            self.batches.grow()
            self.division = self._cut(self._objective)

    def order(self, division: Division) -> list[list[Subdomain]]:
        """For each group of this rank the subdomains to visit, in turn; every rank draws for all."""
        draws = [
            [torch.randperm(size, generator=self.generator).tolist() for size in sizes]
            for sizes in division.sizes
        ]
        return [
            [group[i] for i in draw[: self.sweep.visits or None]]
            for group, draw in zip(division.groups, draws[self.communicator.rank], strict=True)
        ]

    def points_changed(self) -> None:
        """Drop the restored states of the generator that belong to the points before."""
        if self._later is not None:
            self.generator.set_state(self._later["generator"])
            self._later = None

    def state_dict(self) -> StateDict:
        """Batch, and states of the generator."""
        random = self._later or {
            "ordered": self._ordered,
            "drawn": self._drawn,
            "generator": self.generator.get_state(),
        }
        return {"parts": self.count, "batches": self.batches.state_dict(), "random": random}

    def load_state_dict(self, state: StateDict) -> None:
        """Take over a saved state."""
        self.division = None
        self.batches.load_state_dict(state["batches"])
        self._later = dict(state["random"])
