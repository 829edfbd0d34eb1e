"""What happens beside the training: history, checkpoints, progress, early stop.

A callback sees the `Trainer` after every step.  It may read anything and may ask the run to stop, by
`trainer.stop("why, in words")`.
"""

from __future__ import annotations

import csv
import io
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checkpoint import save_checkpoint, write_text

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
        self._last = 0.0

    def on_start(self, trainer: Trainer) -> None:
        """From now on."""
        self._last = trainer.common_seconds

    def on_step(self, trainer: Trainer) -> None:
        """Write when it is time."""
        if trainer.common_seconds - self._last >= self.every:
            self._try(trainer, "the run goes on, and tries again later")

    def on_end(self, trainer: Trainer) -> None:
        """Write the final state."""
        self._try(trainer, "save the solution elsewhere")

    def _try(self, trainer: Trainer, advice: str) -> None:
        """Write; a full disk ends no run, and may have room later."""
        try:
            self.write(trainer)
        except OSError as error:
            self._last = trainer.common_seconds
            warnings.warn(not_written(self.folder, error, advice), UserWarning, stacklevel=3)

    def state(self, trainer: Trainer) -> dict[str, Any]:
        """What is saved."""
        return {"trainer": trainer.state_dict()}

    def write(self, trainer: Trainer) -> None:
        """Write now: all ranks give their state, rank 0 writes; of a sharded model every rank its own."""
        state, rank = self.state(trainer), trainer.communicator.rank
        if rank == 0 or trainer.sharded:
            save_checkpoint(self.folder / checkpoint_name(rank), state)
        if rank == 0:
            write_history(self.folder / "history.csv", trainer.history)
        self._last = trainer.common_seconds


def not_written(folder: Path, error: OSError, advice: str) -> str:
    """A sentence about a run folder that cannot be written."""
    return f"the run could not be written to {folder} ({error.strerror or error}); {advice}"


def checkpoint_name(rank: int) -> str:
    """The file of a rank's checkpoint."""
    return f"checkpoint-rank{rank}.pt" if rank else "checkpoint.pt"


