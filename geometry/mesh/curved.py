"""Curved cells of second and third order, followed by straight simplices to a stated tolerance.

A cell of higher order is the image of a reference cell under a polynomial map, given by all of its nodes.  It
is split into simplices by its corners (`simplices.split`), and these are bisected: an edge whose image leaves
its chord by more than the tolerance gets a new corner, the image of its middle, in every cell that has it, so
that neighbours go on to agree and no node hangs.  Edges are taken longest first (M.-C. Rivara, Int. J. Numer.
Methods Eng. 20 (1984) 745); those that are the longest in all of their cells are bisected at once.  Cells of
lower dimension, which carry the names of faces, are bisected along.  Cells without a curved edge stay.

Followed are the edges of the cells themselves, and on the boundary of a mesh of cells, and on a surface,
those by which its facets are divided; within cells any division will do. The edge directions of a simplex
determine the second derivatives of the map on it, so that small deviations of the edges bound those of its
faces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .elements import EDGES, KNOWN, PYRAMIDS, SHORTENED, monomials, reference_nodes
from .files import CORNERS, DIMENSION, RawMesh
from .plane import flattened
from .simplices import Cells, Points, faces_of, keys, split

FLAT = 1e-5  # deviation allowed in the plane, relative to the size of the mesh,
SOLID = 1e-4  # and in space,
LOCAL = 2e-3  # and at most this, relative to the cell
SIMPLEX = {1: "line", 2: "triangle", 3: "tetra"}
INSIDE = (16.0, 4.0, 1.0, 1.0)  # how much looser cells are followed inside that fold otherwise
ALONG = (0.25, 0.5, 0.75)  # where an edge is compared with its chord


@dataclass
class _Part:
    """Simplices of one block while they are bisected.

    Attributes:
        element: Name of the map, or of the straight cell.
        coefficients: [B, m, 3] of the maps of bent cells.
        tolerance: [B].
        corners: [S, k + 1].
        cell: [S], number of the cell in its block.
        bent: [S], number of its map, or -1.
        at: [S, k + 1, dim], corners in the reference cell.
        followed: Whether its edges are compared with the map.
    """

    element: str
    coefficients: Points
    tolerance: Points
    corners: Cells
    cell: Cells
    bent: Cells
    at: Points
    followed: bool = False

    def of(self, rows: NDArray[np.bool_]) -> _Part:
        return replace(
            self, corners=self.corners[rows], cell=self.cell[rows], bent=self.bent[rows], at=self.at[rows]
        )

    def image(self, bent: Cells, at: Points) -> Points:
        """Points [..., 3] of the maps [N] at reference points [N, ..., dim]."""
        values: Points = np.einsum("n...m,nmd->n...d", monomials(self.element, at), self.coefficients[bent])
        return values

    def edges(self) -> tuple[Cells, list[tuple[int, int]]]:
        """Edges as numbers [S, E], the same for the same two corners, and their places in the simplex."""
        pairs = list(combinations(range(self.corners.shape[1]), 2))
        ends = np.stack([self.corners[:, list(pair)] for pair in pairs], 1)
        return _edge_keys(ends), pairs

    def strays(self, points: Points, rows: Cells, first_new: int) -> Cells:
        """Numbers of edges of some simplices that leave their chord too far, of those with a new corner."""
        keys, pairs = self.edges()
        found = []
        rows = rows[self.bent[rows] >= 0] if self.followed else rows[:0]
        for e, (i, j) in enumerate(pairs):
            ends = self.corners[rows][:, [i, j]]
            these = rows[(ends >= first_new).any(1)]
            a, b = points[self.corners[these, i]], points[self.corners[these, j]]
            t = np.array(ALONG)[:, None]
            on = self.at[these, i, None] * (1 - t) + self.at[these, j, None] * t
            away = self.image(self.bent[these], on) - a[:, None]
            chord = (b - a)[:, None]
            square = (chord**2).sum(-1, keepdims=True).clip(1e-300)
            away = away - (away * chord).sum(-1, keepdims=True) / square * chord
            far = np.linalg.norm(away, axis=2).max(1) > self.tolerance[self.bent[these]]
            found.append(keys[these[far], e])
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _edge_keys(ends: Cells) -> Cells:
    keys: Cells = (ends.min(-1) << 32) | ends.max(-1)
    return keys


def straightened(raw: RawMesh) -> tuple[RawMesh, list[str], list[str]]:
    """The mesh with its curved cells followed by straight simplices.

    Args:
        raw: The mesh as read, with the nodes of its cells of higher order in `curved`.

    Returns:
        A mesh without curved cells, the same where none is bent; what was done; what could not be done.

    Raises:
        InputError: Nodes of a cell lie far from its edges.
    """
    warnings = [
        f"{len(nodes)} cells of type {element} are read by their corners: their curved edges become "
        "straight; save the mesh with cells of second order"
        for element, nodes in raw.curved.values()
        if element not in KNOWN
    ]
    raw = replace(raw, curved={i: c for i, c in raw.curved.items() if c[0] in KNOWN})
    raw = _without_pyramids(raw)
    used = [cells for kind, cells in raw.blocks if len(cells)]
    if not raw.curved or not used:
        return replace(raw, curved={}), [], warnings
    size = float(np.ptp(raw.points[np.unique(np.concatenate([c.ravel() for c in used]))], axis=0).max())
    full = max(DIMENSION[kind] for kind, cells in raw.blocks if len(cells))
    tolerance = (SOLID if full == 3 else FLAT) * size
    parts = [_part(raw, i, tolerance) for i in range(len(raw.blocks))]
    bent = sum(
        len(p.tolerance) for p, (kind, _) in zip(parts, raw.blocks, strict=True) if DIMENSION[kind] == full
    )
    if not any(len(p.tolerance) for p in parts):
        return replace(raw, curved={}), [], warnings
    used_points = np.unique(np.concatenate([c.ravel() for k, c in raw.blocks if DIMENSION[k] == full]))
    surface = flattened(raw.points, used_points, full).points.shape[1] > full
    extra = [_edges_of_cells(raw, i, part) for i, part in enumerate(parts) if len(part.tolerance)]
    if surface:
        parts = [replace(p, followed=True) for p in parts]
    elif full == 3:
        extra += _boundary(parts)
    whole, within = parts, extra
    for looser in INSIDE:
        points, parts, ends = _bisected(raw.points, whole + within)
        parts = parts[: len(raw.blocks)]
        folded = [_folded(points, p) if p.corners.shape[1] == full + 1 else () for p in parts]
        if surface or not any(map(len, folded)):
            break
        # Straight pieces of a cell that is bent strongly may overlap: it is followed inside as well.
        within = extra + [
            replace(p.of(np.isin(p.cell, cells)), followed=True, tolerance=np.asarray(looser * p.tolerance))
            for p, cells in zip(whole, folded, strict=True)
            if len(cells) and len(p.tolerance)
        ]
    before = sum(len(c) for k, c in raw.blocks if DIMENSION[k] == full)
    after = sum(len(p.corners) for p, (k, _) in zip(parts, raw.blocks, strict=True) if DIMENSION[k] == full)
    note = f"{bent} of {before} cells are curved: followed to within {tolerance:.2g} by {after} straight ones"
    groups = {
        name: [
            np.flatnonzero(np.isin(part.cell, chosen)) for part, chosen in zip(parts, members, strict=True)
        ]
        for name, members in raw.groups.items()
    }
    node_sets = _divided_node_sets(raw, ends, len(points))
    blocks = [
        (SIMPLEX.get(DIMENSION[kind], kind), part.corners)
        for part, (kind, _) in zip(parts, raw.blocks, strict=True)
    ]
    parents = {i: part.cell for i, part in enumerate(parts)}
    return RawMesh(points, blocks, groups, node_sets, {}, parents), [note], warnings


def _divided_node_sets(raw: RawMesh, ends: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Sets of nodes with the new nodes on edges both ends of which they hold.

    Args:
        raw: The mesh before its edges were divided.
        ends: [M, 2], the ends of the edge of each new node.
        count: Number of nodes afterwards.
    """
    out = {}
    for name, nodes in raw.node_sets.items():
        held = np.zeros(count, dtype=bool)
        held[nodes] = True
        for number, (a, b) in enumerate(ends.tolist(), len(raw.points)):
            held[number] = held[a] and held[b]
        out[name] = np.flatnonzero(held)
    return out


