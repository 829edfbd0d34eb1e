"""Map of the unit cube onto a row of simplices, uniform by measure."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .simplices import Points


class Pick:
    """Map of the unit cube onto simplices in a row, uniform by measure.

    Args:
        corners: [S, k + 1, dim], neighbours near each other.
        measure: [S], positive.
    """

    def __init__(self, corners: Points, measure: Points) -> None:
        self._corners = torch.from_numpy(corners)
        ends = np.cumsum(measure)
        self.measure = float(ends[-1])
        ends /= ends[-1]
        self._ends, self._k = torch.from_numpy(ends), corners.shape[1] - 1
        # As if the row were straight: long, and as wide as a cell.
        width = (self.measure / len(corners)) ** (1 / self._k) if self._k else 1.0
        self.lengths = (self.measure / width ** (self._k - 1), *[width] * (self._k - 1)) if self._k else ()

    def __call__(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Points [N, dim] from [N, k], the numbers [N] of their simplices, weights [N, k + 1] of corners."""
        ends = self._ends.to(u)
        which = torch.searchsorted(ends, u[:, 0].contiguous(), right=True).clamp_max(len(ends) - 1)
        start = torch.where(which > 0, ends[(which - 1).clamp_min(0)], 0.0)
        t = ((u[:, 0] - start) / (ends[which] - start)).clamp(0, 1)
        corners = self._corners.to(u.device)[which].to(u)
        left, points, weights = torch.ones_like(t), torch.zeros_like(corners[:, 0]), []
        for i in range(self._k):
            rest = (t if i == 0 else u[:, i]) ** (1 / (self._k - i))
            weights.append(left * (1 - rest))
            points = points + weights[-1][:, None] * corners[:, i]
            left = left * rest
        return points + left[:, None] * corners[:, -1], which, torch.stack([*weights, left], 1)
