"""Facets of a boundary that meet where they should not: cross, lie upon one another, or leave a thin gap.

The domain lies on the inner side of every facet near it.  Another facet that leaves the first one for its
inner side therefore runs through the domain, and cells overlap, or bodies do.  Facets of one plane that cover
a common area with opposite normals lie within the domain as well: a node hangs, or parts meet whose nodes do
not match.  Pairs to look at come from a tree of boxes that descends against itself; the tests are those of a
segment with a triangle (T. Moller, B. Trumbore, J. Graphics Tools 2 (1997) 21) and of separating axes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .simplices import Cells, Points, hilbert_order

ARITY = 4  # children of a box
PAIRS_AT_ONCE = 1 << 18  # pairs examined together
ON = 1e-6  # a point is on a facet that it is no farther from, relative to the facet
GAP = 1e-3  # a gap is thin that is narrower, relative to the smaller facet
COVER = 1e-4  # a common area is one that is wider in every direction, relative to the smaller facet
PARALLEL = 1e-3  # cosine of normals from -1 or 1


@dataclass(frozen=True)
class Crossings:
    """Numbers of facets, each sorted.

    Attributes:
        crossing: Facets that leave another facet for its inner side, and these others.
        covering: Facets that cover a common area with the same normal.
        touching: Facets that cover a common area with opposite normals.
        near: Facets that face each other across a thin gap.
        gap: The widest of the gaps.
    """

    crossing: Cells
    covering: Cells
    touching: Cells
    near: Cells
    gap: float


def crossings(points: Points, facets: Cells, normals: Points) -> Crossings:
    """Find facets that meet wrongly among facets [F, dim] with outward normals [F, dim], dim 2 or 3."""
    at = points[facets]
    size = np.linalg.norm(at[:, 1:] - at[:, :1], axis=2).max(1)
    margin = GAP * size[:, None]
    none = np.zeros(0, dtype=np.int64)
    crossing, covering, touching, near, gap = [none], [none], [none], [none], 0.0
    edge_hits: list[Cells] = []
    for i, j in _close_pairs(at.min(1) - margin, at.max(1) + margin, hilbert_order(at.mean(1))):
        for a, b in ((i, j), (j, i)):
            through, hits = _leaves_inward(points, facets, normals, size, a, b)
            crossing += [a[through], b[through]]
            edge_hits.append(hits)
        same, opposite, thin, width = _covers(at, normals, size, i, j)
        for kind, these in ((covering, same), (touching, opposite), (near, thin)):
            kind += [i[these], j[these]]
        gap = max(gap, float(width[thin].max(initial=0)))
    crossing += _through_edges(np.concatenate(edge_hits)) if edge_hits else []

    def sorted_(kind: list[Cells]) -> Cells:
        return np.unique(np.concatenate(kind))

    return Crossings(sorted_(crossing), sorted_(covering), sorted_(touching), sorted_(near), gap)


def _close_pairs(low: Points, high: Points, order: Cells) -> Iterator[tuple[Cells, Cells]]:
    """Pairs of facets whose boxes [F, dim] overlap, each once, in chunks."""
    levels = [(low[order], high[order])]
    while len(levels[-1][0]) > ARITY:
        starts = np.arange(0, len(levels[-1][0]), ARITY)
        levels.append(
            (np.minimum.reduceat(levels[-1][0], starts), np.maximum.reduceat(levels[-1][1], starts))
        )
    top = len(levels) - 1
    a, b = np.triu_indices(len(levels[top][0]))
    stack = [(top, a, b)]
    offsets = np.arange(ARITY)
    while stack:
        level, a, b = stack.pop()
        lows, highs = levels[level]
        meet = np.ones(len(a), dtype=bool)
        for k in range(lows.shape[1]):
            meet &= (lows[a, k] <= highs[b, k]) & (lows[b, k] <= highs[a, k])
        a, b = a[meet], b[meet]
        if level == 0:
            apart = a != b
            if apart.any():
                yield order[a[apart]], order[b[apart]]
            continue
        below = len(levels[level - 1][0])
        step = max(PAIRS_AT_ONCE // ARITY**2, 1)
        for start in range(0, len(a), step):
            c = (ARITY * a[start : start + step, None, None] + offsets[:, None]) + 0 * offsets
            d = (ARITY * b[start : start + step, None, None] + offsets) + 0 * offsets[:, None]
            c, d = c.ravel(), d.ravel()
            exists = (c < below) & (d < below) & (c <= d)
            # of two different boxes all pairs of children count, whatever their order
            stack.append((level - 1, c[exists], d[exists]))


def _leaves_inward(
    points: Points, facets: Cells, normals: Points, size: Points, i: Cells, j: Cells
) -> tuple[NDArray[np.bool_], Cells]:
    """Test facets j for an edge that leaves the facet i for its inner side.

    Also edges that do so through an edge of i, [H, 5]: both edges' ends, the smaller first, and i.
    """
    dim = facets.shape[1]
    base, normal = points[facets[i, 0]], normals[i]
    tolerance = ON * size[i] + 1e-13 * np.abs(points).max()
    height = np.einsum("nkd,nd->nk", points[facets[j]] - base[:, None], normal)
    through = np.zeros(len(i), dtype=bool)
    hits = [np.zeros((0, 5), dtype=np.int64)]
    rows = np.flatnonzero((height.min(1) < -tolerance) & (height.max(1) >= -tolerance))
    for p, q in ((0, 1),) if dim == 2 else ((0, 1), (1, 2), (2, 0)):
        hp, hq = height[rows, p], height[rows, q]
        t = tolerance[rows]
        leaves = (np.minimum(hp, hq) < -t) & (np.maximum(hp, hq) >= -t)
        ends = facets[j[rows]][:, [p, q]]
        shared = (ends[:, :, None] == facets[i[rows], None, :]).any((1, 2))
        some = rows[leaves & ~shared]
        if not len(some):
            continue
        hp, hq, ends = height[some, p], height[some, q], ends[leaves & ~shared]
        share = (hp / np.where(hp == hq, 1.0, hp - hq)).clip(0, 1)[:, None]
        meet = points[ends[:, 0]] * (1 - share) + points[ends[:, 1]] * share
        weights = _barycentric(points[facets[i[some]]], meet)
        least = np.sort(weights, axis=1)
        through[some[least[:, 0] > ON]] = True
        if dim == 3:
            on_edge = np.flatnonzero((np.abs(least[:, 0]) <= ON) & (least[:, 1] > ON))
            corner = weights[on_edge].argmin(1)
            others = np.array([[1, 2], [0, 2], [0, 1]])[corner]
            edge = np.take_along_axis(facets[i[some[on_edge]]], others, 1)
            hits.append(np.column_stack([np.sort(ends[on_edge], 1), np.sort(edge, 1), i[some[on_edge]]]))
    return through, np.concatenate(hits)


def _through_edges(hits: Cells) -> list[Cells]:
    """Facets on both sides of an edge through which another edge runs inward of both."""
    hits = np.unique(hits, axis=0)
    _, number, count = np.unique(hits[:, :4], axis=0, return_inverse=True, return_counts=True)
    return [hits[count[number.reshape(-1)] > 1, 4]]


def _barycentric(corners: Points, at: Points) -> Points:
    """Weights [N, dim] of points [N, dim] of facets [N, dim, dim] with respect to their corners."""
    if corners.shape[1] == 2:
        along = corners[:, 1] - corners[:, 0]
        t = np.einsum("nd,nd->n", at - corners[:, 0], along) / np.einsum("nd,nd->n", along, along)
        return np.stack([1 - t, t], 1)
    a, b, p = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], at - corners[:, 0]
    across = np.cross(a, b)
    square = np.einsum("nd,nd->n", across, across)
    v = np.einsum("nd,nd->n", np.cross(p, b), across) / square
    w = np.einsum("nd,nd->n", np.cross(a, p), across) / square
    return np.stack([1 - v - w, v, w], 1)


def _covers(
    at: Points, normals: Points, size: Points, i: Cells, j: Cells
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_], Points]:
    """Test pairs for a common area: with the same normal, opposite ones, across a gap; its width."""
    dim = at.shape[1]
    smaller = np.minimum(size[i], size[j])
    turn = np.einsum("nd,nd->n", normals[i], normals[j])
    height = np.einsum("nkd,nd->nk", at[j] - at[i][:, :1], normals[i])
    width = np.abs(height).max(1)
    rows = np.flatnonzero((np.abs(turn) > 1 - PARALLEL) & (width <= GAP * smaller))
    overlap = np.zeros(len(i), dtype=bool)
    if len(rows):
        a, b, normal = at[i[rows]], at[j[rows]], normals[i[rows]]
        if dim == 2:
            axes = [np.stack([-normal[:, 1], normal[:, 0]], 1)]
        else:
            sides = [c[:, (k + 1) % 3] - c[:, k] for c in (a, b) for k in range(3)]
            axes = [np.cross(normal, side) for side in sides]
        inside = np.ones(len(rows), dtype=bool)
        for direction in axes:
            axis = direction / np.linalg.norm(direction, axis=1, keepdims=True).clip(1e-300)
            one, two = np.einsum("nkd,nd->nk", a, axis), np.einsum("nkd,nd->nk", b, axis)
            common = np.minimum(one.max(1), two.max(1)) - np.maximum(one.min(1), two.min(1))
            inside &= common > COVER * smaller[rows]
        overlap[rows[inside]] = True
    close = overlap & (width <= ON * smaller)
    thin = overlap & ~close & (turn < 0) & (height.min(1) > 0)
    return close & (turn > 0), close & (turn < 0), thin, width
