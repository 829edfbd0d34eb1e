"""Faults of mesh files: found, mended where only one thing can be meant, else refused.

Nodes that coincide are made one.  Cells that occur twice count once.  Cells without measure, folded ones,
and cells on the same side of a common facet have no right reading; the message says how many there are, and
where.  Facets of the boundary that meet inside the domain are found by `crossings.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from . import simplices as sx
from .crossings import crossings
from .files import DIMENSION, RawMesh
from .simplices import Cells, Points

SAME = 1e-9  # points nearer than this, relative to the extent of the mesh, are one,
NEAR = 1e-6  # and up to this where they are
OF_EDGE = 1e-3  # nearer than this, relative to the shortest edge
MEASURE = {1: "length", 2: "area", 3: "volume"}


@dataclass(frozen=True)
class Pieces:
    """The cells of the highest dimension as simplices.

    Attributes:
        cells: [S, full + 1].
        block: [S], the block of each.
        owner: [S], its cell there.
        notes: Cells that were left out or turned, in words.
    """

    cells: Cells
    block: Cells
    owner: Cells
    notes: list[str]


def dimension(raw: RawMesh, label: str) -> int:
    """The highest dimension of a cell.

    Raises:
        InputError: There are no cells, they refer to points that are not there, or these are not finite.
    """
    full = max((DIMENSION[kind] for kind, cells in raw.blocks if len(cells)), default=0)
    if full == 0:
        raise InputError("it holds no cells: a mesh needs lines, triangles, tetrahedra or others")
    for cells in (*(cells for _, cells in raw.blocks), *(nodes for _, nodes in raw.curved.values())):
        if len(cells) and (cells.min() < 0 or cells.max() >= len(raw.points)):
            raise InputError(f"its cells refer to points {cells.min()} to {cells.max()} of {len(raw.points)}")
    used = corners_of(raw, full)
    broken = used[~np.isfinite(raw.points[used]).all(1)]
    if len(broken):
        raise InputError(
            f"some points of {label!r} are not finite, {len(broken)} that cells use, the first is number "
            f"{broken[0]}; mend the mesh"
        )
    return full


def corners_of(raw: RawMesh, full: int) -> Cells:
    """The points that cells of the highest dimension use."""
    held = np.zeros(len(raw.points), dtype=bool)
    for i, (kind, cells) in enumerate(raw.blocks):
        if DIMENSION[kind] == full:
            held[cells.ravel()] = True
            held[raw.curved[i][1].ravel() if i in raw.curved else []] = True
    return np.flatnonzero(held)


def pieces(raw: RawMesh, points: Points, full: int, space: int) -> Pieces:
    """Cells of the highest dimension as simplices, each once.

    Args:
        raw: With points that coincide made one.
        points: [P, space].
        full: The highest dimension of a cell.
        space: Number of coordinates; one more than `full` for a surface.

    Raises:
        InputError: Cells have no measure, are folded, or overlap on a line.
    """
    notes = []
    (cells, block, owner, of), divided = _simplices(raw, points, full, space)
    whole = sx.with_distinct_corners(cells)
    if not whole.all():
        if lost := len(np.setdiff1d(of[~whole], of[whole])):
            notes.append(f"{lost} cells have a corner twice and no {MEASURE[full]}, and are left out")
        cells, block, owner, of = cells[whole], block[whole], owner[whole], of[whole]
    more_than_once, first = repeated(cells)
    if twice := int((~first).sum()):
        notes.append(f"{twice} cells are there more than once, and count once")
        cells, block, owner, of = cells[first], block[first], owner[first], of[first]
    if not len(cells):
        raise InputError(f"none of its cells has a {MEASURE[full]}; mend the mesh")
    measure = sx.measures(points, cells)
    refuse_thin(points, cells, measure)
    if full == space:
        if divided:
            refuse_folded(points, cells, measure, of)
        if 0 < (negative := int((measure < 0).sum())) < len(cells):
            notes.append(f"{negative} of {len(cells)} cells have their corners the other way round: turned")
        if full == 1:
            refuse_overlaps_on_a_line(points, cells)
    elif twice and _open_ridges(cells):
        # Walls between bodies that touch, rather than bodies given twice, unless both leave it open.
        lone = ~more_than_once[first]
        if not _open_ridges(cells[lone]):
            notes[-1] = f"{twice} facets are walls between bodies that touch, and are left out"
            cells, block, owner = cells[lone], block[lone], owner[lone]
    return Pieces(cells, block, owner, notes)


def _simplices(raw: RawMesh, points: Points, full: int, space: int) -> tuple[tuple[Cells, ...], bool]:
    """Divide the cells of the highest dimension into simplices.

    Returns:
        Of each simplex: corners [S, full + 1], block [S], owner in the block [S], divided cell [S]; and
        True if some are parts of other cells.
    """
    found, divided = [], False
    for i, (kind, corners) in enumerate(raw.blocks):
        if DIMENSION[kind] != full or not len(corners):
            continue
        if kind == "quad" and space == 2:
            cells, owner = quads_of_the_plane(points, corners)
        else:
            cells, owner = sx.split(kind, corners)
        # Parts of other cells are in no particular orientation: each stands for itself.
        of = np.arange(len(cells))
        if i in raw.parents or kind == "quad":
            of, divided = (raw.parents[i][owner] if i in raw.parents else owner), True
        found.append((cells, np.full(len(cells), i), owner, of + (i << 40)))
    return tuple(np.concatenate(column) for column in zip(*found, strict=True)), divided


def welded(raw: RawMesh) -> tuple[RawMesh, NDArray[np.bool_], list[str]]:
    """The mesh with coinciding points made one; which points are one of several; what was done.

    Points coincide that are nearer than `SAME`, and also those nearer than `NEAR` and `OF_EDGE`.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    several = np.zeros(len(raw.points), dtype=bool)
    held = [cells for _, cells in raw.blocks if len(cells)]
    if not held:
        return raw, several, []
    used = np.zeros(len(raw.points), dtype=bool)
    for cells in held:
        used[cells.ravel()] = True
    used = np.flatnonzero(used)
    used = used[np.isfinite(raw.points[used]).all(1)]
    at = raw.points[used]
    size = float(np.ptp(at, axis=0).max(initial=0))
    full = max(DIMENSION[kind] for kind, cells in raw.blocks if len(cells))
    edges = [
        np.linalg.norm(raw.points[cells] - raw.points[np.roll(cells, 1, axis=1)], axis=2).ravel()
        for kind, cells in raw.blocks
        if DIMENSION[kind] == full and len(cells)
    ]
    length = np.concatenate(edges)
    shortest = float(length[length > SAME * size].min(initial=np.inf))
    radius = max(SAME * size, min(NEAR * size, OF_EDGE * shortest))
    pairs = cKDTree(at).query_pairs(radius, output_type="ndarray")
    if not len(pairs):
        return raw, several, []
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), pairs.T), shape=(len(at), len(at)))
    label = connected_components(graph, directed=False)[1]
    first = np.unique(label, return_index=True)[1]
    new = np.arange(len(raw.points))
    new[used] = used[first[label]]
    several[used] = np.bincount(label)[label] > 1
    gone = int((new != np.arange(len(new))).sum())
    note = f"{gone} points coincide with others and are merged with them"
    blocks = [(kind, new[cells]) for kind, cells in raw.blocks]
    node_sets = {name: np.unique(new[nodes]) for name, nodes in raw.node_sets.items()}
    return replace(raw, blocks=blocks, node_sets=node_sets), several, [note]


