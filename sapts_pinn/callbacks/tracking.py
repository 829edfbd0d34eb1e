"""Trackers: callbacks that hand the figures of a run to a programme that collects and draws them.

What is handed over are the rows of the history as they are made: every step of the first hundred, later one
in ten.  At the end follow the summary and the pictures.  Of several ranks the first one tracks.
"""

from __future__ import annotations

import re
import tempfile
import time
import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from ..errors import InputError
from ..runs.content import Result, Row
from ..runs.history import ESTIMATE
from .base import Callback, ResultView, RunView

NAMES = (  # pattern of a column of the history, and the name of its figure
    (r"loss", "loss"),
    (r"loss_(.+)", r"terms/\1"),
    (r"weight_(.+)", r"weights/\1"),
    (r"(part\d+)_(.+)", r"\1/\2"),
    (r"(sweeps|sweeps?_.+|plain_.+|local_steps)", r"sweeps/\1"),
    (r"(radius|rho|accepted)", r"step/\1"),
    (r"(seconds|.+_evaluations)", r"work/\1"),
    (r"(.+)", r"error/\1"),
)


class Tracker(Callback):
    """Hands figures, summary and pictures of a run on; a subclass says to whom.

    A callback that sees several runs, such as those of windows in time, tracks each by itself.  What cannot
    be written is told once, and the run goes on without.
    """

    wants_error = True

    def __init__(self) -> None:
        self._runs = 0  # that it has seen
        self._open = False
        self._first = 1  # step whose row is wanted first
        self._iteration, self._known = 0, frozenset[str]()  # of the row handed over last, with its figures

    # -- for whom --------------------------------------------------------------------------------------------

    @abstractmethod
    def open(self, number: int, iteration: int) -> int:
        """Begin with a run.

        Args:
            number: 1 for the first run that this object sees, 2 for the next one.
            iteration: Steps that the run has taken in earlier sessions.

        Returns:
            The step after which rows of the history are wanted: `iteration` where the earlier ones are
            there, 0 for all.
        """

    @abstractmethod
    def add(self, iteration: int, figures: Mapping[str, float]) -> None:
        """Take figures of a step, by name."""

    @abstractmethod
    def conclude(self, result: ResultView, figures: Mapping[str, float], pictures: list[Path]) -> None:
        """Take the result of a run.

        Args:
            result: The result; as a string it is the summary.
            figures: Numbers of result.json.
            pictures: Files that are deleted afterwards.
        """

    @abstractmethod
    def close(self, failed: bool) -> None:
        """End the run that was begun."""

    # -- the run ---------------------------------------------------------------------------------------------

    def on_start(self, trainer: RunView) -> None:
        """Begin with a run; the time for that is not training."""
        if trainer.communicator.rank:
            return
        begin = time.monotonic()
        self._runs += 1
        self._first = self.open(self._runs, trainer.iteration) + 1
        self._iteration, self._known = 0, frozenset()
        self._open = True
        self._try(lambda: self._add_rows(trainer))
        trainer.discount(time.monotonic() - begin)

    def on_step(self, trainer: RunView) -> None:
        """Hand the new rows of the history over."""
        self._try(lambda: self._add_rows(trainer))

    def on_end(self, trainer: RunView) -> None:
        """Hand the last row over, and of a run that has failed nothing else."""
        self._try(lambda: self._add_rows(trainer))
        if trainer.failure is not None:
            self._end(failed=True)

    def on_result(self, result: ResultView) -> None:
        """Hand summary and pictures over."""
        if self._open:
            self._try(lambda: self._conclude(result))
            self._end(failed=False)

    def _conclude(self, result: ResultView) -> None:
        estimate = result.result.get("error_estimate")
        if estimate and estimate["reliable"] and estimate["relative"] is not None:
            self.add(self._iteration, {_name(ESTIMATE): estimate["relative"]})
        with tempfile.TemporaryDirectory() as folder:
            self.conclude(result, numbers(result.result), result.draw_into(Path(folder)))

    def _add_rows(self, trainer: RunView) -> None:
        rows = []
        for row in reversed(trainer.history):
            if int(row["iteration"] or 0) < max(self._first, self._iteration):
                break
            rows.append(row)
        for row in reversed(rows):
            iteration = int(row["iteration"] or 0)
            # The last row is made again when the run ends, with its error.
            known = self._known if iteration == self._iteration else frozenset[str]()
            new = {name: value for name, value in figures(row).items() if name not in known}
            if new:
                self.add(iteration, new)
            self._iteration, self._known = iteration, known | new.keys()

    def _end(self, failed: bool) -> None:
        if self._open:
            self._try(lambda: self.close(failed))
        self._open = False

    def _try(self, write: Callable[[], None]) -> None:
        if not self._open:
            return
        try:
            write()
        except OSError as error:
            self._open = False
            said = f"{type(self).__name__} tracks no more: {error.strerror or error}; the run goes on"
            warnings.warn(said, UserWarning, stacklevel=4)


def figures(row: Row) -> dict[str, float]:
    """Known figures in a row of the history by `group/name`; the loss is just `loss`."""
    return {
        _name(column): value for column, value in row.items() if value is not None and column != "iteration"
    }


def _name(column: str) -> str:
    return next(found.expand(name) for pattern, name in NAMES if (found := re.fullmatch(pattern, column)))


def numbers(result: Result) -> dict[str, float]:
    """Numbers of result.json by name, those of its dictionaries as `name/key`."""
    found: dict[str, float] = {}
    for name, value in result.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        for key, one in inner:
            if isinstance(one, (int, float)) and not isinstance(one, bool):
                found[f"{name}/{key}" if key else name] = one
    return found


def check_installed(package: str, what: str) -> None:
    """Make sure that an optional package is there.

    Raises:
        InputError: It is not.
    """
    if find_spec(package) is None:
        raise InputError(f"{what} needs the package {package}: pip install 'sapts-pinn[track]'")
