"""Values that conditions prescribe, as functions of points, less the known parts of the unknowns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..conditions.base import Condition, time_names, value_at
from ..fields import slope
from .ansatz import Function

if TYPE_CHECKING:
    from ..description import Description

VALUE, RATE = 0, 1  # positions in `Prescribed.both`
NUDGE = 1e-9  # so far from a corner, in half lengths, a part that jumps there is evaluated


class PrescribedData:
    """Prescribed values and rates of one problem.

    Args:
        problem: The problem; its particular and singular parts are known parts of its unknowns.

    Attributes:
        known_parts: Functions [N, dim] -> [N] by unknown: an unknown is its known part and what is missing.
        replaced: Splines in place of data, by the identity of the condition and VALUE or RATE.
    """

    def __init__(self, problem: Description) -> None:
        self.domain, self.known = problem.domain, problem.initial_coefficients
        self.particular, self.materials = problem.particular, problem.materials
        self.smooth = bool(problem.sources)  # whose parts are smooth on all faces
        self.known_parts: dict[str, Function] = {name: self._as_given(name) for name in self.particular}
        if problem.singular:
            name = problem.unknown_names[0]
            given = [self.known_parts[name]] if name in self.known_parts else []
            self.known_parts[name] = _sum([*given, *(part.function for part in problem.singular)])
        self.replaced: dict[tuple[int, int], Function] = {}

    def _as_given(self, name: str) -> Function:
        what = f"the particular part of {name}"
        return lambda points: value_at(self.particular[name], points, self.domain.names, what)

    def is_fixed(self, condition: Condition) -> bool:
        """Test whether the values are known and smooth: the ansatz follows no coefficient or material."""
        return not any(name in self.known or name in self.materials for name in condition.asks_for())

    def of(
        self, condition: Condition, which: int = VALUE, axis: int | None = None, known_part: bool = True
    ) -> Function:
        """Data that a condition prescribes, [N, dim] -> [N].

        Args:
            condition: Prescribes them.
            which: VALUE or RATE.
            axis: Position of the coordinate whose face they are for.
            known_part: Whether the known part of the unknown is subtracted.
        """
        what = f"the value of {condition.describe(self.domain)}"
        prescribed = condition.prescribed()
        assert prescribed is not None
        value = prescribed.both[which]
        assert value is not None

        def as_written(points: Tensor) -> Tensor:
            return value_at(value, points, self.domain.names, what, self.known)

        given = self.replaced.get((id(condition), which), as_written)
        if not known_part or prescribed.unknown not in self.known_parts:
            return given
        part = self.part(prescribed.unknown, axis)
        if which == RATE:
            return lambda points: given(points) - self.rate(part)(points)
        return lambda points: given(points) - part(points)

    def part(self, name: str, axis: int | None = None) -> Function:
        """The known part of an unknown; on a face across `axis`, in the corners its limit along the face."""
        whole, middle = self.known_parts[name], self.domain.bounds.mean(0)
        shrink = torch.full_like(middle, 0.0 if axis is None or self.smooth else NUDGE)
        if axis is not None:
            shrink[axis] = 0.0

        def function(points: Tensor) -> Tensor:
            return whole(points + shrink.to(points) * (middle.to(points) - points))

        return function

    def rate(self, function: Function) -> Function:
        """The derivative in time."""
        axis = self.domain.names.index(time_names(self.domain)[0])
        return lambda points: slope(function, points, axis)


def _sum(parts: list[Function]) -> Function:
    return lambda points: torch.stack([part(points) for part in parts]).sum(0)
