"""Shares of the work and of the progress that sweeps over subdomains and plain steps have had in a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

LITTLE = 0.05  # of the gain: parts that bring less than that have brought nothing worth the name


@dataclass
class Earnings:
    """Counts of the work of sweeps and plain steps in a run, and of their gains.

    Work is counted in gradients at all points, those of this rank; a gain is a fall of log f, so that gains
    add up over a run.  The gradient at the end of a sweep belongs to the sweep.

    Attributes:
        sweeps: Sweeps tried.
        accepted: Sweeps taken.
        sweep_work: Gradients spent in sweeps.
        sweep_gain: Fall of log f by sweeps.
        plain_steps: Plain steps tried.
        plain_work: Gradients spent in plain steps.
        plain_gain: Fall of log f by plain steps.
    """

    sweeps: float = 0
    accepted: float = 0
    sweep_work: float = 0.0
    sweep_gain: float = 0.0
    plain_steps: float = 0
    plain_work: float = 0.0
    plain_gain: float = 0.0

    def add_sweep(self, work: float, before: float, after: float, accepted: bool) -> None:
        """Add a sweep.

        Args:
            work: Gradients spent.
            before: f before.
            after: f after; the same where it was rejected.
            accepted: Whether it was taken.
        """
        self.sweeps += 1
        self.accepted += accepted
        self.sweep_work += work
        self.sweep_gain += _fall(before, after)

    def add_plain_step(self, work: float, before: float, after: float) -> None:
        """Add a plain step; arguments as of `add_sweep`."""
        self.plain_steps += 1
        self.plain_work += work
        self.plain_gain += _fall(before, after)

    @property
    def share_of_gain(self) -> float:
        """The sweeps' share of the fall of log f, in [0, 1]; NaN while f has not fallen."""
        total = self.sweep_gain + self.plain_gain
        return self.sweep_gain / total if total > 0 else math.nan

    @property
    def share_of_work(self) -> float:
        """The sweeps' share of the gradients, in [0, 1]; NaN before the first."""
        total = self.sweep_work + self.plain_work
        return self.sweep_work / total if total > 0 else math.nan

    @property
    def words(self) -> str:
        """Sentence for a summary; empty before the first sweep."""
        if not self.sweeps:
            return ""
        taken = f"{self.accepted:.0f} of {self.sweeps:.0f} sweeps over the parts were taken"
        if math.isnan(self.share_of_gain):
            return f"{taken}; the loss has not fallen"
        spent = f"{self.share_of_work:.0%} of the work"
        if self.share_of_gain < LITTLE:
            return f"{taken}: the parts earned nothing ({self.share_of_gain:.0%} of the progress for {spent})"
        return f"{taken}: {self.share_of_gain:.0%} of the progress for {spent}"

    def state_dict(self) -> dict[str, float]:
        """All counts."""
        return asdict(self)

    @classmethod
    def of(cls, state: Mapping[str, float] | None) -> Earnings:
        """The counts of a saved state; none in states of earlier versions."""
        return cls(**(state or {}))


def _fall(before: float, after: float) -> float:
    return math.log(before / after) if before > 0 and after > 0 else 0.0
