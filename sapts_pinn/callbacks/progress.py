"""Progress of a run while it trains: a bar in a terminal, a line in a notebook, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

from .base import Callback, RunView

OFTEN = 0.25  # seconds between two states of a bar
BAR = 10  # characters


class Screen(ABC):
    """A place where the state of a run is shown.

    Attributes:
        every: Seconds between two states.
    """

    every = OFTEN

    def start(self) -> None:  # noqa: B027  nothing to do for most
        """Prepare the place."""

    @abstractmethod
    def show(self, run: RunView) -> None:
        """Show the state of a run."""

    def stop(self) -> None:  # noqa: B027
        """Give the place back, with the last state on it."""


class Bar(Screen):
    """A bar of the budget with figures, on one line of a terminal, cut off where the terminal is narrow."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, ProgressColumn, Task
        from rich.table import Column
        from rich.text import Text

        class Figures(ProgressColumn):
            def render(self, task: Task) -> Text:
                return Text(task.description, no_wrap=True, overflow="crop")

        bar = BarColumn(BAR, table_column=Column(no_wrap=True, min_width=BAR))
        words = Figures(Column(no_wrap=True, overflow="crop"))
        self._progress = Progress(bar, words, console=console, refresh_per_second=4)
        self._task = self._progress.add_task("", total=1.0)

    def start(self) -> None:
        """Take the last line of the terminal."""
        self._progress.start()

    def show(self, run: RunView) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=min(run.used, 1.0), description=figures(run))

    def stop(self) -> None:
        """Leave the last state on the screen."""
        self._progress.stop()


class Cell(Screen):
    """A line below the cell of a notebook, always the same one."""

    def __init__(self) -> None:
        self._handle: Any = None  # of IPython, which has no types

    def show(self, run: RunView) -> None:
        """Replace the line."""
        display: Any = import_module("IPython.display").display  # which has no types
        done = round(BAR * min(max(run.used, 0.0), 1.0))
        line = {"text/plain": f"{'█' * done}{'░' * (BAR - done)} {figures(run)}"}
        if self._handle is None:
            self._handle = display(line, raw=True, display_id=True)
        else:
            self._handle.update(line, raw=True)


class Lines(Screen):
    """A line every few seconds, for a file or a pipe."""

    def __init__(self, console: Console, every: float) -> None:
        self.console, self.every = console, every

    def show(self, run: RunView) -> None:
        """Print a line."""
        self.console.print(Progress.line(run), highlight=False, markup=False, soft_wrap=True)


class Progress(Callback):
    """Progress of a run: bar of the budget, loss, error, radius, rho, time left.

    Where no reference tells the error, up to 5 % of the time goes into estimates of it, `error ~2.4e-04`, or
    `error ~2e-04?` where that is not reliable; the first one comes after half a minute.

    What cannot be written, to a closed pipe or a full disk, is the last of it; the run goes on.

    Args:
        console: A `rich.console.Console`; by default one on standard error, or the cell of a notebook.
        every: Seconds between lines where there is no terminal.
    """

    wants_error = True

    def __init__(self, console: Console | None = None, every: float = 10.0) -> None:
        from rich.console import Console

        self._broken, self._last = False, -math.inf
        chosen = console or Console(stderr=True, highlight=False)
        self._screen: Screen = Lines(chosen, every)
        if console is None and in_notebook():
            self._screen = Cell()
        elif chosen.is_terminal:
            self._screen = Bar(chosen)

    def on_start(self, trainer: RunView) -> None:
        """Open the line; of several ranks the first one has it."""
        self._broken = trainer.communicator.rank > 0
        self._try(self._screen.start)

    def on_step(self, trainer: RunView) -> None:
        """Refresh the line when it is time."""
        now = time.monotonic()
        if now - self._last >= self._screen.every:
            self._try(lambda: self._screen.show(trainer))
            self._last = now

    def on_end(self, trainer: RunView) -> None:
        """Leave the last state on the screen."""
        self._try(lambda: self._screen.show(trainer))
        self.close()

    def close(self) -> None:
        """Give the terminal back, also when a run ended by an error."""
        self._try(self._screen.stop)

    def _try(self, write: Callable[[], object]) -> None:
        if self._broken:
            return
        try:
            write()
        # A closed stream is a ValueError, and Rich exits at a closed pipe.
        except (OSError, ValueError, SystemExit):
            self._broken = True

    @staticmethod
    def line(trainer: RunView) -> str:
        """State of a run in one line, for a file."""
        info = trainer.optimizer.info
        parts = [f"{trainer.seconds:6.1f} s", f"step {trainer.iteration}", f"loss {trainer.loss:.3e}"]
        if trainer.error is not None:
            parts.append(f"{_name_of_error(trainer)} {trainer.error:.3e}")
        elif trainer.error_estimate is not None:
            parts.append(f"error {_error(trainer)}")
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


def _name_of_error(run: RunView) -> str:
    return "error" if run.error_name.endswith("error") else run.error_name.replace("_", " ")


def figures(run: RunView) -> str:
    """Loss, error, radius, rho and time left beside a bar, in 69 characters: with it they fit 80 columns."""
    info, used = run.optimizer.info, run.used
    parts = [f"loss {run.loss:.2e}", f"error {_error(run)}"]
    if info.get("radius") is not None:
        parts.append(f"radius {info['radius']:.0e}")
    if info.get("rho") is not None:
        parts.append(f"rho {min(max(info['rho'], -9.99), 9.99):+.2f}")
    left = run.seconds_left
    if not math.isfinite(left) and used > 0:  # a budget of steps or evaluations: as fast as until now
        left = run.seconds * (1 / used - 1)
    if math.isfinite(left):
        parts.append(f"{clock(max(left, 0.0))} left")
    return "  ".join(parts)


def _error(run: RunView) -> str:
    if run.error is not None:
        return f"{run.error:.2e}"
    if run.error_estimate is None:
        return "-"
    value, reliable = run.error_estimate
    return f"~{value:.1e}" if reliable else f"~{value:.0e}?"


def clock(seconds: float) -> str:
    """Time as 1:05, or 2:00:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def in_notebook() -> bool:
    """Test for a kernel of Jupyter, which shows what is displayed."""
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def is_interactive() -> bool:
    """Test for somebody who waits: a notebook, or a prompt of Python."""
    return in_notebook() or hasattr(sys, "ps1") or bool(sys.flags.interactive)


def shown(progress: bool | None, callbacks: Iterable[Callback]) -> list[Callback]:
    """The progress of a run, as a list of callbacks that is empty without.

    Args:
        progress: Whether to show it; None: in interactive use.
        callbacks: Others; one that shows progress is enough.

    Raises:
        InputError: `progress` is neither True, False nor None.
    """
    if progress not in (None, True, False):
        raise InputError(f"progress must be True, False or None, not {progress!r}")
    wanted = is_interactive() if progress is None else progress
    return [Progress()] if wanted and not any(isinstance(c, Progress) for c in callbacks) else []
