"""Types of what a solution is asked and of what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from numpy.typing import ArrayLike
from torch import Tensor

Coordinates = Mapping[str, ArrayLike | Tensor]  # by name: arrays, tensors or numbers that broadcast
Points = Coordinates | ArrayLike | Tensor  # or [..., dim], the coordinates in the last axis
# An array of the broadcast shape, a tensor if a coordinate is one; for a system a dict of them by unknown.  A
# union of these would make every user tell them apart who knows the problem.
Answer = Any


class Solved(Protocol):
    """A solution as quantities ask it; `Solution` is one."""

    def predict(self, points: Coordinates, extrapolate: bool = False) -> Answer:
        """The unknowns at points."""

    def derivative(self, points: Coordinates, which: str, extrapolate: bool = False) -> Answer:
        """A derivative of the unknowns at points."""

    def evaluate(
        self, function: Callable[..., object], points: Coordinates, extrapolate: bool = False
    ) -> Answer:
        """An expression of the unknowns and their derivatives at points."""
