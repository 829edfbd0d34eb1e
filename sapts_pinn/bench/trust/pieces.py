"""Random functions that the data of random problems are sums of: windows, peaks, waves and tables.

Windows are coded in every way people code them, because a symmetry search sees different operations in each.
Every piece varies along every coordinate.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

Piece = Callable[[Tensor], Tensor]  # of unit coordinates [N, dim], values [N] of size one

SMALLEST = 1e-3  # width of a window, of the domain


# The indicator function of |r| < 1, coded in several ways.
INSIDE: tuple[Piece, ...] = (
    lambda r: (r.abs() < 1).double(),
    lambda r: torch.where((r > -1) & (r < 1), 1.0, 0.0).double(),
    lambda r: torch.where(r**2 < 1, torch.ones_like(r), torch.zeros_like(r)),
    lambda r: 1.0 - torch.gt(torch.abs(r), 1).to(torch.float64),
    lambda r: (torch.sign(r + 1) - torch.sign(r - 1)) / 2,
    lambda r: torch.clamp(1 - r.abs(), min=0),  # a hat
    lambda r: torch.relu(1 - r**2),
    lambda r: torch.maximum(1 - r**2, torch.zeros_like(r)) ** 2,
    lambda r: (torch.floor(r / 2 + 0.5) == 0).double(),
    lambda r: 0.5 * (torch.tanh(40 * (r + 1)) - torch.tanh(40 * (r - 1))),
)


def _window(draw: np.random.Generator, dim: int) -> Piece:
    """A box or a ball somewhere."""
    width = 10 ** draw.uniform(math.log10(SMALLEST), math.log10(0.3), dim)
    middle = draw.uniform(width / 2, 1 - width / 2)
    way, round_ = int(draw.integers(len(INSIDE))), dim > 1 and draw.random() < 0.3
    centre, half = torch.from_numpy(middle), torch.from_numpy(width / 2)
    if round_:
        radius = float(half.min())
        return lambda p: INSIDE[way % 3](((p - centre) ** 2).sum(1).sqrt() / radius)

    def piece(p: Tensor) -> Tensor:
        out = torch.ones_like(p[:, 0])
        for i in range(dim):
            out = out * INSIDE[way]((p[:, i] - centre[i]) / half[i])
        return out

    return piece


def _peak(draw: np.random.Generator, dim: int) -> Piece:
    """A Gaussian, Lorentzian or hyperbolic secant, wide or narrow."""
    width = 10 ** draw.uniform(-3, -0.5)
    centre = torch.from_numpy(draw.uniform(0.05, 0.95, dim))
    way = int(draw.integers(3))

    def piece(p: Tensor) -> Tensor:
        r2 = ((p - centre) ** 2).sum(1) / width**2
        if way == 0:
            return torch.exp(-r2 / 2)
        return 1 / (1 + r2) if way == 1 else 1 / torch.cosh(torch.sqrt(r2 + 1e-30).clamp(max=300))

    return piece


def _wave(draw: np.random.Generator, dim: int) -> Piece:
    frequency, phase = torch.from_numpy(draw.uniform(0.5, 6, dim)), draw.uniform(0, 6)
    return lambda p: torch.sin((p * frequency).sum(1) + phase)


def _table(draw: np.random.Generator, dim: int) -> Piece:
    """Interpolated outside torch, where nothing shows but values."""
    knots, values = np.linspace(0, 1, 33), draw.standard_normal((dim, 33))

    def piece(p: Tensor) -> Tensor:
        columns = p.detach().numpy()
        out = np.ones(len(columns))
        for i in range(dim):
            out = out * np.interp(columns[:, i], knots, values[i])
        return torch.from_numpy(out)

    return piece


PIECES = {"window": _window, "peak": _peak, "wave": _wave, "table": _table}
LIKELY = [0.45, 0.25, 0.25, 0.05]


def random_piece(draw: np.random.Generator, dim: int) -> tuple[str, Piece]:
    """Name and function, which varies along every coordinate."""
    name = str(draw.choice([*PIECES], p=LIKELY))
    return name, PIECES[name](draw, dim)


def symmetrised(piece: Piece, parity: Sequence[int | None]) -> Piece:
    """The sum of a piece and its mirror images, with their signs; None leaves a coordinate alone."""
    axes = [i for i, sign in enumerate(parity) if sign is not None]

    def total(p: Tensor) -> Tensor:
        out = torch.zeros_like(p[:, 0])
        for flips in itertools.product((False, True), repeat=len(axes)):
            q, sign = p.clone(), 1
            for axis, flip in zip(axes, flips, strict=True):
                if flip:
                    q[:, axis] = 1 - q[:, axis]
                    sign *= parity[axis] or 1
            out = out + sign * piece(q)
        return out

    return total
