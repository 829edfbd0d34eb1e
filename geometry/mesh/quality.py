"""The quality of the cells of a mesh: smallest angle and aspect ratio.

The aspect ratio of a simplex is its longest edge over the diameter of its inscribed ball, scaled so that it
is 1 for a regular one; with volume V, surface A and dimension d the radius of that ball is d V / A.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from . import simplices as sx
from .mesh import Mesh


@dataclass(frozen=True)
class Quality:
    """Quality of the cells of a mesh, or of the facets of a closed surface.

    Attributes:
        cells: Number of cells, or of facets of a surface.
        facets: Number of facets of its boundary.
        smallest_angle: Between two edges of a cell, in degrees; 180 on a line.
        aspect: The largest aspect ratio.
    """

    cells: int
    facets: int
    smallest_angle: float
    aspect: float

    def __str__(self) -> str:
        return (
            f"{self.cells} cells, {self.facets} facets of the boundary, smallest angle "
            f"{self.smallest_angle:.3g} "
            f"degrees, largest aspect ratio {self.aspect:.3g}"
        )


def quality_of(mesh: Mesh) -> Quality:
    """The quality of a mesh."""
    cells = mesh.facets if mesh.cells is None else mesh.cells
    corners = mesh.points[cells]
    k = cells.shape[1] - 1
    if k < 2:
        return Quality(len(cells), len(mesh.facets), 180.0, 1.0)
    angle = math.pi
    for i in range(k + 1):
        for a, b in itertools.combinations([j for j in range(k + 1) if j != i], 2):
            p, q = corners[:, a] - corners[:, i], corners[:, b] - corners[:, i]
            cosine = (p * q).sum(1) / (np.linalg.norm(p, axis=1) * np.linalg.norm(q, axis=1))
            angle = min(angle, float(np.arccos(cosine.clip(-1, 1)).min()))
    longest = np.max(
        [
            np.linalg.norm(corners[:, a] - corners[:, b], axis=1)
            for a, b in itertools.combinations(range(k + 1), 2)
        ],
        axis=0,
    )
    surface = sum(
        np.abs(sx.measures(mesh.points, cells[:, [j for j in range(k + 1) if j != i]])) for i in range(k + 1)
    )
    radius = k * np.abs(sx.measures(mesh.points, cells)) / surface
    regular = math.sqrt(2 * k * (k + 1))  # longest edge over that radius, of a regular simplex
    return Quality(
        len(cells), len(mesh.facets), math.degrees(angle), float((longest / radius).max()) / regular
    )
