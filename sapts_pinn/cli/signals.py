"""Signals: the first ends a run in order, the second aborts it.  Nothing here loads PyTorch."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

from ..runs.status import StopReason
from ..training.interrupts import Aborted

if TYPE_CHECKING:
    from ..callbacks.base import RunView

SAME = 5.0  # seconds in which signals to ranks are one: torchrun passes on what a terminal has sent to all


class Interrupts:
    """Turns the first SIGINT, SIGTERM or SIGHUP of a run into its orderly end; a second one aborts.

    Args:
        same: Seconds after the first in which others are taken for the same one.
    """

    def __init__(self, same: float = 0.0) -> None:
        self.same, self._first = same, -math.inf
        self._trainer: RunView | None = None
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
        self._message = "interrupted before the first step; nothing was trained"

    def __enter__(self) -> Interrupts:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores it
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def start(self, trainer: RunView) -> None:
        """Let a signal end the run after its current step from now on."""
        self._trainer = trainer

    def finish(self) -> None:
        """Let a signal end the command at once from now on: the run is written, the rest can be repeated."""
        self._trainer = None
        self._message = "interrupted while drawing; the run is complete, draw it with: sapts-pinn show"

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if time.monotonic() < self._first + self.same:
            return
        if self._trainer is None:
            raise Aborted(self._message)
        self._first = time.monotonic()
        self._trainer.stop(StopReason.INTERRUPTED.status(signal.Signals(number).name))
        self._trainer, self._message = None, "aborted; the run folder holds the last checkpoint"
