"""What happens beside the training: history, checkpoints, progress, early stop.

A callback sees the `Trainer` after every step.  It may read anything and may ask the run to stop, by
`trainer.stop("why, in words")`.
"""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checkpoint import save_checkpoint, write_atomically

if TYPE_CHECKING:
    from .training import Trainer


class Callback:
    """Does nothing; override what you need."""

    def on_start(self, trainer: Trainer) -> None:
        """Before the first step."""

    def on_step(self, trainer: Trainer) -> None:
        """After every step."""

    def on_end(self, trainer: Trainer) -> None:
        """After the last step, whatever ended the run."""


class EarlyStop(Callback):
    """Stops when the loss has not fallen by a factor for some steps.

    Args:
        patience: Steps to wait.
        factor: The loss must fall below factor times the best so far.
    """

    def __init__(self, patience: int = 2000, factor: float = 0.99) -> None:
        self.patience, self.factor = patience, factor
        self._best, self._since = math.inf, 0

    def on_step(self, trainer: Trainer) -> None:
        """Count the steps without improvement."""
        if trainer.loss < self.factor * self._best:
            self._best, self._since = trainer.loss, 0
        else:
            self._since += 1
            if self._since >= self.patience:
                trainer.stop(f"the loss has not improved for {self.patience} steps")


class CheckpointWriter(Callback):
    """Writes `checkpoint.pt` and `history.csv` into a folder, every `every` seconds and at the end.

    Args:
        folder: The run folder.
        every: Seconds between two checkpoints.
    """

    def __init__(self, folder: Path, every: float = 30.0) -> None:
        self.folder, self.every = folder, every
        self._last = time.monotonic()

    def on_step(self, trainer: Trainer) -> None:
        """Write when it is time."""
        if time.monotonic() - self._last >= self.every:
            self.write(trainer)

    def on_end(self, trainer: Trainer) -> None:
        """Write the final state."""
        self.write(trainer)

    def state(self, trainer: Trainer) -> dict[str, Any]:
        """What is saved."""
        return {"trainer": trainer.state_dict()}

    def write(self, trainer: Trainer) -> None:
        """Write now."""
        save_checkpoint(self.folder / "checkpoint.pt", self.state(trainer))
        write_history(self.folder / "history.csv", trainer.history)
        self._last = time.monotonic()


def write_history(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Rows as CSV; cells without a value are empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, lambda p: _write(p, text.getvalue()))


def _write(path: Path, text: str) -> None:
    path.write_text(text)


class Progress(Callback):
    """A live line: loss, error, radius, rho, evaluations, time left; plain lines where there is no terminal.

    Args:
        console: A `rich.console.Console`; by default one on standard error.
        every: Seconds between plain lines.
    """

    def __init__(self, console: Any = None, every: float = 10.0) -> None:
        from rich.console import Console
        from rich.live import Live

        self.console = console or Console(stderr=True)
        self.every = every
        self._live: Live | None = (
            Live(console=self.console, refresh_per_second=4) if self.console.is_terminal else None
        )
        self._last = -math.inf

    def on_start(self, trainer: Trainer) -> None:
        """Open the live line."""
        if self._live is not None:
            self._live.start()

    def on_step(self, trainer: Trainer) -> None:
        """Refresh it."""
        now = time.monotonic()
        if self._live is not None:
            if now - self._last >= 0.25:
                self._live.update(self.line(trainer))
                self._last = now
        elif now - self._last >= self.every:
            self.console.print(self.line(trainer), highlight=False, soft_wrap=True)
            self._last = now

    def on_end(self, trainer: Trainer) -> None:
        """Leave the last state on the screen."""
        if self._live is not None:
            self._live.update(self.line(trainer))
        else:
            self.console.print(self.line(trainer), highlight=False, soft_wrap=True)
        self.close()

    def close(self) -> None:
        """Give the terminal back, also when a run ended by an error."""
        if self._live is not None:
            self._live.stop()

    @staticmethod
    def line(trainer: Trainer) -> str:
        """One line about a run."""
        info = trainer.optimizer.info
        parts = [f"{trainer.seconds:6.1f} s", f"step {trainer.iteration}", f"loss {trainer.loss:.3e}"]
        if trainer.error is not None:
            parts.append(f"error {trainer.error:.3e}")
        if info.get("radius") is not None:
            parts.append(f"radius {info['radius']:.1e}")
        if info.get("rho") is not None:
            parts.append(f"rho {info['rho']:+.2f}")
        parts.append(f"{trainer.counters.gradients:.0f} gradients")
        left = trainer.seconds_left
        if math.isfinite(left):
            parts.append(f"{left:.0f} s left")
        return "  ".join(parts)
