"""What the training loop asks of the points it trains on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..objectives.base import Counters, Objective
from ..parallel.communicator import Communicator
from ..problems import Sites


class Points(Protocol):
    """What a loss is made of: collocation points of a problem, or samples."""

    sites: dict[str, Sites]

    def draw(self) -> object:
        """A first set."""

    def redraw(self, model: Any) -> object:
        """A new set."""

    def balance(self, model: Any, ranks: Communicator) -> bool:
        """Weigh the terms of the loss anew, all ranks together; whether that has changed it."""

    def objective(self, model: Any, counters: Counters, threads: int) -> Objective:
        """The loss of a model on the current set."""

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to draw on."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a saved state."""
