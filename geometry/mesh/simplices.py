"""Meshes of simplices: splitting other cells, orientation, the boundary, an order along a curve.

A cell is split by *pulling* its corner of the smallest number: every face is cut into triangles through its
own smallest corner, and each triangle that does not hold the smallest corner of the cell makes a simplex with
it.  As faces are cut by the numbers of their corners alone, neighbours agree (J. Dompierre et al., How to
subdivide pyramids, prisms and hexahedra into tetrahedra, 8th International Meshing Roundtable, 1999).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError

Points = NDArray[np.float64]
Cells = NDArray[np.int64]

# Faces of three-dimensional cells, in the numbering that VTK and meshio share.
FACES: dict[str, list[tuple[int, ...]]] = {
    "pyramid": [(0, 1, 2, 3), (0, 1, 4), (1, 2, 4), (2, 3, 4), (3, 0, 4)],
    "wedge": [(0, 1, 2), (3, 4, 5), (0, 1, 4, 3), (1, 2, 5, 4), (2, 0, 3, 5)],
    "hexahedron": [
        (0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7),
    ],
}  # fmt: skip
THIN = 1e-13  # measure of a cell without any, relative to a cube on its longest edge


def split(kind: str, cells: Cells) -> tuple[Cells, Cells]:
    """Split cells into simplices.

    Args:
        kind: Such as "quad" or "wedge".
        cells: [C, corners].

    Returns:
        Simplices [S, dim + 1], in no particular orientation, and [S], the number of the cell of each.
    """
    number = np.arange(len(cells))
    if kind not in FACES and kind != "quad":
        return cells, number
    faces = [(0, 1, 2, 3)] if kind == "quad" else FACES[kind]
    triangles = np.concatenate([_triangles(cells[:, list(face)]) for face in faces], 1)  # [C, T, 3]
    if kind == "quad":
        return triangles.reshape(-1, 3), np.repeat(number, 2)
    smallest = cells.min(1)
    opposite = (triangles != smallest[:, None, None]).all(2)
    owner = np.repeat(number[:, None], triangles.shape[1], 1)[opposite]
    return np.concatenate([smallest[owner, None], triangles[opposite]], 1), owner


def _triangles(faces: Cells) -> Cells:
    """Faces [C, 3 or 4] cut through their smallest corner: [C, 1 or 2, 3]."""
    if faces.shape[1] == 3:
        return faces[:, None]
    turn = (faces.argmin(1)[:, None] + np.arange(4)) % 4
    a, b, c, d = np.take_along_axis(faces, turn, 1).T
    return np.stack([np.stack([a, b, c], 1), np.stack([a, c, d], 1)], 1)


def measures(points: Points, simplices: Cells) -> Points:
    """Measures [S] of simplices, signed where they have the dimension of space; 1 for points."""
    at = points[simplices]
    edges = at[:, 1:] - at[:, :1]
    k, dim = edges.shape[1:]
    if k == 0:
        return np.ones(len(at))
    if k == dim:
        found: Points = np.linalg.det(edges)
    else:
        found = np.linalg.norm(edges[:, 0] if k == 1 else np.cross(edges[:, 0], edges[:, 1]), axis=1)
    return found / math.factorial(k)


def where(at: Points) -> str:
    """Position of some places [N, dim] in words: a point, or the first of them and their box."""

    def text(point: Points) -> str:
        return f"({', '.join(f'{v:.4g}' for v in point)})"

    if len(at) == 1:
        return f"at {text(at[0])}"
    return f"the first at {text(at[0])}, all between {text(at.min(0))} and {text(at.max(0))}"


def thin(points: Points, simplices: Cells, measure: Points) -> NDArray[np.bool_]:
    """Test simplices [S] for zero measure, up to rounding."""
    at = points[simplices]
    size = np.zeros(len(simplices))
    for i in range(1, simplices.shape[1]):
        np.maximum(size, np.abs(at[:, i:] - at[:, i - 1 : i]).max((1, 2)), out=size)
    flat: NDArray[np.bool_] = np.abs(measure) <= THIN * size ** (simplices.shape[1] - 1)
    return flat


def faces_of(simplices: Cells) -> Cells:
    """Facets [dim + 1, S, dim] of simplices: facet i is without corner i, outward if the cell is positive."""
    k = simplices.shape[1]
    out = []
    for i in range(k):
        others = [j for j in range(k) if j != i]
        if i % 2 and k > 2:
            others[:2] = others[1::-1]
        out.append(simplices[:, others])
    return np.stack(out)


def keys(facets: Cells) -> Cells:
    """A number [F] for each set of corners [F, k]; the same for the same corners in any order."""
    ordered = np.sort(facets, 1)
    key = ordered[:, 0]
    for column in ordered.T[1:]:
        base = int(column.max(initial=0)) + 1
        if int(key.max(initial=0)) >= (1 << 62) // base:
            key = np.unique(key, return_inverse=True)[1]
        key = key * base + column
    return key


def boundary_of(simplices: Cells, points: Points | None = None) -> tuple[Cells, Cells]:
    """The facets of one cell only, pointing outward if the cells have positive orientation.

    Args:
        simplices: [S, dim + 1].
        points: [P, dim], to say where something is wrong.

    Returns:
        Facets [F, dim], and [F] the corner that each of them leaves out of its cell.

    Raises:
        InputError: A facet belongs to more than two cells, or to two on the same side of it.
    """
    faces = faces_of(simplices)
    parity = np.concatenate([_parity(f, i) for i, f in enumerate(faces)])
    count = len(simplices)
    faces = faces.reshape(-1, faces.shape[2])
    key = keys(faces)
    order = key.argsort(kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    pair = starts[sizes == 2]
    wrong = order[np.concatenate([starts[sizes > 2], pair[parity[order[pair]] == parity[order[pair + 1]]]])]
    if len(wrong):
        place = "" if points is None else f", {where(points[faces[wrong]].mean(1))}"
        raise InputError(f"{len(wrong)} of its cells overlap their neighbours{place}; mend the mesh")
    single = np.sort(order[starts[sizes == 1]])
    return faces[single], single // count


def _parity(facets: Cells, corner: int) -> NDArray[np.bool_]:
    """Test facets [F, k] for odd permutations of their sorted corners; points, for the side of their line."""
    odd = np.full(len(facets), facets.shape[1] == 1 and corner == 1)
    for i in range(facets.shape[1]):
        for j in range(i):
            odd ^= facets[:, j] > facets[:, i]
    return odd


def with_distinct_corners(cells: Cells) -> NDArray[np.bool_]:
    """Test cells [S] for distinct corners: collapsed hexahedra and merged points leave others behind."""
    distinct: NDArray[np.bool_] = (np.diff(np.sort(cells, 1), axis=1) != 0).all(1)
    return distinct


def outward(points: Points, facets: Cells) -> Cells:
    """Turn the facets of a closed surface (curve in the plane) so that they all point outward.

    Neighbours are made to agree in an undirected graph with two nodes for each facet, one for either
    orientation.  Its components come in pairs, one for each way of turning a piece of the surface.  A piece
    points outward when its volume is positive, and the other way if it lies within an odd number of others.

    Args:
        points: [P, dim], dim 2 or 3.
        facets: [F, dim].

    Returns:
        The facets, with some corners swapped.

    Raises:
        InputError: The surface is open, or one-sided like a Moebius strip.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count, dim = facets.shape
    ridges = faces_of(facets)  # of a segment its ends, of a triangle its directed sides
    odd = np.concatenate([_parity(r, i) for i, r in enumerate(ridges)])
    key = keys(ridges.reshape(-1, dim - 1))
    order = key.argsort(kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    if (sizes % 2).any():
        what, kind = ("edges", "curved surfaces") if dim == 3 else ("ends", "curves")
        at = points[ridges.reshape(-1, dim - 1)[order[starts[sizes % 2 == 1]]]].mean(1)
        raise InputError(
            f"the surface is open: {len(at)} {what} belong to an odd number of facets, {where(at)}; close "
            f"its holes, or give a mesh with cells inside (equations on {kind} themselves are not supported)"
        )
    first, second = order[starts[sizes == 2]], order[starts[sizes == 2] + 1]
    f, g, same = first % count, second % count, odd[first] == odd[second]
    other = np.where(same, g + count, g)
    rows, columns = np.concatenate([f, f + count]), np.concatenate([other, (other + count) % (2 * count)])
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(2 * count, 2 * count))
    label = connected_components(graph, directed=False)[1]
    if (label[:count] == label[count:]).any():
        raise InputError("the surface has no inside: it is one-sided, like a Moebius strip")
    turned = swapped(facets, label[:count] > label[count:])
    piece = np.unique(np.minimum(label[:count], label[count:]), return_inverse=True)[1]
    pieces = piece.max() + 1
    at = points[turned] - points[turned[0, 0]]
    volume = np.bincount(piece, np.linalg.det(at), pieces)
    turned = swapped(turned, volume[piece] < 0)
    within = np.zeros(pieces, dtype=np.int64)
    representative = points[turned[np.unique(piece, return_index=True)[1]]].mean(1)
    if pieces > 1:
        for k in range(pieces):
            others = winding(representative, points[turned[piece == k]])
            others[k] = 0
            within += np.abs(others) > 0.5
    return swapped(turned, within[piece] % 2 == 1)


