"""Functions given by the user, examined for use in an ansatz: smooth, with derivatives by autograd.

What an ansatz contains is differentiated as often as the equation asks.  A function that is smooth but whose
derivatives autograd misses is replaced by a spline; one with a kink or a jump cannot be built in at all, as
the sum of it and a smooth network would keep the kink for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...geometry import Domain, Interval
from .interpolants import interpolant
from .smoothness import Box, Break, breaks, misses_derivatives, rough_places

Function = Callable[[Tensor], Tensor]
END = 1e-6  # relative distance from an end of the box at which a break is one of the end


@dataclass(frozen=True)
class Slice:
    """The part of a domain where a given function matters, by its own coordinates.

    Attributes:
        domain: The domain.
        axes: Positions of the coordinates that vary.
        pinned: Positions and values of those that do not, where it matters.
        inset: Share of the length that is left out at either end.
    """

    domain: Domain
    axes: tuple[int, ...]
    pinned: tuple[tuple[int, float], ...]
    inset: float = 0.0

    def lifted(self, points: Tensor) -> Tensor:
        """Points [N, d] of the slice as points [N, dim] of the domain's box."""
        columns = list(self.domain.bounds.mean(0).to(points).expand(len(points), -1).unbind(1))
        for axis, value in self.pinned:
            columns[axis] = torch.full_like(columns[axis], value)
        for j, axis in enumerate(self.axes):
            columns[axis] = points[:, j]
        return torch.stack(columns, 1)

    def restricted(self, function: Function) -> Function:
        """A function of points of the domain as one of points of the slice."""
        return lambda points: function(self.lifted(points))

    def box(self, orders: Mapping[str, int]) -> Box:
        """The slice as a box, with the highest derivatives that are asked along its axes."""
        names = self.domain.names
        asked = [orders.get(names[axis], 0) or None for axis in self.axes]
        lower, upper = self.domain.bounds[:, list(self.axes)].double().unbind(0)
        lower, upper = lower + self.inset * (upper - lower), upper - self.inset * (upper - lower)
        shapes = [
            ([self.axes.index(names.index(name)) for name in shape.names], shape)
            for shape in self.domain.factors()
            if not isinstance(shape, Interval) and all(names.index(name) in self.axes for name in shape.names)
        ]

        def inside(points: Tensor) -> Tensor:
            keep = torch.ones(len(points), dtype=torch.bool)
            for columns, shape in shapes:
                keep &= shape.inside(points[:, columns])
            return keep

        return Box(lower, upper, asked, inside if shapes else None)

    def where(self, found: Sequence[Break]) -> str:
        """The places of breaks in words, at most three of them, such as `x=0.3, x=0.5`."""
        places: dict[str, None] = {}
        for b in found:
            name = self.domain.names[self.axes[b.axis]]
            places[f"{name}={round(float(b.point[b.axis]), 6):.4g}"] = None
        listed = list(places)
        return ", ".join(listed[:3]) + (" and elsewhere" if len(listed) > 3 else "")


OPAQUE = "PyTorch cannot differentiate it (it leaves torch, as .detach() and .numpy() do)"


def is_opaque(function: Function, part: Slice, orders: Mapping[str, int]) -> bool:
    """Test whether autograd misses derivatives of a function on a slice.

    Args:
        function: Maps points [N, dim] of the domain to values [N].
        part: Where it matters.
        orders: Highest derivative that is asked of it, by coordinate.
    """
    return misses_derivatives(part.restricted(function), part.box(orders))


def spline_of(function: Function, part: Slice, orders: Mapping[str, int]) -> Function | str:
    """Spline in place of a function whose derivatives autograd misses, or the reason why there is none."""
    box, inner = part.box(orders), part.restricted(function)
    spline = interpolant(inner, box.lower, box.upper, [order or 0 for order in box.orders])
    if spline is None:
        found = rough_places(inner, box)
        near = f" (near {part.where(found)})" if found else ""
        return f"{OPAQUE}, and it is not smooth enough{near} to put a spline in its place"
    return lambda points: spline(points[:, list(part.axes)])


def unsmooth(
    function: Function, part: Slice, orders: Mapping[str, int], against: Function | None = None
) -> str:
    """Description in words of jumps and kinks of a function on a slice; empty when it is smooth.

    Args:
        function: Maps points [N, dim] of the domain to values [N]; autograd knows its derivatives.
        part: Where it matters.
        orders: Highest derivative that has to be continuous, by coordinate.
        against: A larger function from which this one is a difference; its size decides what is rounding.
    """
    whole = None if against is None else part.restricted(against)
    found = breaks(part.restricted(function), part.box(orders), whole)
    return _broken(found, part) if found else ""


def _broken(found: Sequence[Break], part: Slice) -> str:
    """Description in words of the jumps of lowest order."""
    lowest = min(found, key=lambda b: b.order)
    same = [b for b in found if (b.order, b.axis) == (lowest.order, lowest.axis)]
    name = part.domain.names[part.axes[lowest.axis]]
    what = {0: "it jumps", 1: f"its slope in {name} jumps"}.get(
        lowest.order, f"its derivative of order {lowest.order} in {name} jumps"
    )
    lower, upper = part.domain.bounds[:, part.axes[lowest.axis]].tolist()
    places = [float(b.point[lowest.axis]) for b in same]
    at_end = min(min(places) - lower, upper - max(places)) < END * (upper - lower)
    if at_end:
        what = what.removesuffix("jumps") + "grows without bound"
    return f"{what} at {part.where(same)}"
