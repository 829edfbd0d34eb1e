"""Error of a model during its training, measured or estimated for a small share of the time."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import Any

from ..callbacks.base import Estimate, Measure
from ..runs.history import ESTIMATE
from ..runs.status import Status, StopReason
from .clock import Clock

SHARE = 0.02  # of the time may go into measuring the error
OF_ESTIMATES = 0.05  # of the time may go into estimating it
EXPECTED = 1.5  # seconds that the first estimate may take

log = logging.getLogger(__name__)


class ErrorMonitor:
    """Measures the error now and then.  Rank 0 does, or all ranks together where the model is sharded.

    Args:
        measure: From a model to its error; None where no reference is known.
        name: Column of the error in the history.
        target: Error at which the run may stop; None for none.

    Attributes:
        name: Column of the error in the history.
        error: The last one measured, or None.
        estimate: The last one estimated, or None.
    """

    estimate: Estimate | None = None

    def __init__(
        self, measure: Measure | None = None, name: str = "relative_l2_error", target: float | None = None
    ) -> None:
        self.name, self.target = name, target
        self.error: float | None = None
        self._measure = measure
        self._seconds, self._iteration = -math.inf, -1  # of the last measurement
        self._cost = 0.0

    def hand_over(self) -> Measure | None:
        """Measure no more, and return the measure to somebody who does."""
        measure, self._measure = self._measure, None
        return measure

    @property
    def reached(self) -> Status:
        """Status of a run that has reached its target; empty if it has not."""
        if self.target is not None and self.error is not None and self.error <= self.target:
            return StopReason.TARGET.status(f"{self.target:g}")
        return Status()

    def is_due(self, clock: Clock, sharded: bool) -> bool:
        """Return whether to measure now."""
        if self._measure is None or (clock.ranks.rank and not sharded):
            return False
        together = sharded and clock.ranks.size > 1  # all ranks measure, and so decide, together
        seconds = clock.common_seconds if together else clock.seconds
        return seconds - self._seconds >= max(0.5, self._cost / SHARE)

    def measure(self, model: object, clock: Clock, iteration: int, sharded: bool) -> None:
        """Measure the error, unless another rank does or there is no reference.

        Args:
            model: The model.
            clock: The clock of the run.
            iteration: Steps so far.
            sharded: Whether the ranks measure together.
        """
        if self._measure is None or (clock.ranks.rank and not sharded):
            return
        begin, first = time.monotonic(), self._seconds == -math.inf
        self.error = self._measure(model)
        # The first time evaluates the reference, too, which is no reason to wait with the second.
        self._cost = 0.0 if first else time.monotonic() - begin
        if sharded:  # by which all ranks decide together
            self._cost = clock.ranks.gather_objects(self._cost)[0]
        self._seconds, self._iteration = clock.common_seconds, iteration

    def finish(self, model: object, clock: Clock, iteration: int, sharded: bool) -> None:
        """Measure the error at the end of a run; arguments as of `measure`."""
        self.measure(model, clock, iteration, sharded)

    def column(self, iteration: int) -> dict[str, float | None]:
        """The error in a row of the history, None unless it was measured at this step."""
        if self._measure is None:
            return {}
        return {self.name: self.error if self._iteration == iteration else None}


class EstimateMonitor(ErrorMonitor):
    """Estimates the error now and then where no reference tells it; rank 0 does, for all.

    After the run an estimate is made with more effort, so that none is due at its end.

    Args:
        estimator: From a model to an estimate of its error, None where there is none; it changes nothing and
            draws from no common random numbers.
    """

    def __init__(self, estimator: Callable[[Any], Estimate | None]) -> None:
        super().__init__()
        self._estimator: Callable[[Any], Estimate | None] | None = estimator
        self._seconds, self._cost = 0.0, EXPECTED

    def is_due(self, clock: Clock, sharded: bool) -> bool:
        """Return whether to estimate now; where every rank has a part of the model only, it never is."""
        possible = self._estimator is not None and not clock.ranks.rank and not sharded
        return possible and clock.seconds - self._seconds >= self._cost / OF_ESTIMATES

    def measure(self, model: object, clock: Clock, iteration: int, sharded: bool) -> None:
        """Estimate the error; no run ends for what goes wrong with it."""
        assert self._estimator is not None
        begin = time.monotonic()
        try:
            self.estimate = self._estimator(model)
        except Exception as error:
            log.info("no error estimates during this run", exc_info=error)
            self.estimate, self._estimator = None, None
        self._cost = time.monotonic() - begin
        self._seconds, self._iteration = clock.seconds, iteration

    def finish(self, model: object, clock: Clock, iteration: int, sharded: bool) -> None:
        """Leave the end of the run to its examination."""

    def column(self, iteration: int) -> dict[str, float | None]:
        """The estimate in a row of the history, None unless it was made at this step and is reliable."""
        found = self.estimate if self._iteration == iteration else None
        return {ESTIMATE: found.value if found is not None and found.reliable else None}