def _without_pyramids(raw: RawMesh) -> RawMesh:
    """Each pyramid of second order as two tetrahedra, cut through the smallest corner of its base."""
    if not any(element in PYRAMIDS for element, _ in raw.curved.values()):
        return raw
    blocks, curved, groups = list(raw.blocks), dict(raw.curved), {n: list(g) for n, g in raw.groups.items()}
    points = raw.points
    for i, (element, given) in raw.curved.items():
        if element not in PYRAMIDS:
            continue
        nodes = given
        if element == "pyramid13":  # the middle of the base, by the eight nodes around it
            middle = points[nodes[:, 5:9]].sum(1) / 2 - points[nodes[:, :4]].sum(1) / 4
            nodes = np.column_stack([nodes, len(points) + np.arange(len(nodes))])
            points = np.concatenate([points, middle])
        turn = (nodes[:, :4].argmin(1)[:, None] + np.arange(4)) % 4
        base, sides, up = (np.take_along_axis(nodes[:, s : s + 4], turn, 1) for s in (0, 5, 9))
        centre, top = nodes[:, 13], nodes[:, 4]
        first = [base[:, 0], base[:, 1], base[:, 2], top, sides[:, 0], sides[:, 1], centre]
        second = [base[:, 0], base[:, 2], base[:, 3], top, centre, sides[:, 2], sides[:, 3]]
        first += [up[:, 0], up[:, 1], up[:, 2]]
        second += [up[:, 0], up[:, 2], up[:, 3]]
        both = np.concatenate([np.stack(first, 1), np.stack(second, 1)])
        blocks[i], curved[i] = ("tetra", both[:, :4]), ("tetra10", both)
        for members in groups.values():
            members[i] = np.concatenate([members[i], members[i] + len(nodes)])
    return replace(raw, points=points, blocks=blocks, curved=curved, groups=groups)


