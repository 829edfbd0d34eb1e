"""The nearest point of a closed surface of facets, and the side of it on which a point lies.

Facets in the order of a Hilbert curve make a tree by taking four neighbours at a time.  Each node is bounded
by a flat cylinder across its mean normal, which fits a smooth piece of surface far better than a box does.
Many points descend together: a pair of point and node stays while the cylinder is no farther than the nearest
known point of the surface.

The side is that of the *angle-weighted normal* of the feature (facet, edge or corner) that holds the nearest
point, which is exact for closed surfaces (J. A. Baerentzen, H. Aanaes, Signed distance computation using the
angle weighted pseudonormal, IEEE Trans. Vis. Comput. Graph. 11, 2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .simplices import Cells, Points, faces_of, hilbert_order, keys

ARITY = 4  # children of a node
POINTS_AT_ONCE = 1 << 12  # points that descend together


@dataclass(frozen=True)
class Foot:
    """Nearest points of a surface.

    Attributes:
        facet: [N], the facet that holds each.
        weights: [N, dim], barycentric in the facet; exactly zero for corners that the feature does not have.
        side: [N], +1 outside and -1 inside.
    """

    facet: Cells
    weights: Points
    side: Points


class Surface:
    """Facets that enclose a domain.

    Args:
        points: [P, dim].
        facets: [F, dim], closed.
        normals: [F, dim], outward unit vectors.
    """

    def __init__(self, points: Points, facets: Cells, normals: Points) -> None:
        from scipy.spatial import cKDTree

        order = hilbert_order(points[facets].mean(1))
        self._order, self._corners, self._normals = order, points[facets[order]], normals[order]
        self._size = float(np.abs(self._corners).max())
        self._tree = cKDTree(self._corners[:, 0])
        self._levels = [_Cylinders(self._corners, self._normals, 1)]
        while len(self._levels[-1].radius) > 2 * ARITY:
            self._levels.append(_Cylinders(self._corners, self._normals, ARITY ** len(self._levels)))
        self._corner_normals, self._edge_normals = self._features(points, facets[order])

    def _features(self, points: Points, facets: Cells) -> tuple[Points, Points]:
        """Normals of corners [F, dim, dim], weighted by angle, and of the edges opposite [F, 3, 3]."""
        count, dim = facets.shape
        at = self._corners
        angle = np.ones((count, dim))
        for i in range(dim if dim == 3 else 0):
            a, b = at[:, (i + 1) % 3] - at[:, i], at[:, (i + 2) % 3] - at[:, i]
            angle[:, i] = np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), (a * b).sum(1))
        of_point = np.zeros_like(points)
        for i in range(dim):
            np.add.at(of_point, facets[:, i], angle[:, i, None] * self._normals)
        if dim < 3:
            return of_point[facets], np.zeros((count, 0, dim))
        edge = np.unique(keys(faces_of(facets).reshape(-1, 2)), return_inverse=True)[1]
        of_edge = np.zeros((edge.max() + 1, 3))
        np.add.at(of_edge, edge, np.tile(self._normals, (3, 1)))
        return of_point[facets], of_edge[edge].reshape(3, count, 3).transpose(1, 0, 2)

    def nearest(self, x: Points) -> Foot:
        """The nearest points to points [N, dim]."""
        parts = [self._nearest(x[i : i + POINTS_AT_ONCE]) for i in range(0, len(x), POINTS_AT_ONCE)]
        if not parts:
            return Foot(np.zeros(0, np.int64), np.zeros((0, x.shape[1])), np.zeros(0))
        return Foot(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _nearest(self, x: Points) -> tuple[Cells, Points, Points]:
        bound = self._with_rounding(np.asarray(self._tree.query(x)[0]) ** 2, x)
        tops = len(self._levels[-1].radius)
        pair, node = np.repeat(np.arange(len(x)), tops), np.tile(np.arange(tops), len(x))
        for level in range(len(self._levels) - 1, -1, -1):
            far = self._levels[level].squared_distances(x[pair], node)
            near = far <= bound[pair]
            pair, node, far = pair[near], node[near], far[near]
            if level:
                below = len(self._levels[level - 1].radius)
                node = (ARITY * node[:, None] + np.arange(ARITY)).reshape(-1)
                pair, exists = np.repeat(pair, ARITY), node < below
                pair, node = pair[exists], node[exists]
        # The facet of the nearest node first: it rules out most of the others.
        starts = np.flatnonzero(np.diff(pair, prepend=-1))
        first = np.flatnonzero(
            far == np.repeat(np.minimum.reduceat(far, starts), np.diff(starts, append=len(far)))
        )
        found = self._closest(x[pair[first]], node[first])[1]
        np.minimum.at(bound, pair[first], self._with_rounding(found, x[pair[first]]))
        near = far <= bound[pair]
        pair, node = pair[near], node[near]
        weights, squared = self._closest(x[pair], node)
        starts = np.flatnonzero(np.diff(pair, prepend=-1))
        least = np.repeat(np.minimum.reduceat(squared, starts), np.diff(starts, append=len(pair)))
        hits = np.flatnonzero(squared == least)
        chosen = hits[np.flatnonzero(np.diff(pair[hits], prepend=-1))]
        facet, weights = node[chosen], weights[chosen]
        away = x - np.einsum("ni,nij->nj", weights, self._corners[facet])
        normal = self._normal(facet, weights)
        side = np.where(np.einsum("ij,ij->i", away, normal) < 0, -1.0, 1.0)
        return self._order[facet], weights, side

    def _with_rounding(self, squared: Points, x: Points) -> Points:
        """Upper bound of squared distances, rounding included."""
        bound: Points = (np.sqrt(squared) * (1 + 1e-14) + 1e-14 * (np.abs(x).max(1) + self._size)) ** 2
        return bound

    def _normal(self, facet: Cells, weights: Points) -> Points:
        """Angle-weighted normals [N, dim] of the features that the weights tell."""
        normal = self._normals[facet].copy()
        zeros = (weights == 0).sum(1)
        corner = np.flatnonzero(zeros == weights.shape[1] - 1) if weights.shape[1] > 1 else np.arange(0)
        normal[corner] = self._corner_normals[facet[corner], weights[corner].argmax(1)]
        if weights.shape[1] == 3:
            edge = np.flatnonzero(zeros == 1)
            normal[edge] = self._edge_normals[facet[edge], weights[edge].argmin(1)]
        return normal

    def _closest(self, x: Points, facet: Cells) -> tuple[Points, Points]:
        """Barycentric weights [M, dim] of the nearest point of each facet, and squared distances [M]."""
        at = self._corners[facet]
        dim = at.shape[1]
        weights = (
            np.ones((len(x), 1)) if dim == 1 else _on_segment(x, at) if dim == 2 else _on_triangle(x, at)
        )
        away = x - np.einsum("ni,nij->nj", weights, at)
        return weights, np.einsum("ij,ij->i", away, away)


class _Cylinders:
    """Cylinders around groups of facets: centre, axis, half height and radius.

    Args:
        corners: [F, dim, dim] of the facets in a row.
        normals: [F, dim].
        size: Facets in a group.
    """

    def __init__(self, corners: Points, normals: Points, size: int) -> None:
        starts = np.arange(0, len(corners), size)
        group = np.arange(len(corners)) // size
        axis = np.add.reduceat(normals, starts)
        length = np.linalg.norm(axis, axis=1, keepdims=True)
        self._axis = np.where(length > 1e-6, axis / length.clip(1e-300), np.eye(corners.shape[2])[0])
        low = np.minimum.reduceat(corners.min(1), starts)
        middle = (low + np.maximum.reduceat(corners.max(1), starts)) / 2
        offset = corners - middle[group, None]
        height = np.einsum("fij,fj->fi", offset, self._axis[group])
        bottom = np.minimum.reduceat(height.min(1), starts)
        top = np.maximum.reduceat(height.max(1), starts)
        across = offset - height[..., None] * self._axis[group, None]
        # Rounding: the squares in `squared_distances` cancel.
        self.radius = np.maximum.reduceat(np.linalg.norm(across, axis=2).max(1), starts) * (1 + 1e-6)
        self._half = (top - bottom) / 2 + 1e-14 * np.abs(corners).max()
        self._middle = middle + ((top + bottom) / 2)[:, None] * self._axis

    def squared_distances(self, x: Points, node: Cells) -> Points:
        """Squared distances [M] of points [M, dim], each to a cylinder of its own."""
        offset = x - self._middle[node]
        height = np.einsum("ij,ij->i", offset, self._axis[node])
        across = np.sqrt((np.einsum("ij,ij->i", offset, offset) - height**2).clip(0)) - self.radius[node]
        squared: Points = (np.abs(height) - self._half[node]).clip(0) ** 2 + across.clip(0) ** 2
        return squared


def _on_segment(x: Points, at: Points) -> Points:
    """Weights [M, 2] of the nearest points of segments [M, 2, dim]."""
    edge = at[:, 1] - at[:, 0]
    t = np.einsum("ij,ij->i", x - at[:, 0], edge) / np.einsum("ij,ij->i", edge, edge)
    t = t.clip(0, 1)
    return np.stack([1 - t, t], 1)


def _on_triangle(x: Points, at: Points) -> Points:
    """Weights [M, 3] of the nearest points of triangles [M, 3, 3]: the plane's foot, or on a side."""
    a, b = at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]
    p = x - at[:, 0]
    aa, ab, bb = (np.einsum("ij,ij->i", u, v) for u, v in ((a, a), (a, b), (b, b)))
    pa, pb = (np.einsum("ij,ij->i", p, u) for u in (a, b))
    area = aa * bb - ab * ab
    v, w = (bb * pa - ab * pb) / area, (aa * pb - ab * pa) / area
    weights = np.stack([1 - v - w, v, w], 1)
    off = np.flatnonzero((weights <= 0).any(1))
    best = np.full(len(off), np.inf)
    for i in range(3):  # the side opposite corner i
        ends = [(i + 1) % 3, (i + 2) % 3]
        side = at[off][:, ends]
        t = _on_segment(x[off], side)
        away = x[off] - np.einsum("ni,nij->nj", t, side)
        squared = np.einsum("ij,ij->i", away, away)
        nearer = np.flatnonzero(squared < best)
        best[nearer] = squared[nearer]
        weights[off[nearer]] = 0.0
        weights[off[nearer, None], ends] = t[nearer]
    return weights
