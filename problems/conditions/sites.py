"""Places at which a term of the loss is evaluated."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sites:
    """Points at which a term of the loss is evaluated, with normals, data and a weight.

    Attributes:
        points: [N, dim].
        normals: [N, dim] outward unit normals, or None inside the domain.
        values: [N] data that belongs to the points, or [N, 2] with its relative noise, or None.
        fold: Points i, i + N/fold, ... belong to one residual (2 for periodic pairs, else 1).
        weight: Balanced weight of the term at these places; None leaves the term its own weight.
    """

    points: Tensor
    normals: Tensor | None = None
    values: Tensor | None = None
    fold: int = 1
    weight: float | None = None

    @property
    def first(self) -> Tensor:
        """The first point of each residual, [N / fold, dim]."""
        return self.points[: self.points.shape[0] // self.fold]

    def places(self, rows: Tensor) -> Tensor:
        """Numbers of the points that belong to some residuals, [fold * k] for [k] of these."""
        block = self.points.shape[0] // self.fold
        return torch.cat([rows + i * block for i in range(self.fold)])

    def of(self, rows: Tensor) -> Sites:
        """Select the sites of some residuals, by their numbers."""
        index = self.places(rows)
        return replace(
            self,
            points=self.points[index],
            normals=None if self.normals is None else self.normals[index],
            values=None if self.values is None else self.values[index],
        )
