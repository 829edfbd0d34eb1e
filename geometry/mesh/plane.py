"""Meshes that lie in a plane or on a line of space, in coordinates of that plane or line.

Coordinates that do not vary, up to a tolerance, are left out, and the others keep their names.  Where all
vary, the plane (line) of best fit is that of the largest principal components; points are projected onto it,
and are measured along axes within it, the first of them as near to the first coordinate as it can be.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .simplices import Cells, Points

TOLERANCE = 1e-6  # how far points may lie from their plane, relative to the extent of the mesh


@dataclass(frozen=True)
class Plane:
    """Points of a mesh in the coordinates that it needs.

    Attributes:
        points: [P, dim].
        axes: [dim, D], directions of the coordinates in the space of the file.
        names: Names of the coordinates.
        notes: Coordinates that were dropped though not exactly constant.
        warnings: Messages that the coordinates are not those of the file.
    """

    points: Points
    axes: Points
    names: tuple[str, ...] | None
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def flattened(points: Points, used: Cells, full: int) -> Plane:
    """Drop the coordinates that a mesh does not need.

    Args:
        points: [P, D].
        used: The points that count.
        full: Dimension of the cells, 1 to 3; no fewer coordinates are left.
    """
    at = points[used]
    extent = np.ptp(at, axis=0)
    size, space = float(extent.max()), points.shape[1]
    varies = np.flatnonzero(extent > TOLERANCE * size)
    # Of a mesh with fewer cells' dimensions than that, the first coordinates are kept.
    kept = varies if len(varies) >= full else np.sort(np.argsort(-extent, kind="stable")[:full])
    notes, names = [], tuple("xyz"[i] for i in kept) if space <= 3 else None
    noise = float(np.delete(extent, kept).max(initial=0))
    if noise > 1e-12 * size:
        notes.append(f"points lie up to {noise:.2g} off their plane and are projected onto it")
    axes = np.eye(space)[kept]
    if len(kept) == full:
        return Plane(points @ axes.T, axes, names, notes)
    _, vectors = np.linalg.eigh(np.cov((at - at.mean(0))[:, kept].T))
    directions = vectors[:, ::-1].T  # by variance, the largest first
    for dim in range(full, len(kept)):
        off = np.abs((at - at.mean(0))[:, kept] @ directions[dim:].T).max()
        if off > TOLERANCE * size:
            continue
        within = _axes(directions[:dim]) @ axes
        along = ", ".join(
            f"{'xyz'[i]} along ({', '.join(f'{v:.4g}' for v in axis)})" for i, axis in enumerate(within)
        )
        what = "line" if dim == 1 else "plane"
        warning = f"it lies on a tilted {what}: its coordinates are measured on it, {along}"
        return Plane(points @ within.T, within, None, notes, [warning])
    return Plane(points @ axes.T, axes, names, notes)


def _axes(directions: Points) -> Points:
    """Orthonormal axes of the span of directions [d, k], each as near to a coordinate as it can be."""
    onto = directions.T @ directions
    out: list[Points] = []
    for column in onto.T:
        rest = column - sum((column @ a) * a for a in out)
        if np.linalg.norm(rest) > 0.3 and len(out) < len(directions):
            out.append(rest / np.linalg.norm(rest))
    return np.stack(out)
