"""Recording of the arguments of DeepXDE's loss functions as the loss is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import Tensor

from ..objectives.base import Counters
from .propagation import Propagation
from .untyped import Arrays, Model
from .views import View

Loss = Callable[[Tensor, Tensor], Tensor]
Call = tuple[Tensor, Tensor, Tensor]  # of a loss function: its value, and its two arguments
Look = tuple[list[Call], list[Tensor], Tensor]  # what was recorded, the terms, and f
Network = Callable[[Arrays], Tensor]


class SumOfSquares(Protocol):
    """Protocol of an objective whose loss functions can be recorded, from which the Jacobian is computed."""

    model: Model
    parameters: list[Tensor]
    counters: Counters
    last_terms: dict[str, float]
    rowwise: bool | None
    share: float
    l2: float
    view: View

    @property
    def propagation(self) -> Propagation | None:
        """Propagation of the network's derivatives, or None."""

    @property
    def term_names(self) -> tuple[str, ...]:
        """Names of the terms of the loss."""

    def look(self, record: bool = True, network: Network | None = None) -> Look:
        """Compute the terms, and record the calls of the loss functions."""

    def residual(self, calls: Sequence[Call], value: Tensor) -> Tensor:
        """The residual vector [N]."""

    def scales(self, calls: Sequence[Call], value: Tensor) -> list[float]:
        """Factors of the errors in the residual vector, one a call."""


class Products(Protocol):
    """Products with the Jacobian at the parameters that are set."""

    def jvp(self, v: Tensor) -> Tensor:
        """J v."""

    def linearised(self) -> tuple[Tensor, Tensor, Tensor]:
        """The residual vector and what its reverse pass needs."""


class _Recorder:
    """A loss function that takes down what it is called with."""

    def __init__(self, loss: Loss, calls: list[Call]) -> None:
        self.loss, self.calls = loss, calls

    def __call__(self, wanted: Tensor, found: Tensor) -> Tensor:
        value = self.loss(wanted, found)
        self.calls.append((value, wanted, found))
        return value
