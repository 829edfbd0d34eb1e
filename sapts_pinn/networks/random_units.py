"""Hidden units with random weights, s(w_k . z(x) + b_k): one layer that is drawn and not trained.

Sources: Huang, Zhu and Siew, Extreme learning machine (2006); for differential equations Dong and Li, Local
extreme learning machines, arXiv:2012.02895.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Units:
    """Weights of a hidden layer.

    Attributes:
        weights: [K, F].
        shifts: [K].
    """

    weights: Tensor
    shifts: Tensor

    @property
    def count(self) -> int:
        """Number of units K."""
        return len(self.shifts)

    @classmethod
    def draw(
        cls, count: int, sizes: Sequence[float], waves: bool, generator: Generator, spread: float = 1.0
    ) -> Units:
        """Draw units.

        Args:
            count: K.
            sizes: [F], standard deviations of the weights, a typical slope for each input over sqrt F.
            waves: Whether the units are sines, with any phase; else a unit bends where its argument is zero,
                somewhere in the box [-1, 1]^F.
            generator: All randomness.
            spread: The weights of a unit are smaller by a factor between one and this, uniformly in the
                logarithm, as a function has several scales; 1 for none.
        """
        size = torch.tensor(list(sizes), dtype=torch.float64)
        finer = spread ** -torch.rand(count, 1, generator=generator, dtype=torch.float64)
        weights = torch.randn(count, len(size), generator=generator, dtype=torch.float64) * size * finer
        if waves:
            return cls(weights, 2 * math.pi * torch.rand(count, generator=generator, dtype=torch.float64))
        centre = 2 * torch.rand(count, len(size), generator=generator, dtype=torch.float64) - 1
        return cls(weights, -(weights * centre).sum(1))
