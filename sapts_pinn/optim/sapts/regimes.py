"""Comparison of training with sweeps to training without, by what each earns.

A sweep changes what the plain steps after it can do, so single steps cannot be compared; whole stretches of
some work are.  The regime in force, with sweeps to begin with, goes on for some stretches; then the other one
is tried for one stretch, and the former goes on for one more.  If log f fell faster per work in the trial
than in the mean of the stretches around it, which takes account of a loss that falls ever more slowly, the
tried regime takes over.  Stretches are a share of all work so far, and each trial that fails makes the regime
in force go on for four times as long, so that what the trials cost fades away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

LEAST, SHARE = 10.0, 0.02  # gradients (of a batch) of a stretch, and its share of all work so far
ROUNDED = 1.0 - 1e-9  # ranks add up the same work in other orders
FIRST, LONGER, LAST = 4, 4, 64  # stretches that a regime goes on: after it has won, by what factor, at most


@dataclass
class Regimes:
    """Choice between steps with sweeps and without.

    Attributes:
        in_force: Whether the regime in force is that with sweeps.
        wait: Stretches that it goes on before the next trial.
        done: Stretches that it has gone on.
        rates: Fall of log f per gradient in its last stretch, and in the trial; the second only while the
            stretch after the trial runs.
        trial: Whether the other regime is being tried.
        fall: Fall of log f in this stretch.
        work: Gradients spent in it.
        total: Gradients spent in all.
    """

    in_force: bool = True
    wait: int = 1
    done: int = 0
    rates: list[float] = field(default_factory=list)
    trial: bool = False
    fall: float = 0.0
    work: float = 0.0
    total: float = 0.0

    @property
    def sweeps(self) -> bool:
        """The next step has a sweep."""
        return self.in_force != self.trial

    def add(self, fall: float, work: float) -> None:
        """Take note of a sweep or of a plain step.

        Args:
            fall: Fall of log f by it.
            work: Spent on it by all ranks, in gradients of the whole or of its batch.
        """
        self.fall += fall
        self.work += work
        self.total += work
        if self.work >= ROUNDED * max(LEAST, SHARE * self.total):
            rate, self.fall, self.work = self.fall / self.work, 0.0, 0.0
            self._next(rate)

    def _next(self, rate: float) -> None:
        """End a stretch in which log f fell at some rate, and choose the next."""
        if self.trial:
            self.rates, self.trial = [*self.rates, rate], False
        elif len(self.rates) == 2:  # the stretch after a trial
            before, tried = self.rates
            if tried > 0.5 * (before + rate):
                self.in_force, self.wait = not self.in_force, FIRST
            else:
                self.wait = FIRST if self.wait == 1 else min(LONGER * self.wait, LAST)
            self.rates, self.done = [], 0
        else:
            self.done += 1
            self.rates, self.trial = [rate], self.done >= self.wait

    def state_dict(self) -> dict[str, Any]:
        """All that it has learned."""
        return asdict(self)

    @classmethod
    def of(cls, state: Mapping[str, Any] | None) -> Regimes:
        """The choice of a saved state; a new one where the state is of an earlier version."""
        return cls(**(state or {}))
