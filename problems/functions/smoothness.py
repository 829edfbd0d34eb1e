"""Smoothness of a function, and correctness of its derivatives by autograd, judged by its values.

What is built into an ansatz is differentiated by autograd as often as the equation asks.  That goes wrong in
two ways without any sign of it: autograd takes for zero what it does not see (anything that went through
NumPy), and a kink or a jump has derivatives almost everywhere, which are none of a solution.

Autograd's p-th derivative along a coordinate is compared with central differences of the one before, at steps
from 1e-1 to 1e-5 of the box: at a point where no step agrees it is wrong, since a kink within the smallest
step of a random point is improbable, and a smooth function that is steeper than that is not met.

Jumps of the derivatives of order 0 to m are searched for on lines along the coordinates (through the middle,
along edges, and elsewhere) and around the places where the function branches (`branches.py`).  Segments where
a second difference is large are bisected towards the larger one.  On a smooth function the change over the
segment then vanishes in proportion to its length; that of a jump remains, and that of a root does not vanish
fast enough.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..fields import derivatives
from .branches import break_points

Function = Callable[[Tensor], Tensor]

STEPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)  # of the box
TRIALS = 48  # points at which autograd is compared with differences
ACCURACY = 1e-2  # of differences, relative to the derivative,
NEGLIGIBLE = 1e-4  # and to the largest one
NODES, LINES = 4096, 16  # of one line; of several coordinates, with fewer nodes each
ASIDE = 1e-9  # distance from the faces of the box: only limits matter there
CHUNKS = 16  # pieces of a line, from each of which the worst segment is searched
SEGMENT = 2e-12  # where bisection ends, of the box
JUMP = 1e-6  # a change over such a segment, of the range, that is no jump yet
WINDOW = 1e-5  # half the width of a window that is too narrow to matter, of the box
SHARP = 64  # branching points that are examined


@dataclass(frozen=True)
class Break:
    """A place where a function is not smooth.

    Attributes:
        axis: Along which coordinate.
        order: Order of the derivative that jumps, or grows without bound.
        point: [d].
    """

    axis: int
    order: int
    point: Tensor


@dataclass(frozen=True)
class Box:
    """A box in which a function is examined, with the derivatives that have to be continuous.

    Attributes:
        lower, upper: [d] corners.
        orders: Highest derivative that is needed, by axis; None where nothing is asked along it.
        inside: Which points [N, d] of the box belong, [N], or None for all.
    """

    lower: Tensor
    upper: Tensor
    orders: Sequence[int | None]
    inside: Callable[[Tensor], Tensor] | None = None

    @property
    def extent(self) -> Tensor:
        """[d] lengths."""
        return self.upper - self.lower

    def within(self, points: Tensor) -> Tensor:
        """The nearest points [N, d] of the box, a little away from its faces."""
        margin = ASIDE * self.extent
        return torch.minimum(torch.maximum(points, self.lower + margin), self.upper - margin)

    def keep(self, points: Tensor) -> Tensor:
        """Test points [N, d] for belonging to the box, bool [N]."""
        if self.inside is None:
            return torch.ones(len(points), dtype=torch.bool)
        return self.inside(points)


def misses_derivatives(function: Function, box: Box) -> bool:
    """Test whether a derivative by autograd contradicts the values.

    Args:
        function: Maps points [N, d] to values [N], point by point.
        box: The box, with the orders that matter.
    """
    generator = Generator().manual_seed(17)
    unit = torch.rand(TRIALS, len(box.lower), generator=generator, dtype=torch.float64)
    points = box.lower + box.extent * (0.02 + 0.96 * unit)
    points = points[box.keep(points)]
    if not len(points):
        return False
    for axis, order in enumerate(box.orders):
        try:
            if order and _contradicts(function, points, axis, order, box):
                return True
        except (RuntimeError, NotImplementedError):  # "the derivative for ... is not implemented"
            return True
    return False


def _contradicts(function: Function, points: Tensor, axis: int, order: int, box: Box) -> bool:
    """Test whether a derivative up to an order contradicts the differences of the one of lower order."""
    length = float(box.extent[axis])
    indices = [(axis,) * p for p in range(order + 1)]
    own = [d.double() for d in derivatives(function, points, indices)]
    steps = length * torch.tensor(STEPS, dtype=torch.float64)[:, None]
    moved = points.repeat(2, len(STEPS), 1, 1)
    moved[0, ..., axis] += steps
    moved[1, ..., axis] -= steps
    # A table ends where the domain ends: what is defined by it may not be asked beyond.
    beyond = (moved[0, ..., axis] > box.upper[axis]) | (moved[1, ..., axis] < box.lower[axis])
    moved[:, beyond] = points.expand(len(STEPS), -1, -1)[beyond]
    around = derivatives(function, moved.flatten(0, 2), indices[:-1])
    for p in range(1, order + 1):
        value, slope = own[p - 1], own[p]
        high, low = around[p - 1].double().view(2, len(STEPS), -1)
        noise = 1e-13 * max(_size(value), _size(own[0]) / length ** (p - 1))
        difference = (high - low) / (2 * steps)
        typical = difference.abs().nan_to_num(0, 0, 0).median(1, keepdim=True).values.clamp_min(_size(slope))
        allowed = ACCURACY * slope.abs() + NEGLIGIBLE * typical + noise / steps
        excess = (difference - slope).abs() / allowed.clamp_min(1e-300)
        best = excess.nan_to_num(math.inf).masked_fill(beyond, math.inf).amin(0)
        if bool((best[torch.isfinite(value)] > 1).any()):
            return True
    return False


def _size(values: Tensor) -> float:
    return float(values.abs().nan_to_num(0, 0, 0).max())


def breaks(function: Function, box: Box, against: Function | None = None) -> list[Break]:
    """Places where a derivative that is needed, or the function itself, jumps or grows without bound.

    Args:
        function: Maps points [N, d] to values [N]; autograd knows its derivatives.
        box: Where, and the highest derivative that has to be continuous, by axis.
        against: A function whose range counts as well, where the first is a difference from it.
    """
    generator = Generator().manual_seed(23)
    try:
        flips = break_points(function, box.lower, box.upper, generator)
    except (RuntimeError, ValueError):  # not made to be called there
        flips = box.lower.new_zeros(0, len(box.lower))
    if len(flips) > SHARP:
        flips = flips[torch.randperm(len(flips), generator=generator)[:SHARP]]
    found = []
    for axis, order in enumerate(box.orders):
        if order is not None:
            found += _along(function, box, axis, order, _lines(box, axis, generator), flips, against)
    return found


def _lines(box: Box, axis: int, generator: Generator, even: bool = False) -> Tensor:
    """Points of lines along an axis, [L, n, d]: through corners, the middle, and elsewhere."""
    dim = len(box.lower)
    alone = dim == 1
    unit = torch.rand(1 if alone else LINES, dim, generator=generator, dtype=torch.float64)
    unit[0] = 0.5
    if not alone:
        corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * dim)
        some = min(len(corners), LINES // 2)
        unit[1 : 1 + some] = corners[torch.randperm(len(corners), generator=generator)[:some]]
    nodes = NODES if alone else NODES // 8
    # Not quite even, so that no node hits a special place by accident of decimals.
    jitter = torch.rand(nodes, generator=generator, dtype=torch.float64) - 0.5
    jitter *= 0.0 if even else 0.2
    at = (torch.arange(nodes, dtype=torch.float64) + jitter) / (nodes - 1)
    at[0], at[-1] = 0.0, 1.0
    line = unit[:, None].repeat(1, nodes, 1)
    line[..., axis] = at
    return box.lower + box.extent * line.clamp(ASIDE, 1 - 1.618 * ASIDE)


class _Axis:
    """Derivatives of a function along one axis, and the jumps that a search among them confirms.

    Args:
        function: Maps points [N, d] to values [N].
        box: Where, and the highest derivative that has to be continuous, by axis.
        axis: The axis.
        order: Its highest derivative.
    """

    def __init__(self, function: Function, box: Box, axis: int, order: int) -> None:
        self.function, self.box, self.axis, self.order = function, box, axis, order
        self.dim, self.length = len(box.lower), float(box.extent[axis])
        self.indices = [(axis,) * p for p in range(order + 1)]
        direction = torch.nn.functional.one_hot(torch.tensor(axis), self.dim)
        self.near = 1e-6 * direction * box.extent
        rounding = 64 * 2.3e-16 * float(torch.maximum(box.lower.abs(), box.upper.abs())[axis])
        self.end = max(SEGMENT * self.length, rounding)  # of a segment that is not divided any more

    def evaluate(self, points: Tensor) -> Tensor:
        """The derivatives of all orders at points [..., d]: [order + 1, ...]."""
        found = derivatives(self.function, points.reshape(-1, self.dim), self.indices)
        return torch.stack(found).double().reshape(-1, *points.shape[:-1])

    def segments(
        self, values: Tensor, inside: Tensor, lines: Tensor, flips: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Segments to search: rough ones of the lines, and one around every branching point.

        Returns:
            Left and right ends [K, d], and the order [K].
        """
        left, right, which = _suspects(values, inside, lines)
        for p in range(self.order + 1):
            left = torch.cat([left, self.box.within(flips - self.near)])
            right = torch.cat([right, self.box.within(flips + self.near)])
            which = torch.cat([which, torch.full((len(flips),), p)])
        ok = self.box.keep(left) & self.box.keep(right)
        return left[ok], right[ok], which[ok]

    def confirmed(
        self, segments: tuple[Tensor, Tensor, Tensor], places: Tensor, limit: Tensor, wild: Tensor
    ) -> list[Break]:
        """The jumps among segments at whose end the derivative has changed or is not finite.

        Args:
            segments: Left and right ends [K, d], and the order [K].
            places: [K, d], their middles.
            limit: [K], the largest change that is no jump.
            wild: [K], whether a value is not finite.
        """
        left, right, kind = segments
        beside = (WINDOW / 1e-6) * self.near
        offsets = [left - 2 * beside, left - beside, right + beside, right + 2 * beside]
        sides = torch.stack([self.box.within(place) for place in offsets], 1)
        # What a slope on either side makes of the distance is no jump.
        far, a, b, beyond = self.evaluate(sides)[kind, torch.arange(len(kind))].unbind(1)
        jump = (b - a) - (a - far) - (beyond - b)
        real = ~(jump.abs() <= 30.0**kind * limit) | wild
        return [Break(self.axis, int(q), place) for q, place in zip(kind[real], places[real], strict=True)]


