"""Stop when the loss no longer falls."""

from __future__ import annotations

import math

from .base import Callback, RunView


class EarlyStop(Callback):
    """Stops when the loss has not fallen by a factor for some steps.

    Args:
        patience: Steps to wait.
        factor: The loss must fall below factor times the best so far.
    """

    def __init__(self, patience: int = 2000, factor: float = 0.99) -> None:
        self.patience, self.factor = patience, factor
        self._best, self._since = math.inf, 0

    def on_step(self, trainer: RunView) -> None:
        """Count the steps without improvement."""
        if trainer.loss < self.factor * self._best:
            self._best, self._since = trainer.loss, 0
        else:
            self._since += 1
            if self._since >= self.patience:
                trainer.stop(f"the loss has not improved for {self.patience} steps")