def swapped(facets: Cells, these: NDArray[np.bool_]) -> Cells:
    """The cells, some of them with their first two corners exchanged."""
    out = facets.copy()
    out[these, 0], out[these, 1] = facets[these, 1], facets[these, 0]
    return out


def winding(x: Points, corners: Points) -> Points:
    """Winding numbers of closed facets [F, dim, dim] around points [N, dim].

    Solid angles: A. van Oosterom, J. Strackee, IEEE Trans. Biomed. Eng. 30 (1983) 125.
    """
    total = np.zeros(len(x))
    for i, point in enumerate(x):
        v = corners - point
        length = np.linalg.norm(v, axis=2)
        numerator = np.linalg.det(v)
        if v.shape[1] == 2:
            total[i] = np.arctan2(numerator, (v[:, 0] * v[:, 1]).sum(1)).sum() / (2 * np.pi)
        else:
            a, b, c = v.transpose(1, 0, 2)
            la, lb, lc = length.T
            below = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
            total[i] = 2 * np.arctan2(numerator, below).sum() / (4 * np.pi)
    return total


def normals_of(points: Points, facets: Cells) -> Points:
    """Unit normals [F, dim] of facets [F, dim] in the plane or in space, by the order of their corners."""
    at = points[facets]
    if points.shape[1] == 2:
        along = at[:, 1] - at[:, 0]
        normal = np.stack([along[:, 1], -along[:, 0]], 1)
    else:
        normal = np.cross(at[:, 1] - at[:, 0], at[:, 2] - at[:, 0])
    unit: Points = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    return unit