def _part(raw: RawMesh, i: int, tolerance: float) -> _Part:
    """Simplices of a block, with the maps of its bent cells."""
    kind, cells = raw.blocks[i]
    element, nodes = raw.curved.get(i, (kind, cells))
    element = SHORTENED.get(element, element)
    number = np.full(len(cells), -1)
    coefficients, limits = np.zeros((0, 1, raw.points.shape[1])), np.zeros(0)
    if i in raw.curved and len(cells):
        local = reference_nodes(element)
        nodes = nodes[:, : len(local)]
        at = raw.points[nodes]
        straight = np.einsum(
            "km,mc,ncd->nkd",
            monomials(kind, local),
            np.linalg.inv(monomials(kind, reference_nodes(kind))),
            at[:, : CORNERS[kind]],
        )
        off = np.linalg.norm(at - straight, axis=2).max(1)
        extent = np.linalg.norm(np.ptp(at[:, : CORNERS[kind]], axis=1), axis=1)
        if wrong := int((off > extent).sum()):
            first = ", ".join(f"{v:.4g}" for v in at[(off > extent).argmax()].mean(0))
            raise InputError(
                f"{wrong} of the {len(cells)} cells of type {element} have nodes far from their edges, the "
                f"first near ({first}): their nodes seem to be in another order; save the mesh with cells of "
                "first order"
            )
        limit = np.minimum(tolerance, LOCAL * extent)
        bent = np.flatnonzero(off > limit)
        number[bent] = np.arange(len(bent))
        coefficients = np.einsum("mk,nkd->nmd", np.linalg.inv(monomials(element, local)), at[bent])
        limits = limit[bent]
    corners, cell = split(kind, cells)
    if DIMENSION[kind] == 0:
        return _Part(kind, coefficients, limits, corners, cell, number[cell], np.zeros((*corners.shape, 1)))
    place = (cells[cell][:, None, :] == corners[:, :, None]).argmax(2)
    at = reference_nodes(kind)[place]
    turned = np.linalg.det(at[:, 1:] - at[:, :1]) < 0
    swap = [1, 0, *range(2, corners.shape[1])]
    corners = np.where(turned[:, None], corners[:, swap], corners)
    at = np.where(turned[:, None, None], at[:, swap], at)
    return _Part(element, coefficients, limits, corners, cell, number[cell], at)


