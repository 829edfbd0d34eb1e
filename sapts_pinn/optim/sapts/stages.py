"""Stages of a network as subdomains of SAPTS."""

from __future__ import annotations

import torch
from torch import Tensor

from ...parallel.communicator import Communicator
from ...subproblem import InnerProducts


class ShardedProducts(InnerProducts):
    """Products of vectors that consist of stages: summed over this rank's stages, then over the ranks."""

    def __init__(self, communicator: Communicator) -> None:
        self.communicator = communicator
        self.sizes: list[int] = []  # of this rank's stages

    def gram(self, rows: Tensor, others: Tensor) -> Tensor:
        """The products of rows [r, n] with others [k, n], [r, k]."""
        own = torch.zeros(len(rows), len(others), dtype=torch.float64, device=rows.device)
        for a, b in zip(rows.split(self.sizes, 1), others.split(self.sizes, 1), strict=True):
            # Copies, because the last bits of a product depend on where in memory a vector begins.
            own += a.to(torch.float64, copy=True) @ b.to(torch.float64, copy=True).T
        return self.communicator.all_reduce(own).cpu()