def repeated(cells: Cells) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Test cells [S] for the corners of another cell, and for being the first with them; both bool [S]."""
    several, first = np.zeros(len(cells), dtype=bool), np.ones(len(cells), dtype=bool)
    # A sum of random numbers tells different sets of corners apart, nearly always, and fast.
    number = np.random.default_rng(0).integers(1 << 60, size=int(cells.max(initial=0)) + 1)
    key = number[cells].sum(1)
    order = key.argsort(kind="stable")
    same = key[order[1:]] == key[order[:-1]]
    rows = np.union1d(order[1:][same], order[:-1][same])
    if len(rows):
        _, index, inverse, count = np.unique(
            sx.keys(cells[rows]), return_index=True, return_inverse=True, return_counts=True
        )
        several[rows] = count[inverse] > 1
        first[rows] = False
        first[rows[index]] = True
    return several, first


def check_space(raw: RawMesh, full: int, space: int) -> None:
    """Refuse cells that neither fill a domain nor enclose one.

    Args:
        raw: The mesh.
        full: Dimension of its cells.
        space: Number of its coordinates.

    Raises:
        InputError: They are open lines in space, or a closed curve that lies in no plane.
    """
    if full == 1 and raw.points.shape[1] == 3 and space > 1 and is_open(raw):
        raise InputError(
            "it holds lines in space; a mesh needs cells of the dimension of its space, or a closed surface"
        )
    if space > full + 1:
        raise InputError("it holds a closed curve that lies in no plane; a mesh needs cells around it")


def is_open(raw: RawMesh) -> bool:
    """Test whether the lines of a mesh of lines have ends."""
    return _open_ridges(np.concatenate([c for kind, c in raw.blocks if DIMENSION[kind] == 1]))


def _open_ridges(facets: Cells) -> bool:
    """Test whether a surface is open: a ridge belongs to an odd number of its facets [F, dim]."""
    ridges = sx.keys(sx.faces_of(facets).reshape(-1, facets.shape[1] - 1))
    return bool((np.unique(ridges, return_counts=True)[1] % 2).any())


def refuse_thin(points: Points, cells: Cells, measure: Points) -> None:
    """Raise InputError where cells have no measure."""
    flat = sx.thin(points, cells, measure)
    if flat.any():
        raise InputError(
            f"{int(flat.sum())} of the {len(cells)} cells of the mesh have no {MEASURE[cells.shape[1] - 1]}, "
            f"{sx.where(points[cells[flat]].mean(1))}; mend the mesh"
        )


def refuse_folded(points: Points, cells: Cells, measure: Points, owner: Cells) -> None:
    """Raise InputError where the parts of one cell have opposite orientations.

    Args:
        points: [P, dim].
        cells: [S, dim + 1], whose corners stand in the order of their cell's.
        measure: [S], signed.
        owner: [S], the cell that each is a part of.
    """
    _, number = np.unique(owner, return_inverse=True)
    negative = np.bincount(number, measure < 0)
    folded = (negative > 0) & (negative < np.bincount(number))
    if folded.any():
        first = np.unique(number, return_index=True)[1]
        raise InputError(
            f"{int(folded.sum())} cells are folded, so that parts of them lie inside out, "
            f"{sx.where(points[cells[first[folded]]].mean(1))}: corners are out of order around the cell, or "
            "nodes on its edges too far out; mend the mesh"
        )


def quads_of_the_plane(points: Points, quads: Cells) -> tuple[Cells, Cells]:
    """Two triangles for each quadrilateral, cut along a diagonal inside where it is not convex.

    Args:
        points: [P, 2].
        quads: [C, 4].

    Returns:
        [2 C, 3], in the orientation of their quadrilaterals, and [2 C], the number of each.
    """
    turn = (quads.argmin(1)[:, None] + np.arange(4)) % 4
    a, b, c, d = np.take_along_axis(quads, turn, 1).T
    one = np.stack([np.stack([a, b, c], 1), np.stack([a, c, d], 1)], 1)
    other = np.stack([np.stack([b, c, d], 1), np.stack([b, d, a], 1)], 1)
    sign = np.stack([sx.measures(points, one[:, i]) for i in (0, 1)]) < 0
    cut: Cells = np.where((sign[0] != sign[1])[:, None, None], other, one)
    return cut.reshape(-1, 3), np.repeat(np.arange(len(quads)), 2)


def refuse_overlaps_on_a_line(points: Points, cells: Cells) -> None:
    """Raise InputError where intervals [S, 2] overlap."""
    ends = np.sort(points[cells][:, :, 0], axis=1)
    order = ends[:, 0].argsort(kind="stable")
    low, high = ends[order].T
    over = np.flatnonzero(np.maximum.accumulate(high)[:-1] > low[1:] + NEAR * (high - low)[1:])
    if len(over):
        raise InputError(
            f"{len(over)} of its cells overlap others, {sx.where(low[over + 1, None])}; mend the mesh"
        )


def examine_boundary(
    points: Points, facets: Cells, normals: Points, solid: bool
) -> tuple[list[str], list[str]]:
    """Look for facets that meet inside the domain, and count its parts.

    Args:
        points: [P, dim], dim 2 or 3.
        facets: [F, dim], pointing outward.
        normals: [F, dim].
        solid: Whether the domain is made of cells; otherwise it is what the surface encloses.

    Returns:
        Notes, and warnings.

    Raises:
        InputError: Facets cross, lie upon one another, or a part lies within another.
    """
    found = crossings(points, facets, normals)
    centres = points[facets].mean(1)
    kind = "edges" if points.shape[1] == 2 else "facets"
    if len(found.crossing) or len(found.covering):
        both = np.union1d(found.crossing, found.covering)
        told = (
            f"{len(both)} of its {len(facets)} boundary {kind} run through others, {sx.where(centres[both])}"
        )
        if solid:
            raise InputError(f"{told}: cells overlap; mend the mesh")
        raise InputError(
            f"{told}: bodies overlap, or a surface runs through itself; join the bodies first, or save each "
            'as a mesh of its own and write Mesh("a.stl") | Mesh("b.stl")'
        )
    if len(found.touching):
        told = (
            f"{len(found.touching)} of its {len(facets)} boundary {kind} lie against one another inside the "
            f"domain, {sx.where(centres[found.touching])}"
        )
        if solid:
            raise InputError(
                f"{told}: nodes hang, or parts meet whose nodes do not match; make the mesh conforming"
            )
        raise InputError(
            f"{told}: bodies touch there; join them first, or save each as a mesh of its own and write "
            'Mesh("a.stl") | Mesh("b.stl")'
        )
    warnings = []
    if len(found.near):
        warnings.append(
            f"{len(found.near)} boundary {kind} face others across a gap of at most {found.gap:.2g}, far "
            f"narrower than they are long, {sx.where(centres[found.near])}: the gap is taken for real; close "
            "it where parts should be joined"
        )
    notes = []
    part, volume = _parts(points, facets)
    outer = np.flatnonzero(volume > 0)
    for k in range(len(volume)) if len(volume) > 1 else ():
        at = centres[(part == k).argmax()]
        box = [(centres[part == j].min(0), centres[part == j].max(0)) for j in range(len(volume)) if j != k]
        if not any(((low <= at) & (at <= high)).all() for low, high in box):
            continue
        around = sx.winding(at[None], points[facets[part != k]])[0]
        if solid and round(float(around)) != (0 if volume[k] > 0 else 1):
            raise InputError(
                f"cells overlap: a part of the mesh lies within another, {sx.where(at[None])}; mend the mesh"
            )
    if len(outer) > 1:
        notes.append(f"the domain has {len(outer)} separate parts")
    if not solid and (hollow := len(volume) - len(outer)):
        notes.append(f"{hollow} closed surfaces lie within another one and bound cavities")
    return notes, warnings


def _parts(points: Points, facets: Cells) -> tuple[Cells, Points]:
    """Number of the connected part of the boundary of each facet [F], and the volumes that parts enclose."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count, dim = facets.shape
    ridge = np.unique(sx.keys(sx.faces_of(facets).reshape(-1, dim - 1)), return_inverse=True)[1]
    rows = np.tile(np.arange(count), dim)
    total = count + int(ridge.max()) + 1
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, count + ridge)), shape=(total, total))
    label = connected_components(graph, directed=False)[1][:count]
    part = np.unique(label, return_inverse=True)[1]
    volume = np.bincount(part, np.linalg.det(points[facets] - points[facets[0, 0]])).astype(np.float64)
    return part, volume
