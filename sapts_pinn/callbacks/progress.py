"""A live line about a run, or plain lines where there is no terminal."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

from .base import Callback, RunView


class Progress(Callback):
    """A live line: loss, error, radius, rho, evaluations, time left; plain lines where there is no terminal.

    A line that cannot be written, to a closed pipe or a full disk, is the last one; the run goes on.

    Args:
        console: A `rich.console.Console`; by default one on standard error.
        every: Seconds between plain lines.
    """

    def __init__(self, console: Console | None = None, every: float = 10.0) -> None:
        from rich.console import Console
        from rich.live import Live

        self.console = console or Console(stderr=True)
        self.every = every
        self._broken = False
        self._live: Live | None = (
            Live(console=self.console, refresh_per_second=4) if self.console.is_terminal else None
        )
        self._last = -math.inf

    def on_start(self, trainer: RunView) -> None:
        """Open the live line; of several ranks the first one has it."""
        if trainer.communicator.rank:
            self.console.quiet = True
        if self._live is not None:
            self._try(self._live.start)

    def on_step(self, trainer: RunView) -> None:
        """Refresh the line when it is time."""
        now = time.monotonic()
        if self._live is not None:
            if now - self._last >= 0.25:
                self._write(trainer)
                self._last = now
        elif now - self._last >= self.every:
            self._write(trainer)
            self._last = now

    def on_end(self, trainer: RunView) -> None:
        """Leave the last state on the screen."""
        self._write(trainer)
        self.close()

    def close(self) -> None:
        """Give the terminal back, also when a run ended by an error."""
        if self._live is not None:
            self._try(self._live.stop)

    def _write(self, trainer: RunView) -> None:
        line = self.line(trainer)
        if self._live is not None:
            live = self._live
            self._try(lambda: live.update(line))
        else:
            self._try(lambda: self.console.print(line, highlight=False, soft_wrap=True))

    def _try(self, write: Callable[[], object]) -> None:
        if self._broken:
            return
        try:
            write()
        except (
            OSError,
            ValueError,
            SystemExit,
        ):  # a closed stream is a ValueError; Rich exits at a closed pipe
            self._broken = True

    @staticmethod
    def line(trainer: RunView) -> str:
        """State of a run in one line."""
        info = trainer.optimizer.info
        parts = [f"{trainer.seconds:6.1f} s", f"step {trainer.iteration}", f"loss {trainer.loss:.3e}"]
        if trainer.error is not None:
            name = "error" if trainer.error_name.endswith("error") else trainer.error_name.replace("_", " ")
            parts.append(f"{name} {trainer.error:.3e}")
        if info.get("radius") is not None:
            parts.append(f"radius {info['radius']:.1e}")
        if info.get("rho") is not None:
            parts.append(f"rho {info['rho']:+.2f}")
        gradients = trainer.counters.gradients  # of batches: shares of one
        parts.append(f"{gradients:.{0 if gradients >= 100 or gradients == int(gradients) else 1}f} gradients")
        left = trainer.seconds_left
        if math.isfinite(left):
            parts.append(f"{left:.0f} s left")
        return "  ".join(parts)
