"""Write checkpoints and the history while a run goes on."""

from __future__ import annotations

import warnings
from pathlib import Path

from ..runs.checkpoint import checkpoint_name, save_checkpoint
from ..runs.content import Checkpoint
from ..runs.history import write_history
from .base import Callback, RunView


class CheckpointWriter(Callback):
    """Writes `checkpoint.pt` and `history.csv` into a folder, every `every` seconds and at the end.

    Args:
        folder: The run folder.
        every: Seconds between two checkpoints.
    """

    def __init__(self, folder: Path, every: float = 30.0) -> None:
        self.folder, self.every = folder, every
        self._last = 0.0

    def on_start(self, trainer: RunView) -> None:
        """Count the seconds from now on."""
        self._last = trainer.common_seconds

    def on_step(self, trainer: RunView) -> None:
        """Write when it is time."""
        if trainer.common_seconds - self._last >= self.every:
            self._try(trainer, "the run goes on, and tries again later")

    def on_end(self, trainer: RunView) -> None:
        """Write the final state."""
        self._try(trainer, "save the solution elsewhere")

    def _try(self, trainer: RunView, advice: str) -> None:
        """Write; a full disk ends no run, and may have room later."""
        try:
            self.write(trainer)
        except OSError as error:
            self._last = trainer.common_seconds
            warnings.warn(not_written(self.folder, error, advice), UserWarning, stacklevel=3)

    def state(self, trainer: RunView) -> Checkpoint:
        """Content of a checkpoint."""
        return {"trainer": trainer.state_dict()}

    def write(self, trainer: RunView) -> None:
        """Write now: all ranks give their state, rank 0 writes; of a sharded model every rank its own."""
        state, rank = self.state(trainer), trainer.communicator.rank
        if rank == 0 or trainer.sharded:
            save_checkpoint(self.folder / checkpoint_name(rank), state)
        if rank == 0:
            write_history(self.folder / "history.csv", trainer.history)
        self._last = trainer.common_seconds


def not_written(folder: Path, error: OSError, advice: str) -> str:
    """Sentence about a run folder that cannot be written."""
    return f"the run could not be written to {folder} ({error.strerror or error}); {advice}"
