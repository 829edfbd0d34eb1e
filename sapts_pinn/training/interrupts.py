"""Ctrl-C in Python: the first ends a run after its step, the second aborts it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ..runs.status import StopReason


class Aborted(KeyboardInterrupt):
    """A signal came when there was nothing to finish, or came twice."""


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
        stop(StopReason.INTERRUPTED.status("SIGINT"))

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
