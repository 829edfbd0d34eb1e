"""Protocol of the points that the training loop trains on."""

from __future__ import annotations

from typing import Any, Protocol

from torch.optim.optimizer import StateDict

from ..objectives.base import Counters, Objective
from ..parallel.communicator import Communicator
from ..problems import Sites

Trained = Any  # model that the points are for: of a problem, or a network of samples


class Points(Protocol):
    """Points at which a loss is evaluated: collocation points of a problem, or samples."""

    sites: dict[str, Sites]

    def draw(self) -> object:
        """Draw the first set."""

    def redraw(self, model: Trained) -> object:
        """Draw a new set, which may depend on the model."""

    def balance(self, model: Trained, ranks: Communicator) -> bool:
        """Set the weights of the terms anew, all ranks together; return whether the loss has changed."""

    def objective(self, model: Trained, counters: Counters, threads: int) -> Objective:
        """The loss of a model on the current set."""

    def state_dict(self) -> StateDict:
        """State of the points and of their generator, for a checkpoint."""

    def load_state_dict(self, state: StateDict) -> None:
        """Take over a saved state."""
