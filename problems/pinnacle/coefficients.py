"""Random coefficients of PINNacle, made anew from their seed, and their interpolation in PyTorch.

A Gaussian random field g on 256 x 256 nodes of the unit square, with amplitudes 1 / k^2: exp(g) is the
diffusivity of Heat2d-VC, and 12 where g > 0 and 1 elsewhere the coefficient of Wave2d-CG.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]

NODES = 256
SEED = 20220722


@cache
def gaussian_field() -> Array:
    """The field g [256, 256] by y and x, of mean 0 and standard deviation 1."""
    legacy = np.random.RandomState(SEED)
    real, imaginary = legacy.randn(NODES, NODES), legacy.randn(NODES, NODES)
    k = np.fft.fftfreq(NODES, 1 / NODES)
    amplitude = 1 / (k[:, None] ** 2 + k**2 + 1e-10)
    amplitude[0, 0] = 0
    field = np.fft.ifft2((real + 1j * imaginary) * amplitude).real
    return np.asarray((field - field.mean()) / field.std())


def diffusivity() -> Array:
    """The coefficient exp(g) [256, 256] by y and x."""
    return np.exp(gaussian_field())


def two_valued() -> Array:
    """The coefficient [256, 256] by y and x that is 12 where g is positive and 1 elsewhere."""
    return np.where(gaussian_field() > 0, 12.0, 1.0)


class Grid:
    """Values at equidistant nodes of the unit square as a function, constant or linear between them.

    Args:
        values: [n, n], by y and x.
        linear: Whether to interpolate linearly; otherwise the nearest node counts.
    """

    def __init__(self, values: Array, linear: bool) -> None:
        self._values = torch.from_numpy(np.ascontiguousarray(values))
        self._linear = linear

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """Values [N] at coordinates [N] each, of the nearest place of the square where they are outside."""
        values, last = self._values.to(x), len(self._values) - 1
        columns, rows = (last * c.clamp(0, 1) for c in (x, y))
        if not self._linear:
            return values[rows.round().long(), columns.round().long()]
        i, j = rows.detach().long().clamp(max=last - 1), columns.detach().long().clamp(max=last - 1)
        s, t = rows - i, columns - j
        lower = (1 - t) * values[i, j] + t * values[i, j + 1]
        upper = (1 - t) * values[i + 1, j] + t * values[i + 1, j + 1]
        return (1 - s) * lower + s * upper