def _folded(points: Points, part: _Part) -> Cells:
    """The cells whose pieces do not all have one orientation."""
    at = points[part.corners]
    edges = at[:, 1:] - at[:, :1]
    if edges.shape[1] == 2 and edges.shape[2] == 3:
        normal = np.cross(edges[:, 0], edges[:, 1])
        mean = np.zeros((int(part.cell.max(initial=0)) + 1, 3))
        np.add.at(mean, part.cell, normal)
        measure = np.einsum("sd,sd->s", normal, mean[part.cell])
    elif edges.shape[1] == edges.shape[2]:
        measure = np.linalg.det(edges)
    else:
        return np.zeros(0, dtype=np.int64)
    rows = part.bent >= 0
    cell, negative = part.cell[rows], measure[rows] < 0
    share = np.bincount(cell, negative) / np.bincount(cell).clip(1)
    return np.flatnonzero((share > 0) & (share < 1))


def _edges_of_cells(raw: RawMesh, i: int, part: _Part) -> _Part:
    """The edges of the bent cells of a block."""
    kind, cells = raw.blocks[i]
    first = np.unique(part.cell, return_index=True)[1]
    of_cell = np.full(len(cells), -1)
    of_cell[part.cell[first]] = part.bent[first]
    bent = np.flatnonzero(of_cell >= 0)
    kind = "tetra" if kind == "pyramid" else kind
    ends = np.array(EDGES[kind])
    corners = cells[bent][:, ends].reshape(-1, 2)
    at = np.tile(reference_nodes(kind)[ends], (len(bent), 1, 1))
    cell = np.repeat(bent, len(ends))
    return replace(part, corners=corners, cell=cell, bent=of_cell[cell], at=at, followed=True)


def _boundary(parts: list[_Part]) -> list[_Part]:
    """Triangles of bent cells that belong to one tetrahedron alone."""
    solid = [part for part in parts if part.corners.shape[1] == 4]
    faces = [faces_of(part.corners) for part in solid]
    key_of = keys(np.concatenate([f.reshape(-1, 3) for f in faces]))
    every, count = np.unique(key_of, return_counts=True)
    lengths = np.cumsum([4 * len(part.corners) for part in solid])[:-1]
    out = []
    for part, flat in zip(solid, np.split(key_of, lengths), strict=True):
        key = flat.reshape(4, -1)
        alone = (count[np.searchsorted(every, key)] == 1) & (part.bent >= 0)
        for left_out, rows in enumerate(alone):
            others = [i for i in range(4) if i != left_out]
            chosen = part.of(rows)
            out.append(
                replace(chosen, corners=chosen.corners[:, others], at=chosen.at[:, others], followed=True)
            )
    return out


