"""Regions of a mesh: its groups of cells, and the facets between cells of different groups.

A point belongs to the group of the cell that holds it.  The cell is looked for among those with the nearest
centres, more and more of them, by barycentric coordinates; points that rounding leaves outside of all cells
belong to the one that they are outside of least.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..patches import Patch
from ..regions import Divisible, Regions
from . import simplices as sx
from .pick import Pick

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .mesh import Mesh

NEAREST = (8, 64, 512)  # centres that are tried
WITHIN = -1e-13  # a barycentric coordinate above this is that of a point inside, up to rounding
AT_ONCE = 4096  # points
SMOOTH = np.radians(40)  # facets that meet at less stand for a curved surface
REST = "rest"  # the region of cells that are in no group


class CellGroups(Divisible):
    """Regions of a mesh from its groups of cells."""

    @cached_property
    def regions(self: Mesh) -> Regions | None:  # type: ignore[misc,override]
        """The division by groups of cells; None where there are not two of them, or no cells."""
        if self.cells is None:
            return None
        labels, number = _numbered(self.cell_groups, len(self.cells))
        return CellRegions(self, labels, number) if len(labels) > 1 else None


def _numbered(groups: Mapping[str, sx.Cells], count: int) -> tuple[tuple[str, ...], sx.Cells]:
    """Names of the regions, and the region of every cell: of several groups the smallest."""
    order = sorted(groups, key=lambda label: -len(groups[label]))
    number = np.full(count, len(order))
    for i, label in enumerate(order):
        number[groups[label]] = i
    kept, number = np.unique(number, return_inverse=True)
    return tuple([*order, REST][i] for i in kept), number


class CellRegions(Regions):
    """Groups of the cells of a mesh.

    Args:
        mesh: The mesh.
        labels: Names of the groups.
        number: [S], the position there of each cell's.
    """

    def __init__(self, mesh: Mesh, labels: tuple[str, ...], number: sx.Cells) -> None:
        from scipy.spatial import cKDTree

        assert mesh.cells is not None
        self.names, self.labels = mesh.names, labels
        self._points, self._cells, self._number = mesh.points, mesh.cells, number
        corners = mesh.points[mesh.cells]
        self._centres = cKDTree(corners.mean(1))
        self._origin = corners[:, 0]
        self._inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))

    def number(self, points: Tensor) -> Tensor:
        """Position in `labels` of the group of the cell that holds each of points [N, dim]: long [N]."""
        at = points.detach().to("cpu", torch.float64).numpy()
        cells = [self._held(chunk) for chunk in np.array_split(at, -(-len(at) // AT_ONCE) or 1)]
        return torch.from_numpy(self._number[np.concatenate(cells)]).to(points.device)

    def _held(self, at: sx.Points) -> sx.Cells:
        """Numbers of the cells that hold points [N, dim]."""
        found = np.zeros(len(at), dtype=np.int64)
        left = np.arange(len(at))
        for count in NEAREST:
            if not len(left):
                break
            near = self._centres.query(at[left], min(count, len(self._cells)))[1].reshape(len(left), -1)
            depth = self._depth(at[left], near)
            best = depth.argmax(1)
            found[left] = near[np.arange(len(left)), best]
            left = left[depth[np.arange(len(left)), best] < WITHIN]
        return found

    def _depth(self, at: sx.Points, cells: sx.Cells) -> sx.Points:
        """Smallest barycentric coordinates [N, k] of points [N, dim] in cells [N, k]."""
        inner = np.einsum("nkij,nkj->nki", self._inverse[cells], at[:, None] - self._origin[cells])
        return np.asarray(np.minimum(inner.min(2), 1 - inner.sum(2)))

    @cached_property
    def _shared(self) -> dict[tuple[int, int], sx.Cells]:
        """Facets between two groups, pointing from the first of them to the second."""
        faces = sx.faces_of(self._cells)
        count = len(self._cells)
        facets = faces.reshape(-1, faces.shape[2])
        key = sx.keys(facets)
        order = key.argsort(kind="stable")
        same = np.flatnonzero(np.diff(key[order]) == 0)
        one, other = order[same], order[same + 1]
        a, b = self._number[one % count], self._number[other % count]
        chosen = np.where(a < b, one, other)
        pair = np.stack([np.minimum(a, b), np.maximum(a, b)], 1)
        return {(int(i), int(j)): chosen[(pair == (i, j)).all(1)] for i, j in np.unique(pair[a != b], axis=0)}

    def contacts(self) -> list[Patch]:
        """Patches of the facets between two groups; on a line, its single points."""
        faces = sx.faces_of(self._cells)
        corner = np.repeat(np.arange(len(faces)), len(self._cells))
        facets = faces.reshape(-1, faces.shape[2])
        out = []
        for (i, j), chosen in self._shared.items():
            tag = f"{self.labels[i]} | {self.labels[j]}"
            if facets.shape[1] == 1:
                normals = np.where(corner[chosen] == 0, 1.0, -1.0)
                ends = zip(self._points[facets[chosen, 0], 0], normals, strict=True)
                out += [_point(tag, float(at), float(normal)) for at, normal in ends]
            else:
                out.append(_surface(tag, self._points, facets[chosen]))
        return out


def _point(tag: str, at: float, normal: float) -> Patch:
    def draw(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        keep = torch.ones(len(u), dtype=torch.bool, device=u.device)
        return u.new_full((len(u), 1), at), u.new_full((len(u), 1), normal), keep

    return Patch(tag, (), 1.0, draw)


def _surface(tag: str, points: sx.Points, facets: sx.Cells) -> Patch:
    facets = facets[sx.hilbert_order(points[facets].mean(1))]
    pick = Pick(points[facets], np.abs(sx.measures(points, facets)))
    at_corners = torch.from_numpy(sx.smooth_normals(facets, sx.normals_of(points, facets), SMOOTH))

    def draw(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        at, which, weights = pick(u)
        normals = (weights[:, :, None] * at_corners.to(u)[which]).sum(1)
        keep = torch.ones(len(u), dtype=torch.bool, device=u.device)
        return at, normals / normals.norm(dim=1, keepdim=True), keep

    return Patch(tag, pick.lengths, pick.measure, draw)
