"""Callback that measures the error of a run beside its clock."""

from __future__ import annotations

from collections.abc import Callable

from ...callbacks.base import Callback, RunView
from ...problems import Problem
from ...results.reference_error import error_measure


class ErrorWatch(Callback):
    """Measures the error, and how far the run has come, at the start, on the way and at the end.

    `rows` gets one entry for every measurement.  Its `seconds`, `collectives`, `messages` and `bytes` are
    those of the run without the measurements; `accepted`, `sweeps` and `sweeps_accepted` are counts of steps.
    A network divided among ranks is measured by all of them together: there `progress` has to be the same on
    every rank.

    Args:
        problem: Problem with a reference.
        progress: Measure of progress, such as seconds.
        every: Growth of the progress between two measurements.
        target: Error at which to stop.
    """

    def __init__(
        self,
        problem: Problem,
        progress: Callable[[RunView], float],
        every: float,
        target: float | None = None,
    ) -> None:
        error = error_measure(problem)
        assert error is not None
        self.rows: list[dict[str, float]] = []
        self._error, self._progress, self._every, self._target = error, progress, every, target
        self._last, self._iteration = 0.0, -1
        self._own = dict.fromkeys(("seconds", "collectives", "messages", "bytes"), 0.0)  # of the measurements
        self._counts = {"accepted": 0, "sweeps": 0, "sweeps_accepted": 0}

    def on_start(self, trainer: RunView) -> None:
        """Measure once."""
        self._measure(trainer)

    def on_step(self, trainer: RunView) -> None:
        """Count the step, and measure if it is time."""
        info = trainer.optimizer.info
        sweep = info.get("sweep")
        self._counts["accepted"] += bool(info.get("accepted"))
        self._counts["sweeps"] += sweep is not None
        self._counts["sweeps_accepted"] += bool(sweep and sweep["accepted"])
        if self._progress(trainer) - self._last >= self._every:
            self._measure(trainer)

    def on_end(self, trainer: RunView) -> None:
        """Measure, unless the last step was."""
        if trainer.iteration != self._iteration:
            self._measure(trainer)

    def _measure(self, trainer: RunView) -> None:
        before = _spent(trainer)
        found = self._error(trainer.model)
        self.rows.append(
            {
                "error": found,
                "work": trainer.counters.gradients,
                "loss": trainer.loss,
                "iterations": trainer.iteration,
                **{name: before[name] - own for name, own in self._own.items()},
                **self._counts,
            }
        )
        if self._target is not None and found <= self._target:
            trainer.stop(f"target error {self._target:g} reached")
        self._last, self._iteration = self._progress(trainer), trainer.iteration
        after = _spent(trainer)
        self._own = {name: own + after[name] - before[name] for name, own in self._own.items()}


def _spent(trainer: RunView) -> dict[str, float]:
    """Time and traffic of a run so far, measurements included."""
    traffic = trainer.communicator.traffic
    return {
        "seconds": trainer.seconds,
        "collectives": traffic.collectives,
        "messages": traffic.messages,
        "bytes": traffic.bytes,
    }