def hilbert_order(at: Points, bits: int = 16) -> Cells:
    """An order of points [N, dim] along a Hilbert curve through their bounding box.

    J. Skilling, Programming the Hilbert curve, AIP Conf. Proc. 707 (2004) 381.
    """
    count, dim = at.shape
    low = at.min(0)
    size = float((at.max(0) - low).max()) or 1.0
    x = [column.astype(np.int64) for column in ((at - low) / size * (2**bits - 1)).T]
    if dim == 1:
        return x[0].argsort(kind="stable") if count else np.arange(0)
    for q in (1 << b for b in range(bits - 1, 0, -1)):
        for i in range(dim):
            flipped = (x[i] & q) != 0
            exchange = np.where(flipped, 0, (x[0] ^ x[i]) & (q - 1))
            x[0] ^= np.where(flipped, q - 1, exchange)
            x[i] ^= exchange
    for i in range(1, dim):
        x[i] ^= x[i - 1]
    t = np.zeros(count, dtype=np.int64)
    for q in (1 << b for b in range(bits - 1, 0, -1)):
        t ^= np.where((x[-1] & q) != 0, q - 1, 0)
    index = np.zeros(count, dtype=np.int64)
    for b in range(bits - 1, -1, -1):
        for i in range(dim):
            index = (index << 1) | (((x[i] ^ t) >> b) & 1)
    return index.argsort(kind="stable")


def smooth_normals(facets: Cells, normals: Points, most: float) -> Points:
    """Normals at the corners of facets that stand for a curved surface.

    Each is the mean of those facets that share the corner and turn away by less than an angle; beyond it, the
    edge is meant.  Between corners they are interpolated (Phong, Comm. ACM 18 (1975)): a normal derivative
    that jumped from facet to facet could be that of no smooth function.

    Args:
        facets: [F, k].
        normals: [F, dim], of unit length.
        most: The angle in radians.

    Returns:
        [F, k, dim], of unit length.
    """
    order = np.argsort(facets.ravel(), kind="stable")
    owner, corner = order // facets.shape[1], facets.ravel()[order]
    start = np.flatnonzero(np.r_[True, corner[1:] != corner[:-1]])
    length = np.diff(np.r_[start, len(corner)])
    out = np.zeros((len(order), normals.shape[1]))
    for shift in range(length.max(initial=0)):  # the shift-th facet around every corner, for all at once
        has = shift < length
        other = np.repeat(start + np.where(has, shift, 0), length)
        near = np.repeat(has, length) & (
            np.einsum("ij,ij->i", normals[owner], normals[owner[other]]) > np.cos(most)
        )
        out[order] += near[:, None] * normals[owner[other]]
    out = out.reshape(*facets.shape, -1)
    return np.asarray(out / np.linalg.norm(out, axis=2, keepdims=True))