def write_history(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Rows as CSV; cells without a value are empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


class Progress(Callback):
    """A live line: loss, error, radius, rho, evaluations, time left; plain lines where there is no terminal.

    A line that cannot be written, to a closed pipe or a full disk, is the last one; the run goes on.

    Args:
        console: A `rich.console.Console`; by default one on standard error.
        every: Seconds between plain lines.
    """

    def __init__(self, console: Any = None, every: float = 10.0) -> None:
        from rich.console import Console
        from rich.live import Live

        self.console = console or Console(stderr=True)
        self.every = every
        self._broken = False
        self._live: Live | None = (
            Live(console=self.console, refresh_per_second=4) if self.console.is_terminal else None
        )
        self._last = -math.inf

    def on_start(self, trainer: Trainer) -> None:
        """Open the live line; of several ranks the first one has it."""
        if trainer.communicator.rank:
            self.console.quiet = True
        if self._live is not None:
            self._try(self._live.start)

    def on_step(self, trainer: Trainer) -> None:
        """Refresh it."""
        now = time.monotonic()
        if self._live is not None:
            if now - self._last >= 0.25:
                self._write(trainer)
                self._last = now
        elif now - self._last >= self.every:
            self._write(trainer)
            self._last = now

    def on_end(self, trainer: Trainer) -> None:
        """Leave the last state on the screen."""
        self._write(trainer)
        self.close()

    def close(self) -> None:
        """Give the terminal back, also when a run ended by an error."""
        if self._live is not None:
            self._try(self._live.stop)

    def _write(self, trainer: Trainer) -> None:
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
    def line(trainer: Trainer) -> str:
        """One line about a run."""
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


class PartsLog(Callback):
    """What the parts of a SAPTS method have done since the last report, and what became of their sweeps.

    Gains are mean reductions of F_d by one visit, in percent of f; predicted, actual and rho are medians over
    the sweeps.  As long as it is there, the history has a row for every step.

    Args:
        every: Seconds between two reports; 0 for a report after every step.
        say: Takes the lines of a report; by default they go to standard error.
    """

    def __init__(self, every: float = 3.0, say: Callable[[str], object] | None = None) -> None:
        self.every, self.say = every, say or _to_standard_error
        self._steps: list[dict[str, Any]] = []  # what the optimizer said after each
        self._first, self._last = 0, 0.0

    def on_start(self, trainer: Trainer) -> None:
        """From now on."""
        trainer.every = 1
        self._steps, self._first, self._last = [], trainer.iteration, time.monotonic()
        if trainer.method.divides is None and trainer.communicator.rank == 0:
            self.say("This method has no parts to report on; the SAPTS methods have.")

    def on_step(self, trainer: Trainer) -> None:
        """Take note, and report when it is time: after the first step, too."""
        if trainer.method.divides is None or trainer.communicator.rank:
            return
        self._steps.append(trainer.optimizer.info)
        if trainer.iteration == 1 or time.monotonic() - self._last >= self.every:
            self._report(trainer)

    def on_end(self, trainer: Trainer) -> None:
        """Report what has not been."""
        if self._steps:
            self._report(trainer)

    def _report(self, trainer: Trainer) -> None:
        self.say(parts_report(self._steps, self._first + 1, trainer.loss))
        self._steps, self._first, self._last = [], trainer.iteration, time.monotonic()


def parts_report(infos: Sequence[dict[str, Any]], first: int, loss: float) -> str:
    """Lines about some steps of SAPTS in a row.

    Args:
        infos: `SAPTS.info` after each of them.
        first: The number of the first.
        loss: After the last.

    Returns:
        A summary of the sweeps, and a row for every part that was visited.
    """
    sweeps = [info for info in infos if "sweep" in info]
    last = first + len(infos) - 1
    title = f"step {first}" if last == first else f"steps {first}-{last}"
    if not sweeps:
        return f"{title}: f {loss:.3e}, no sweeps, plain steps {len(infos)}"
    chosen = [info["sweep"] for info in sweeps]
    taken, plain = sum(sweep["accepted"] for sweep in chosen), len(infos) - len(sweeps)
    predicted = [sweep["predicted"] / sweep["before"] for sweep in chosen]
    # Where no part has moved, there was nothing to try.
    actual = [sweep["rho"] * p if p > 0 else 0.0 for sweep, p in zip(chosen, predicted, strict=True)]
    median = statistics.median
    lines = [
        f"{title}: f {chosen[0]['before']:.3e} -> {loss:.3e}, sweeps {taken} of {len(sweeps)} taken"
        + (f", plain steps {plain}" if plain else ""),
        f"  predicted {median(predicted):.2%}, actual {median(actual):.2%}, "
        f"rho {median(sweep['rho'] for sweep in chosen):+.2f}, local steps m = {chosen[-1]['local_steps']}",
        "  part  visits     gain   radius  steps taken     work",
    ]
    visits: dict[int, list[tuple[dict[str, float], float]]] = {}
    for info in sweeps:
        for record in info["parts"]:
            visits.setdefault(int(record["number"]), []).append((record, info["sweep"]["before"]))
    for number, seen in sorted(visits.items()):
        gain = statistics.fmean(record["gain"] / before for record, before in seen)
        accepted, steps, work = (sum(r[name] for r, _ in seen) for name in ("accepted", "steps", "work"))
        lines.append(
            f"  {number + 1:4}  {len(seen):6}  {gain:7.2%}  {seen[-1][0]['radius']:.1e}"
            f"  {accepted:4.0f} of {steps:4.0f}  {work:7.1f}"
        )
    return "\n".join(lines)


def _to_standard_error(text: str) -> None:
    try:
        sys.stderr.write(
            f"{text}\n"
        )  # looked up anew: a live line puts its own in place, which keeps it below
    except (OSError, ValueError):  # a closed pipe, a full disk: no reason to end a run
        pass