def _along(
    function: Function,
    box: Box,
    axis: int,
    order: int,
    lines: Tensor,
    flips: Tensor,
    against: Function | None,
) -> list[Break]:
    along = _Axis(function, box, axis, order)
    count, nodes, dim = lines.shape
    values = along.evaluate(lines)
    inside = box.keep(lines.reshape(-1, dim)).reshape(count, nodes)
    if not inside.any():
        return []
    bad = [(p, lines[inside & ~torch.isfinite(values[p])]) for p in range(order + 1)]
    if any(len(points) for _, points in bad):
        return [Break(axis, p, points[0]) for p, points in bad if len(points)]
    found: list[Break] = []
    left, right, which = along.segments(values, inside, lines, flips)
    limits = _limits(values[:, inside], along.length)
    if against is not None:
        other = torch.stack(derivatives(against, lines[inside], along.indices)).double()
        limits = torch.maximum(limits, _limits(other, along.length).nan_to_num(0, 0, 0))
    weights = torch.linspace(0, 1, 5, dtype=torch.float64)[:, None]
    while len(left):
        quarters = left[:, None] + weights * (right - left)[:, None]
        v = along.evaluate(quarters)[which, torch.arange(len(which))]
        bent = (v[:, :-2] - 2 * v[:, 1:-1] + v[:, 2:]).abs()
        limit = limits[which]
        done, wild = (right - left)[:, axis] <= along.end, ~torch.isfinite(v).all(1)
        hit = wild | (done & ((v[:, 4] - v[:, 0]).abs() > limit))
        if hit.any():  # a window too narrow for any point does no harm
            segments = left[hit], right[hit], which[hit]
            found += along.confirmed(segments, quarters[hit, 2], limit[hit], wild[hit])
        go = ~done & ~wild & (bent.amax(1) > 0.5 * limit)
        rows, choice = torch.arange(int(go.sum())), bent[go].argmax(1)  # the half that is bent most
        left, right, which = quarters[go][rows, choice], quarters[go][rows, choice + 2], which[go]
    return found


