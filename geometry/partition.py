"""Cutting points into parts, and letting the parts overlap: what a decomposition of the data works on.

Recursive bisection (Berger & Bokhari, IEEE Trans. Comput. 36, 1987) serves three of the partitions.  C cells
in a row are halved again and again, and at every cut the points of a group are put in order along its widest
coordinate, so that each half of the cells receives its count.  With as many cells as parts the cells *are*
the parts (`bisection`, and `slabs` when the coordinate is fixed).  With cells of as many points as there are
parts, dealing each cell's points to the parts at random makes every part a thinned copy of the whole
(`interleaved`): stratified sampling, so means over the parts differ far less than those of `shuffled`.

A level of the bisection is one sort of all points by (group, rank along the group's axis).  Ranks are unique,
ties being broken by position, so equal points are no special case and sizes of parts differ by at most one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..errors import InputError

_Levels = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Cuts:
    """The cuts of a bisection, which give every point of space to a part.

    Attributes:
        parts: Number of parts.
        levels: For each level the axis and the position at which its 2^level groups are cut, both [2^level].
    """

    parts: int
    levels: _Levels

    def assign(self, points: Tensor) -> list[Tensor]:
        """The indices of the points [N, dim] in each part's region, ascending; a region may hold none.

        A point on a cut goes to the lower side, so points that were cut through at equal coordinates can
        be assigned to another part than `cut` gave them.
        """
        group = torch.zeros(len(points), dtype=torch.long, device=points.device)
        for axis, position in self.levels:
            above = points.gather(1, axis[group, None])[:, 0] > position[group]
            group = 2 * group + above
        # Cell c is in group floor(((c + 1) 2^L - 1) / P) of the last level L; the inverse of this is
        return _by_part((group * self.parts) >> len(self.levels), self.parts)


def cut(points: Tensor, parts: int, axis: int | None = None) -> tuple[list[Tensor], Cuts]:
    """Cut points into regions of equal counts, and return the cuts as well.

    Args:
        points: [N, dim].
        parts: Number of parts P, at most N.
        axis: Cut along this coordinate only; None cuts each group along its widest one, in units of the
            bounding box of all points.

    Returns:
        Indices of each part's points, ascending, and the cuts.  Sizes differ by at most one.

    Raises:
        InputError: There are more parts than points, less than one part, or no such coordinate.
    """
    _check(points, parts)
    n, dim = points.shape
    if axis is not None and not 0 <= axis < dim:
        raise InputError(f"axis must lie in 0 ... {dim - 1} for points in {dim} dimensions, not {axis}")
    cell = torch.arange(n, device=points.device) * parts // n
    order, levels = _bisect(points, cell, axis)
    return _by_part(torch.empty_like(cell).index_copy_(0, order, cell), parts), Cuts(parts, levels)


def slabs(points: Tensor, parts: int, axis: int) -> list[Tensor]:
    """Slabs of equal counts along one coordinate: in space, or in time.

    Args:
        points: [N, dim].
        parts: Number of parts, at most N.
        axis: The coordinate.

    Returns:
        Indices of each part's points, ascending; the slabs themselves ascend along the axis.

    Raises:
        InputError: For the reasons given in `cut`.
    """
    return cut(points, parts, axis)[0]


def bisection(points: Tensor, parts: int) -> list[Tensor]:
    """Boxes of equal counts by recursive bisection, always along the widest coordinate.

    Args:
        points: [N, dim].
        parts: Number of parts, at most N; any number, not only powers of two.

    Returns:
        Indices of each part's points, ascending.

    Raises:
        InputError: For the reasons given in `cut`.
    """
    return cut(points, parts)[0]


def shuffled(points: Tensor, parts: int, generator: Generator) -> list[Tensor]:
    """Parts drawn at random.

    Args:
        points: [N, dim]; only their number matters.
        parts: Number of parts, at most N.
        generator: Source of all randomness.

    Returns:
        Indices of each part's points, ascending.  Sizes differ by at most one.

    Raises:
        InputError: There are more parts than points, or less than one part.
    """
    _check(points, parts)
    place = torch.randperm(len(points), generator=generator, device=generator.device).to(points.device)
    return _by_part(place * parts // len(points), parts)


def interleaved(points: Tensor, parts: int, generator: Generator) -> list[Tensor]:
    """Parts that are thinned copies of the whole: of `parts` neighbouring points each part gets one.

    Args:
        points: [N, dim].
        parts: Number of parts, at most N.
        generator: Source of all randomness: who gets which of the neighbours.

    Returns:
        Indices of each part's points, ascending.  Sizes differ by at most one.

    Raises:
        InputError: There are more parts than points, or less than one part.
    """
    _check(points, parts)
    n, device = len(points), points.device
    order, _ = _bisect(points, torch.arange(n, device=device) // parts)
    draw = torch.rand(
        -(-n // parts), parts, generator=generator, device=generator.device, dtype=torch.float32
    )
    deal = draw.argsort(1).reshape(-1)[:n].to(device)  # a permutation of the parts for every cell
    return _by_part(torch.empty_like(deal).index_copy_(0, order, deal), parts)


def overlapping_nearby(parts: Sequence[Tensor], points: Tensor, share: float) -> list[Tensor]:
    """Enlarge each part by the points next to it, for parts that are regions.

    Args:
        parts: Indices of each part's points; together all points.
        points: [N, dim].
        share: By how much, relative to the part's size, in [0, 1); rounded to whole points.

    Returns:
        For each part its own indices, then those of the nearest other points.  Distance is to the part's
        nearest point, in units of the bounding box of all points.

    Raises:
        InputError: `share` does not lie in [0, 1).
    """
    from scipy.spatial import cKDTree  # slow to import

    at = _scaled(points).cpu()

    def nearest(own: Tensor, others: Tensor, k: int) -> Tensor:
        tree = cKDTree(at[own.cpu()].numpy())
        distance = torch.from_numpy(tree.query(at[others.cpu()].numpy())[0])
        return others[distance.argsort(stable=True)[:k].to(others.device)]

    return [_enlarged(own, len(points), share, nearest) for own in parts]


def overlapping_anywhere(parts: Sequence[Tensor], share: float, generator: Generator) -> list[Tensor]:
    """Enlarge each part by points drawn from all others, for parts that are spread over the whole.

    Args:
        parts: Indices of each part's points; together all points.
        share: By how much, relative to the part's size, in [0, 1); rounded to whole points.
        generator: Source of all randomness.

    Returns:
        For each part its own indices, then those of the points drawn.

    Raises:
        InputError: `share` does not lie in [0, 1).
    """

    def drawn(own: Tensor, others: Tensor, k: int) -> Tensor:
        place = torch.randperm(len(others), generator=generator, device=generator.device)[:k]
        return others[place.to(others.device)]

    count = sum(len(own) for own in parts)
    return [_enlarged(own, count, share, drawn) for own in parts]


def _bisect(points: Tensor, cell: Tensor, axis: int | None = None) -> tuple[Tensor, _Levels]:
    """An order of the points [N] in which the cells of a bisection follow each other, and the cuts made.

    `cell` [N] ascends from 0 to C - 1: the cell of each place in that order.  Level l has 2^l groups of
    cells, group g beginning with cell floor(g C / 2^l); some are empty unless C is a power of two.
    """
    n, dim = points.shape
    cells, inf = int(cell[-1]) + 1, float("inf")
    order = torch.arange(n, device=points.device)
    unit, place = _scaled(points), order[:, None].expand(n, dim)
    by_axis = unit.argsort(dim=0, stable=True)
    rank = torch.empty_like(by_axis).scatter_(0, by_axis, place)
    ranks, coordinates = rank.reshape(-1), points.reshape(-1)  # index_select from flat tables is the fastest
    made = []
    for level in range((cells - 1).bit_length()):
        groups = 2**level
        group, half = (((cell + 1) * k - 1) // cells for k in (groups, 2 * groups))
        if axis is None:
            at, by = unit.index_select(0, order), group[:, None].expand(n, dim)
            low = unit.new_full((groups, dim), inf).scatter_reduce_(0, by, at, "amin")
            high = unit.new_full((groups, dim), -inf).scatter_reduce_(0, by, at, "amax")
            along = (high - low).argmax(1)
        else:
            along = torch.full((groups,), axis, device=points.device)
        column = along.index_select(0, group)
        order = order[(group * n + ranks.index_select(0, order * dim + column)).argsort()]
        x, lower = coordinates.index_select(0, order * dim + column), half % 2 == 0
        # Halfway between the halves; a group of a single cell has one half, and an infinite cut.
        end, start = torch.where(lower, x, -inf), torch.where(lower, inf, x)
        below = points.new_full((groups,), -inf).scatter_reduce_(0, group, end, "amax")
        above = points.new_full((groups,), inf).scatter_reduce_(0, group, start, "amin")
        made.append((along, (below + above) / 2))
    return order, made


def _check(points: Tensor, parts: int) -> None:
    if parts < 1:
        raise InputError(f"parts must be at least 1, not {parts}")
    if parts > len(points):
        raise InputError(
            f"cannot cut {len(points)} points into {parts} parts: use fewer parts or more points"
        )


def _scaled(points: Tensor) -> Tensor:
    """Points in units of their bounding box."""
    extent = points.amax(0) - points.amin(0)
    return points / torch.where(extent > 0, extent, 1)


def _by_part(part: Tensor, parts: int) -> list[Tensor]:
    """Indices of the points of each part, ascending, from the part of each point [N]."""
    return list(part.argsort(stable=True).split(torch.bincount(part, minlength=parts).tolist()))


def _enlarged(
    own: Tensor, count: int, share: float, choose: Callable[[Tensor, Tensor, int], Tensor]
) -> Tensor:
    """A part with k more of all `count` points, chosen by `choose(own, others, k)`."""
    if not 0 <= share < 1:
        raise InputError(f"share must lie in [0, 1), not {share}")
    k = round(share * len(own))
    if k == 0:
        return own
    outside = torch.ones(count, dtype=torch.bool, device=own.device).index_fill_(0, own, False)
    return torch.cat([own, choose(own, outside.nonzero()[:, 0], k)])
