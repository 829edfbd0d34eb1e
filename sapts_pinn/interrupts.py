"""Signals: the first ends a run in order, the second aborts it.  Nothing here loads PyTorch."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .training import Trainer

SAME = 5.0  # seconds in which signals to ranks are one: torchrun passes on what a terminal has sent to all


class Aborted(KeyboardInterrupt):
    """A signal came when there was nothing to finish, or came twice."""


class Interrupts:
    """Turns the first SIGINT, SIGTERM or SIGHUP of a run into its orderly end; a second one aborts.

    Args:
        same: Seconds after the first in which others are taken for the same one.
    """

    def __init__(self, same: float = 0.0) -> None:
        self.same, self._first = same, -math.inf
        self._trainer: Trainer | None = None
        self._before: dict[int, Any] = {}
        self._message = "interrupted before the first step; nothing was trained"

    def __enter__(self) -> Interrupts:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores it
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def start(self, trainer: Trainer) -> None:
        """From here on a signal ends the run after its current step."""
        self._trainer = trainer

    def finish(self) -> None:
        """The run is over and written; what follows can be repeated."""
        self._trainer = None
        self._message = "interrupted while drawing; the run is complete, draw it with: sapts-pinn show"

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if time.monotonic() < self._first + self.same:
            return
        if self._trainer is None:
            raise Aborted(self._message)
        self._first = time.monotonic()
        self._trainer.stop(f"interrupted by {signal.Signals(number).name}")
        self._trainer, self._message = None, "aborted; the run folder holds the last checkpoint"


@contextmanager
def interruptible(stop: Callable[[str], object]) -> Iterator[None]:
    """Let Ctrl-C in Python end a run after its current step, and a second one at once, by KeyboardInterrupt.

    Somebody else's handler, such as that of a command, is left in place.

    Args:
        stop: Asks the run to end, with the reason.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        stop("interrupted by SIGINT")

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