def _limits(values: Tensor, length: float) -> Tensor:
    """Largest change that is no jump, for each order, from the derivatives [orders, N] on all lines.

    It is relative to the range; below some 1e-11 of its size, or 1e-9 of the function's, it is rounding.
    """
    spread, size = values.amax(1) - values.amin(1), values.abs().amax(1)
    units = length ** torch.arange(len(values), dtype=torch.float64)
    general = (1e-3 * JUMP * spread[0] + 1e-9 * size[0]) / units
    general[0] = 0.0
    return JUMP * spread + 1e-11 * size + general


def _suspects(values: Tensor, inside: Tensor, lines: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The segments with the largest fourth difference in each piece of each line, for each order.

    Returns:
        Left and right ends [K, d], and the order [K].
    """
    orders, _, nodes = values.shape
    size = torch.where(inside, values, math.nan)
    rough = size[..., 4:] - 4 * size[..., 3:-1] + 6 * size[..., 2:-2] - 4 * size[..., 1:-3] + size[..., :-4]
    rough = rough.abs().nan_to_num(-1.0)  # [orders, L, nodes - 4]: of nodes i .. i + 4
    pieces = rough.tensor_split(CHUNKS, -1)
    starts = [0, *itertools.accumulate(piece.shape[-1] for piece in pieces)]
    worst = [piece.max(-1) for piece in pieces]  # value and place, [orders, L] each
    at = torch.stack([place + start for (_, place), start in zip(worst, starts, strict=False)])
    rows = (torch.stack([value for value, _ in worst]) > 0).nonzero()  # of piece, order and line
    first = at[tuple(rows.unbind(1))]
    left, right = [lines[rows[:, 2], first]], [lines[rows[:, 2], first + 4]]
    which = [rows[:, 1]]
    # The ends of the lines, towards which a function may grow steeper without bound.
    for p in range(orders):
        for i, j in ((0, 1), (nodes - 2, nodes - 1)):
            ok = inside[:, i] & inside[:, j]
            left.append(lines[ok, i])
            right.append(lines[ok, j])
            which.append(torch.full((int(ok.sum()),), p))
    return torch.cat(left), torch.cat(right), torch.cat(which)


def rough_places(function: Function, box: Box) -> list[Break]:
    """Jumps and kinks by values alone, for a function whose derivatives are not known, to a node of a line.

    Halving the step divides the second difference by four where a function is smooth, and by two at a kink.
    """
    generator = Generator().manual_seed(29)
    found = []
    for axis, order in enumerate(box.orders):
        if order is None:
            continue
        lines = _lines(box, axis, generator, even=True)
        count, nodes, dim = lines.shape
        with torch.no_grad():
            values = function(lines.reshape(-1, dim)).double().reshape(count, nodes)
        fine = (values[:, 1:-3] - 2 * values[:, 2:-2] + values[:, 3:-1]).abs()
        coarse = (values[:, :-4] - 2 * values[:, 2:-2] + values[:, 4:]).abs()
        spread = values.amax() - values.amin()
        kinked = (fine > 0.3 * coarse) & (fine > 1e-3 * spread / nodes)
        found += [Break(axis, 1, lines[i, j + 2]) for i, j in kinked.nonzero().tolist()]
    return found
