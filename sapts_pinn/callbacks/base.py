"""What happens beside the training: history, checkpoints, progress, early stop.

A callback sees the `Trainer` after every step.  It may read anything and may ask the run to stop, by
`trainer.stop("why, in words")`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..training.trainer import Trainer


class Callback:
    """Does nothing; override what you need."""

    def on_start(self, trainer: Trainer) -> None:
        """Before the first step."""

    def on_step(self, trainer: Trainer) -> None:
        """After every step."""

    def on_end(self, trainer: Trainer) -> None:
        """After the last step, whatever ended the run."""
