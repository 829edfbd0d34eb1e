"""Folder, resumption, identity and result of a run, of `solve` and `train` alike."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from ..callbacks.base import Callback, ResultView, RunView
from ..callbacks.checkpoints import CheckpointWriter, not_written
from ..errors import InputError
from ..parallel.agreement import check_same, code_fingerprint
from ..parallel.communicator import Communicator
from ..runs.checkpoint import checkpoint_name, save_checkpoint
from ..runs.content import Checkpoint, Config, Result
from ..runs.files import write_json
from ..runs.folder import check_folder, prepare_folder, run_path, write_config
from ..runs.resuming import load_state
from .interrupts import Aborted
from .resharding import joined
from .trainer import Trainer

Found = TypeVar("Found", bound=ResultView)


@dataclass(frozen=True)
class Earlier:
    """The earlier session of a run.

    Attributes:
        path: Its checkpoint.
        state: The content.
    """

    path: Path
    state: Checkpoint


class Session:
    """Session of a run: the folder it writes, and the earlier session that it continues.

    Args:
        out: Run folder to write; None for that of the run to continue, if there is one.
        resume: Run folder, or checkpoint, to continue; None for a new run.
        overwrite: Whether the folder may hold an earlier run, which is replaced.
        ranks: The ranks; rank 0 writes the folder.
        sharded: Whether every rank has a checkpoint of its own part of the model.

    Attributes:
        folder: The run folder, or None.
        earlier: The session that is continued, or None.
        opened: Whether the folder is ready for the files of this run.

    Raises:
        InputError: There is nothing to continue.
    """

    def __init__(
        self,
        out: str | Path | None,
        resume: str | Path | None,
        overwrite: bool,
        ranks: Communicator,
        sharded: bool,
    ) -> None:
        self.ranks, self.sharded = ranks, sharded
        self.folder = None if out is None else run_path(out)
        self.earlier: Earlier | None = None
        self.opened = False
        self._overwrite, self._goes_on = overwrite, False
        if resume is None:
            return
        path, state = load_state(resume)
        if sharded and state["world_size"] != ranks.size:
            former = range(1, state["world_size"])
            state = joined([state, *(load_state(resume, rank)[1] for rank in former)], path)
        elif sharded and ranks.rank:
            path, state = load_state(resume, ranks.rank)
        self.earlier = Earlier(path, state)
        self.folder = self.folder or path.parent
        self._goes_on = self.folder.resolve() == path.parent.resolve()
        self._overwrite = overwrite or self._goes_on

    @property
    def writes(self) -> bool:
        """Return whether this rank writes a run folder."""
        return self.folder is not None and self.ranks.rank == 0

    def check_folder(self) -> None:
        """Make sure that the run may be written, before anything is made or computed.

        Raises:
            InputError: It may not.
        """
        if self.folder is not None and self.writes:
            check_folder(self.folder, self._overwrite)

    def check_alike(self, config: Mapping[str, object], own: Collection[str]) -> None:
        """Make sure that all ranks run the same code with the same settings.

        Args:
            config: The configuration.
            own: Its entries that may differ between ranks.
        """
        if self.ranks.size > 1:  # of one rank there is nothing to compare
            alike = {name: value for name, value in config.items() if name not in own}
            check_same(self.ranks, code=code_fingerprint(), settings=str(alike))

    def restore(self, trainer: Trainer, redraw: bool = False) -> None:
        """Let a trainer go on from the checkpoint, if there is one.

        Args:
            trainer: The run.
            redraw: Whether it begins with points drawn anew.

        Raises:
            InputError: The budget is spent already.
        """
        if self.earlier is None:
            return
        saved, limits = self.earlier.state["trainer"], trainer.budget
        trainer.load_state_dict(saved, redraw)
        if limits.used(trainer.seconds, trainer.iteration, saved["counters"][1]) >= 1:
            raise InputError(
                f"the budget {limits} is already spent by the run in {self.earlier.path}; "
                "give a larger one to go on"
            )

    def open(self, config: Config) -> None:
        """Prepare the folder and write config.json, once; a wrong setting found before leaves no trace."""
        if self.folder is not None and self.writes and not self.opened:
            prepare_folder(self.folder, self._overwrite, keep=self._goes_on)
            shards = self.ranks.size if self.sharded else 1
            files = ["history.csv", "result.json", *(checkpoint_name(rank) for rank in range(shards))]
            write_config(self.folder, config, files)
        self.opened = True

    def writers(self, config: Config, header: Checkpoint) -> list[StateWriter]:
        """The callback that writes checkpoints; none without a folder.

        Args:
            config: The configuration.
            header: Entries of the checkpoint by which a later session knows the run.
        """
        return [] if self.folder is None else [StateWriter(self, self.folder, config, header)]

    def write_result(self, result: Result) -> None:
        """Write result.json; a disk that is full by now takes nothing away from what is in memory."""
        if self.folder is None or not self.writes:
            return
        try:
            write_json(self.folder / "result.json", result)
        except OSError as error:
            said = not_written(self.folder, error, "save the solution elsewhere")
            warnings.warn(said, UserWarning, stacklevel=3)

    def write_whole(self, header: Checkpoint, model: Mapping[str, Tensor]) -> None:
        """Write model.pt where the checkpoint has the part of rank 0 only.

        Args:
            header: Its other entries.
            model: State of the whole model.
        """
        if self.folder is not None and self.writes and self.sharded and self.ranks.size > 1:
            save_checkpoint(self.folder / "model.pt", {**header, "model": model})

    def failed(self, trainer: Trainer, result: Callable[[], Result], how: str) -> Exception:
        """Record what a callback or the user's functions raised in a run, and where the state is.

        Args:
            trainer: The run.
            result: Makes the content of result.json.
            how: How to go on with the run, with {} in the place of the folder.

        Returns:
            The exception to raise, with a note.
        """
        assert trainer.failure is not None
        if self.folder is None or not self.writes or not self.opened:
            return trainer.failure
        if self.ranks.size == 1:
            self.write_result(result())
        if (self.folder / "checkpoint.pt").is_file():
            way = how.format(repr(str(self.folder)))
            trainer.failure.add_note(f"the run up to step {trainer.iteration} is in {self.folder}; {way}")
        return trainer.failure


def told_to(callbacks: Iterable[Callback], result: Found) -> Found:
    """Tell callbacks of the result of a run, which is not lost for what goes wrong with one of them.

    Returns:
        The result.
    """
    for callback in callbacks:
        try:
            callback.on_result(result)
        except Aborted:
            raise
        except (Exception, KeyboardInterrupt) as error:
            said = f"{type(error).__name__}: {error}".rstrip(": ")
            who = type(callback).__name__
            warnings.warn(f"{who} could not take the result of the run ({said})", UserWarning, stacklevel=3)
    return result


class StateWriter(CheckpointWriter):
    """Writes checkpoints that know which run they belong to.

    Args:
        session: Opens the folder after the first step, unless that is done.
        folder: The run folder.
        config: The configuration.
        header: Entries of the checkpoint by which a later session knows the run.
    """

    def __init__(self, session: Session, folder: Path, config: Config, header: Checkpoint) -> None:
        super().__init__(folder)
        self.session, self.config, self.header = session, config, header

    def on_step(self, trainer: RunView) -> None:
        """Open the folder, and write when it is time."""
        self.session.open(self.config)
        super().on_step(trainer)

    def on_end(self, trainer: RunView) -> None:
        """Write the final state; a run that failed before its first step leaves no folder."""
        if trainer.failure is not None and not self.session.opened:
            return
        self.session.open(self.config)
        super().on_end(trainer)

    def state(self, trainer: RunView) -> Checkpoint:
        """Content of a checkpoint."""
        size = trainer.communicator.size
        return {**self.header, "world_size": size, "trainer": trainer.state_dict()}
