"""Simple polygons, convex or not: points inside by triangles, exact signed distance.

The distance looks up the nearest edge without gradients and then measures from that edge alone: along its
outward normal where the foot point lies on the edge (so the gradient exists on the boundary too), from the
vertex otherwise, with the sign taken from the sum of the normals of the two edges that meet there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import InputError
from .names import checked_names, checked_tag, named_group
from .quadrature import Nodes, Rule, simplices
from .shapes import Shape

_CHUNK = 1 << 21  # point-edge pairs examined together


class Polygon(Shape):
    """A simple polygon with faces "edge0", "edge1", ...; edge i runs from vertex i to vertex i + 1.

    Args:
        vertices: [V, 2], in either orientation, the last one not repeating the first.
        names: the two coordinates.
        tag: what the tags of the faces begin with, and a name for all of them together.

    Raises:
        InputError: fewer than three vertices, numbers that are not finite, no area, or edges that meet or
            cross where they should not.
    """

    def __init__(
        self,
        vertices: Sequence[Sequence[float]] | Tensor,
        names: Sequence[str] = ("x", "y"),
        tag: str = "edge",
    ) -> None:
        v = torch.as_tensor(vertices, dtype=torch.float64).detach().cpu().clone()
        if v.ndim != 2 or v.shape[1] != 2 or len(v) < 3:
            raise InputError(
                f"a polygon needs at least 3 vertices of 2 coordinates; got shape {list(v.shape)}"
            )
        if not torch.isfinite(v).all():
            raise InputError(f"the vertices of a polygon must be finite; got {v.tolist()}")
        area = (
            float(_cross(v - v[0], v.roll(-1, 0) - v[0]).sum()) / 2
        )  # relative to a vertex, for accuracy far from 0
        if abs(area) <= 1e-14 * float((v.amax(0) - v.amin(0)).square().sum()):
            raise InputError(f"the polygon with vertices {v.tolist()} has no area")
        self.names = checked_names(names, 2)
        self.vertices = v
        edges = v.roll(-1, 0) - v
        self._edge_lengths = torch.linalg.vector_norm(edges, dim=1)
        _refuse_intersections(v)
        turned = torch.stack([edges[:, 1], -edges[:, 0]], 1) / self._edge_lengths[:, None]
        self.normals = turned if area > 0 else -turned
        self.faces = self.spatial_faces = tuple(f"{checked_tag(tag, self.names)}{i}" for i in range(len(v)))
        self.groups = named_group(tag, self.names, self.faces)
        self.bounds = torch.stack([v.amin(0), v.amax(0)])
        self.volume = abs(area)
        self._triangles = v[torch.from_numpy(_triangulate(v.numpy()))]  # [V - 2, 3, 2] or fewer
        areas = _cross(
            self._triangles[:, 1] - self._triangles[:, 0], self._triangles[:, 2] - self._triangles[:, 0]
        )
        self._shares = areas.cumsum(0) / areas.sum()

    def flat_faces(self, name: str) -> tuple[str, ...]:
        """The edges perpendicular to a coordinate."""
        along = self.normals[:, 1 - self.names.index(name)].abs()
        return tuple(face for face, a in zip(self.faces, along.tolist(), strict=True) if a <= 1e-12)

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance [N] of points [N, 2]."""
        x = self._checked(points)
        v, normals, lengths = self.vertices.to(x), self.normals.to(x), self._edge_lengths.to(x)
        with torch.no_grad():
            step = max(1, _CHUNK // len(v))
            edge = torch.cat([self._nearest_edge(part) for part in x.detach().split(step)])
        offset = x - v[edge]
        direction = (v.roll(-1, 0) - v)[edge] / lengths[edge, None]
        along = (offset.detach() * direction).sum(1)
        before, after = along < 0, along > lengths[edge]
        vertex = (edge + after) % len(v)
        corner = normals[vertex] + normals[vertex - 1]
        from_vertex = x - v[vertex]
        sign = torch.where((from_vertex.detach() * corner).sum(1) < 0, -1.0, 1.0)
        return torch.where(
            before | after,
            sign * torch.linalg.vector_norm(from_vertex, dim=1),
            (offset * normals[edge]).sum(1),
        )

    def _nearest_edge(self, x: Tensor) -> Tensor:
        v = self.vertices.to(x)
        return _squared_distances(x, v, v.roll(-1, 0)).argmin(1)

    def from_unit(self, u: Tensor) -> Tensor:
        """Map the unit square onto the polygon; the first axis chooses a triangle and a place in it."""
        shares = self._shares.to(u)
        which = torch.searchsorted(shares, u[:, 0].contiguous(), right=True).clamp_max(len(shares) - 1)
        below = torch.cat([shares.new_zeros(1), shares[:-1]])
        within = ((u[:, 0] - below[which]) / (shares - below)[which]).clamp(0, 1)
        root, t = within.sqrt()[:, None], u[:, 1:2]
        a, b, c = self._triangles.to(u)[which].unbind(1)
        return (1 - root) * a + root * (1 - t) * b + root * t * c

    def face_from_unit(self, tag: str, u: Tensor) -> tuple[Tensor, Tensor]:
        """Map [0, 1] onto an edge by an affine function: [N, 1] to points and normals [N, 2]."""
        i = self.faces.index(tag)
        start, end = self.vertices[i].to(u), self.vertices[(i + 1) % len(self.vertices)].to(u)
        return start + (end - start) * u, self.normals[i].to(u).expand(len(u), 2)

    def quadrature(self, rule: Rule) -> Nodes:
        """Gauss-Legendre nodes on its triangles."""
        a, b, c = self._triangles.unbind(1)
        return simplices(self._triangles, _cross(b - a, c - a).abs() / 2, rule)

    def face_quadrature(self, tag: str, rule: Rule) -> tuple[Tensor, Tensor, Tensor]:
        """Gauss-Legendre nodes on an edge."""
        u, weights = rule.line(0.0, 1.0)
        points, normals = self.face_from_unit(tag, u[:, None])
        return points, normals, weights * self._edge_lengths[self.faces.index(tag)]

    def _interior_lengths(self) -> tuple[float, ...]:
        assert self.volume is not None
        return (self.volume**0.5, self.volume**0.5)

    def _face_lengths(self, tag: str) -> tuple[tuple[float, ...], float]:
        length = float(self._edge_lengths[self.faces.index(tag)])
        return (length,), length

    def __repr__(self) -> str:
        return f"Polygon({self.vertices.tolist()}, names={self.names})"


def _cross(a: Tensor, b: Tensor) -> Tensor:
    """Third component of the cross product of vectors [..., 2]."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _squared_distances(x: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Squared distances [N, E] of points [N, 2] to segments."""
    edge = end - start
    offset = x[:, None] - start
    t = ((offset * edge).sum(-1) / edge.square().sum(-1)).clamp(0, 1)
    return (offset - t[..., None] * edge).square().sum(-1)


def _refuse_intersections(v: Tensor) -> None:
    """Raise ValueError unless edges meet only at the vertices they share."""
    count, size = len(v), float((v.amax(0) - v.amin(0)).max())
    w = v.roll(-1, 0)
    if (repeated := (torch.linalg.vector_norm(w - v, dim=1) <= 1e-13 * size).nonzero()).numel():
        k = int(repeated[0])
        raise InputError(
            f"vertices {k} and {(k + 1) % count} of the polygon coincide at {v[k].tolist()}; drop one"
        )
    # no vertex on an edge it does not belong to: excludes touching, spikes and vertices visited twice
    touching = _squared_distances(v, v, w) <= (1e-13 * size) ** 2
    i = torch.arange(count)
    touching[i, i] = touching[(i + 1) % count, i] = False
    # side[i, j]: how far to the left of edge j vertex i lies; a crossing changes sides both ways
    side = _cross((w - v)[None], v[:, None] - v[None]) / torch.linalg.vector_norm(w - v, dim=1)
    side[side.abs() <= 1e-13 * size] = 0.0  # edges on one line do not cross
    splits = side * side.roll(-1, 0) < 0
    bad = touching | (splits & splits.T)
    if bad.any():
        first, second = bad.nonzero()[0].tolist()
        raise InputError(
            f"the polygon meets itself: edge {first}, from {v[first].tolist()}, and edge {second}, from "
            f"{v[second].tolist()}; list the vertices in order around the boundary"
        )


def _triangulate(v: NDArray[np.float64]) -> NDArray[np.int64]:
    """Triangulate a simple polygon [V, 2] by VTK: vertex numbers [T, 3] in positive orientation, T <= V - 2.

    Triangles without an area, at corners of 180 degrees, are left out.

    Raises:
        InputError: The triangles do not cover the polygon.
    """
    from vtkmodules.vtkCommonCore import vtkIdList, vtkPoints  # slow to import
    from vtkmodules.vtkCommonDataModel import vtkPolygon

    unit = (v - v.min(0)) / np.ptp(v, axis=0).max()
    points, polygon, found = vtkPoints(), vtkPolygon(), vtkIdList()
    points.SetDataTypeToDouble()
    for x, y in unit.tolist():
        points.InsertNextPoint(x, y, 0.0)
    polygon.Initialize(len(v), list(range(len(v))), points)
    complete = polygon.EarCutTriangulation(found)
    numbers = [found.GetId(i) for i in range(found.GetNumberOfIds())]
    triangles = np.array(numbers, dtype=np.int64).reshape(-1, 3)
    areas = _areas(unit[triangles])
    fan = np.stack([np.zeros_like(unit) + unit[0], unit, np.roll(unit, -1, 0)], 1)
    whole = abs(float(_areas(fan).sum()))
    if not complete or abs(np.abs(areas).sum() - whole) > 1e-9 * whole:
        raise InputError(
            f"could not triangulate the polygon with vertices {v.tolist()}: parts of it are too thin"
        )
    triangles[areas < 0] = triangles[areas < 0][:, ::-1]
    kept: NDArray[np.int64] = triangles[np.abs(areas) > 1e-14]
    return kept


def _areas(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signed areas [T] of triangles [T, 3, 2]."""
    (x1, y1), (x2, y2) = ((triangles[:, k] - triangles[:, 0]).T for k in (1, 2))
    areas: NDArray[np.float64] = (x1 * y2 - x2 * y1) / 2
    return areas
