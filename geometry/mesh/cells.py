"""Quadrature on a mesh: Gauss-Legendre nodes in every cell, and in every facet of a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..quadrature import Integrable, Nodes, Rule, simplices
from .simplices import measures

if TYPE_CHECKING:
    from .mesh import Mesh


class CellQuadrature(Integrable):
    """Quadrature of a mesh, by its cells."""

    def quadrature(self: Mesh, rule: Rule) -> Nodes:  # type: ignore[misc]
        """Nodes and weights in the cells; of a closed surface there are none."""
        if self.cells is None:
            return Integrable.quadrature(self, rule)
        corners, measure = self.points[self.cells], np.abs(measures(self.points, self.cells))
        return simplices(torch.from_numpy(corners), torch.from_numpy(measure), rule.single())

    def face_quadrature(self: Mesh, tag: str, rule: Rule) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[misc]
        """Nodes, normals and weights in the facets of a face."""
        held = self.facet_tags == self.faces.index(tag)
        corners, measure = self.points[self.facets[held]], self._facet_measure[held]
        points, weights = simplices(torch.from_numpy(corners), torch.from_numpy(measure), rule.single())
        normals = torch.from_numpy(self.normals[held])
        return points, normals.repeat_interleave(len(points) // len(normals), 0), weights
