"""Burgers1d-C and Burgers2d-C: shocks from smooth initial values.

The first is the zoo's.  Its published reference file is 1.3e-2 away from the Cole-Hopf formula; ours is that
formula, on the file's points.

The second starts from random waves of period 1 on a square of side 4, drawn as the published generator does.
Its files are interpolated linearly; here the waves themselves are the initial values.  They are periodic in
value and, as `Periodic` means it, in the first derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from math import pi

import numpy as np
import torch
from torch import Tensor

from ...geometry import Box, Time
from ..conditions.boundary import Periodic
from ..conditions.initial import Initial
from ..fields import Field
from ..problem import Problem
from ..references import Array, Reference, _grid
from ..zoo import burgers as zoo
from .coefficients import SEED
from .stored import on_grid


def burgers_1d() -> Problem:
    """u_t + u u_x = 0.01 / pi u_xx on [-1, 1] x [0, 1] from -sin(pi x), u = 0 at the ends."""
    known = zoo.burgers()
    assert isinstance(known.reference, Reference)
    reference = replace(
        known.reference, test_points=lambda: _grid(x=np.linspace(-1, 1, 101), t=np.linspace(0, 1, 11))
    )
    return replace(known, reference=reference, name="pinnacle-burgers1d-c")


def burgers_2d() -> Problem:
    """w_t + u w_x + v w_y = 0.001 Laplace w for w = u and v, on [0, 4]^2 x [0, 1], periodic in x and y."""

    def equation(u: Field, v: Field) -> tuple[Tensor, Tensor]:
        return (
            u.t + u * u.x + v * u.y - 1e-3 * (u.xx + u.yy),
            v.t + u * v.x + v * v.y - 1e-3 * (v.xx + v.yy),
        )

    def start(number: int) -> Callable[[Tensor, Tensor], Tensor]:
        (a, b), shift = (torch.from_numpy(c) for c in _waves()[:2]), float(_waves()[2][number])

        def value(x: Tensor, y: Tensor) -> Tensor:
            out = torch.full_like(x, shift)
            for i in range(4):
                for j in range(4):
                    angle = 2 * pi * (i * x + j * y)
                    out = out + a[number, i, j] * torch.sin(angle) + b[number, i, j] * torch.cos(angle)
            return out

        return value

    return Problem(
        domain=Box((0, 0), (4, 4)) * Time(0, 1),
        unknowns=("u", "v"),
        equation=equation,
        conditions=[
            Periodic("x"),
            Periodic("y"),
            Initial("u", lambda x, y: start(0)(x, y)),
            Initial("v", lambda x, y: start(1)(x, y)),
        ],
        reference=on_grid(
            "burgers2d_c", "Fourier modes on one period", 1e-2, ("u", "v"), period={"x": 1.0, "y": 1.0}
        ),
        name="pinnacle-burgers2d-c",
    )


def initial_values(x: Array, y: Array) -> Array:
    """Initial u and v, [2, ...] at coordinates [...]."""
    a, b, shift = _waves()
    out = np.stack([np.full(x.shape, s) for s in shift])
    for i in range(4):
        for j in range(4):
            angle = 2 * pi * (i * x + j * y)
            out += np.multiply.outer(a[:, i, j], np.sin(angle)) + np.multiply.outer(b[:, i, j], np.cos(angle))
    return out


@cache
def _waves() -> tuple[Array, Array, Array]:
    """Amplitudes of sines and cosines, [2, 4, 4] each, and constants [2], of u and v."""
    legacy = np.random.RandomState(SEED)
    a_u, b_u, a_v, b_v = (legacy.randn(4, 4) for _ in range(4))
    shift = legacy.randn(2)
    x = np.arange(128) / 128  # the published generator's grid, one of its 4 x 4 periods
    angle = 2 * pi * np.add.outer(np.arange(4)[:, None] * x, np.zeros(1))[..., 0]
    waves = np.exp(1j * angle)  # [4, 128]
    largest = max(
        float(np.einsum("ij,ix,jy->xy", b - 1j * a, waves, waves).real.max())
        for a, b in ((a_u, b_u), (a_v, b_v))
    )
    return 2 / largest * np.stack([a_u, a_v]), 2 / largest * np.stack([b_u, b_v]), shift