def _bisected(points: Points, parts: list[_Part]) -> tuple[Points, list[_Part], Cells]:
    """Bisect until no edge strays: points, parts, and for each new point the ends of its edge [N, 2]."""
    stray = np.concatenate([p.strays(points, np.arange(len(p.corners)), 0) for p in parts])
    stray = np.unique(stray)
    done: list[list[_Part]] = [[] for _ in parts]
    all_ends = [np.zeros((0, 2), dtype=np.int64)]
    while True:
        for i, part in enumerate(parts):
            busy = np.asarray(np.isin(part.edges()[0], stray).any(1), dtype=bool)
            done[i].append(part.of(~busy))
            parts[i] = part.of(busy)
        if not any(len(part.corners) for part in parts):
            break
        points, ends = _bisect(points, parts, stray)
        all_ends.append(ends)
        first_new = len(points) - len(ends)
        stray = np.union1d(
            stray,
            np.concatenate([p.strays(points, np.arange(len(p.corners)), first_new) for p in parts]),
        )
    whole = [
        replace(
            pieces[0],
            corners=np.concatenate([p.corners for p in pieces]),
            cell=np.concatenate([p.cell for p in pieces]),
            bent=np.concatenate([p.bent for p in pieces]),
            at=np.concatenate([p.at for p in pieces]),
        )
        for pieces in done
    ]
    return points, whole, np.concatenate(all_ends)


def _bisect(points: Points, parts: list[_Part], stray: Cells) -> tuple[Points, Cells]:
    """Bisect, in place, edges that are the longest stray one in all of their cells."""
    of_part = [part.edges() for part in parts]
    present = np.unique(np.concatenate([key.ravel() for key, _ in of_part]))
    present = present[np.isin(present, stray)]
    ends = np.stack([present >> 32, present & ((1 << 32) - 1)], 1)
    length = np.linalg.norm(points[ends[:, 1]] - points[ends[:, 0]], axis=1)
    rank = np.empty(len(present), dtype=np.int64)
    rank[np.lexsort((present, -length))] = np.arange(len(present))
    best, blocked = [], np.zeros(len(present), dtype=bool)
    chosen = np.zeros(len(present), dtype=bool)
    for key, _ in of_part:
        place = np.searchsorted(present, key).clip(max=len(present) - 1)
        ranks = np.where(present[place] == key, rank[place], len(present))
        edge = ranks.argmin(1) if len(key) else np.zeros(0, dtype=np.int64)
        least = ranks[np.arange(len(key)), edge]
        held = (ranks < len(present)) & (ranks != least[:, None])
        blocked[ranks[held]] = True
        chosen[least] = True
        best.append((edge, least))
    chosen &= ~blocked
    new = np.full(len(present), -1)
    new[chosen] = len(points) + np.arange(chosen.sum())
    by_rank = np.empty(len(present), dtype=np.int64)
    by_rank[rank] = np.arange(len(present))
    ends = ends[by_rank[chosen]]
    at = points[ends].mean(1)
    for i, (part, (edge, least)) in enumerate(zip(parts, best, strict=True)):
        pairs = np.array(of_part[i][1])
        rows = np.flatnonzero(chosen[least])
        a, b = pairs[edge[rows]].T if len(rows) else (np.zeros(0, dtype=np.int64),) * 2
        middle = (part.at[rows, a] + part.at[rows, b]) / 2
        number = new[least[rows]]
        curved = part.bent[rows] >= 0
        at[number[curved] - len(points)] = part.image(part.bent[rows[curved]], middle[curved])
        left, right = part.corners[rows].copy(), part.corners[rows].copy()
        left_at, right_at = part.at[rows].copy(), part.at[rows].copy()
        every = np.arange(len(rows))
        left[every, a], right[every, b] = number, number
        left_at[every, a], right_at[every, b] = middle, middle
        kept = np.ones(len(part.corners), dtype=bool)
        kept[rows] = False
        parts[i] = replace(
            part,
            corners=np.concatenate([part.corners[kept], left, right]),
            cell=np.concatenate([part.cell[kept], part.cell[rows], part.cell[rows]]),
            bent=np.concatenate([part.bent[kept], part.bent[rows], part.bent[rows]]),
            at=np.concatenate([part.at[kept], left_at, right_at]),
        )
    return np.concatenate([points, at]), ends
