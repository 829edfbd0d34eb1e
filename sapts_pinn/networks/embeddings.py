"""Embeddings of the inputs: random Fourier features, periodic coordinates."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from ..derivatives.activations import cosine, sine
from ..derivatives.taylor import Channels, apply_elementwise
from ..errors import InputError
from .base import Network


class FourierFeatures(Network):
    """Random Fourier features, x -> (cos Bx, sin Bx) with B ~ N(0, (pi scale)^2).

    Source: Tancik et al., arXiv:2006.10739.

    Args:
        inputs: Number of inputs.
        count: Number of frequencies; there are 2 count outputs.
        scale: Standard deviation of the frequencies, in half periods over the inputs' range [-1, 1].
        generator: Draws B.
    """

    frequencies: Tensor

    def __init__(self, inputs: int, count: int, scale: float, generator: Generator | None = None) -> None:
        super().__init__()
        draw = torch.randn(count, inputs, generator=generator, dtype=torch.float64)
        self.register_buffer("frequencies", (math.pi * scale * draw).float())

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs] -> [N, 2 count]."""
        angle = x @ self.frequencies.T
        return torch.cat([torch.cos(angle), torch.sin(angle)], -1)

    def taylor(self, jet: Tensor, channels: Channels) -> Tensor:
        """Carry a Taylor jet [C, N, inputs] through the embedding, to [C, N, 2 count]."""
        angle = jet @ self.frequencies.T
        return torch.cat([apply_elementwise(f, angle, channels) for f in (cosine, sine)], -1)


class PeriodicEmbedding(Network):
    """Embedding that makes a network periodic in an input: cos and sin of its harmonics 1 .. count.

    Args:
        axis: Position of the input.
        period: Its period, in the unit of the input.
        count: Number of harmonics.
    """

    def __init__(self, axis: int, period: float, count: int = 1) -> None:
        super().__init__()
        if not (period > 0 and count >= 1):
            raise InputError(f"period must be positive and count at least 1, not {period} and {count}")
        self.axis, self.period, self.count = axis, period, count

    def angles(self, x: Tensor) -> Tensor:
        """Angles of all harmonics, [..., count]."""
        harmonics = torch.arange(1, self.count + 1, dtype=x.dtype, device=x.device)
        return x[..., self.axis : self.axis + 1] * (2 * math.pi / self.period) * harmonics

    def forward(self, x: Tensor) -> Tensor:
        """[N, W] -> [N, W - 1 + 2 count]; the other inputs keep their order and come first."""
        angle = self.angles(x)
        others = torch.cat([x[..., : self.axis], x[..., self.axis + 1 :]], -1)
        return torch.cat([others, torch.cos(angle), torch.sin(angle)], -1)

    def taylor(self, jet: Tensor, channels: Channels) -> Tensor:
        """Carry a Taylor jet [C, N, W] through the embedding, to [C, N, W - 1 + 2 count]."""
        angle = self.angles(jet)
        others = torch.cat([jet[..., : self.axis], jet[..., self.axis + 1 :]], -1)
        return torch.cat([others, *(apply_elementwise(f, angle, channels) for f in (cosine, sine))], -1)
