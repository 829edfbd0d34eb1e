"""Wave1d-C, Wave2d-CG and Wave2d-MS: standing waves, a medium of two speeds, and a long time.

Wave2d-MS is published with a solution that does not satisfy its equation, and without an initial velocity,
which leaves it undetermined.  Here the velocity is zero, as that of the published formula is, and the
reference is the solution of the equation with these data.

The coefficient of Wave2d-CG is made from its seed and interpolated linearly, as the published code does.
"""

from __future__ import annotations

from dataclasses import replace
from math import pi, sinh

import numpy as np
import torch
from torch import Tensor

from ...geometry import Box, Time
from ..conditions.boundary import Dirichlet, Neumann
from ..conditions.initial import Initial
from ..problem import Problem
from ..references import Array, _grid, _reference
from ..zoo import wave as zoo
from .coefficients import Grid, two_valued
from .stored import on_grid

MODES = 1000


def wave_1d() -> Problem:
    """u_tt = 4 u_xx on [0, 1]^2 from sin(pi x) + sin(4 pi x) / 2 at rest, u = 0 at the ends."""
    return replace(zoo.wave(4), name="pinnacle-wave1d-c")


def wave_2d_cg() -> Problem:
    """u_tt = c (u_xx + u_yy) on [-1, 1]^2 x [0, 5] from a bump at rest, du/dn = 0 on the sides.

    c goes from 1 to 12.
    """
    c = Grid(two_valued(), linear=True)
    return Problem(
        domain=Box((-1, -1), (1, 1)) * Time(0, 5),
        unknowns="u",
        equation=lambda u, x, y: u.xx + u.yy - u.tt / c((x + 1) / 2, (y + 1) / 2),
        conditions=[
            Neumann("u", 0.0),
            Initial("u", lambda x, y: torch.exp(-((x + 0.5) ** 2 + y**2) / 0.18), velocity=0.0),
        ],
        reference=on_grid("wave2d_cg", "differences of order 2, extrapolated", 1e-2),
        name="pinnacle-wave2d-cg",
    )


def wave_2d_ms() -> Problem:
    """u_tt = u_xx + 2 u_yy on [0, 1]^2 x [0, 100], start and sides given by `claimed`, at rest at first."""
    bounds = {"x": (0.0, 1.0), "y": (0.0, 1.0), "t": (0.0, 100.0)}

    def given(x: Tensor, y: Tensor, t: Tensor | float = 0.0) -> Tensor:
        shape = torch.sin(pi * x) * torch.sinh(pi * y) + torch.sinh(3 * pi * x) * torch.sin(2 * pi * y)
        return shape * torch.cos(pi * torch.as_tensor(t))

    return Problem(
        domain=Box((0, 0), (1, 1)) * Time(0, 100),
        unknowns="u",
        equation=lambda u: u.tt - u.xx - 2 * u.yy,
        conditions=[
            Dirichlet("u", lambda x, y, t: given(x, y, t)),
            Initial("u", lambda x, y: given(x, y), velocity=0.0),
        ],
        reference=_reference(
            f"sine series of {MODES} terms",
            1e-6,
            bounds,
            wave_2d_ms_solution,
            lambda: _grid(x=np.arange(1, 10) / 10, y=np.arange(1, 10) / 10, t=np.linspace(0, 100, 251)),
        ),
        name="pinnacle-wave2d-ms",
    )


def claimed(x: Array, y: Array, t: Array) -> Array:
    """The published formula, for which u_tt = -(u_xx + 2 u_yy)."""
    shape = np.sin(pi * x) * np.sinh(pi * y) + np.sinh(3 * pi * x) * np.sin(2 * pi * y)
    return np.asarray(shape * np.cos(pi * t))


def wave_2d_ms_solution(x: Array, y: Array, t: Array) -> Array:
    r"""The solution of u_tt = u_xx + 2 u_yy with the data of `claimed`, at rest at first.

    The boundary values belong to the standing wave

        V cos(pi t),   V = sinh(pi) y sin(pi x) + sinh(3 pi) / sinh(b) sinh(b x) sin(2 pi y),   b = sqrt(7) pi

    and what is missing at t = 0 rings with the boundary at rest: a series of sin(n pi y) for the first term,
    of sin(n pi x) for the second, whose coefficients fall like n^-3.
    """
    n, b = np.arange(1, MODES + 1), 7**0.5 * pi
    sign = 2 / pi * (-1.0) ** (n + 1)
    first = -sign * sinh(pi) / (n * (n**2 + 1))
    second = -2 * sign * sinh(3 * pi) * n / ((n**2 + 9) * (n**2 + 7))
    standing = sinh(pi) * y * np.sin(pi * x)
    standing += sinh(3 * pi) / sinh(b) * np.sinh(b * x) * np.sin(2 * pi * y)
    angle = pi * t[:, None]
    ring_y = (np.sin(pi * y[:, None] * n) * np.cos(angle * np.sqrt(1 + 2 * n**2))) @ first
    ring_x = (np.sin(pi * x[:, None] * n) * np.cos(angle * np.sqrt(8 + n**2))) @ second
    return np.asarray(standing * np.cos(pi * t) + np.sin(pi * x) * ring_y + np.sin(2 * pi * y) * ring_x)
