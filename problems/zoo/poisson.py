"""Poisson's equation, -(u_xx + u_yy + ...) = f: the problem every method for elliptic equations starts with.

All but the L-shape are manufactured: u is chosen, f and the boundary values follow.  What makes each hard:

    poisson_1d           nothing; a method that fails here is wrong
    poisson_multiscale   two scales, 25 waves of a tenth the height on top of one: networks learn low
                         frequencies first (Wang, Wang and Perdikaris, CMAME 384, 2021, section 2)
    poisson_2d           k = 1 is easy; k = 4 has 16 cells and a right-hand side 16 times as large
    poisson_3d           points fill three dimensions more thinly
    poisson_5d           no grid any more; every boundary face carries data of its own
    poisson_lshape       a re-entrant corner, where u behaves like r^(2/3) and its gradient is infinite;
                         DeepXDE's example domain
    poisson_interface    a coefficient that jumps by a factor of 100 across a circle, and so does the gradient
"""

from __future__ import annotations

from math import pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import InputError
from ...geometry import Box, Interval, Polygon
from .. import references
from ..conditions.boundary import Dirichlet
from ..conditions.interface import Interface
from ..fields import Field
from ..problem import Problem


def poisson_1d() -> Problem:
    """-u'' = pi^2 sin(pi x) on (0, 1), u = 0 at the ends: u = sin(pi x)."""
    return Problem(
        domain=Interval(0, 1),
        unknowns="u",
        equation=lambda u, x: u.xx + pi**2 * torch.sin(pi * x),
        conditions=[Dirichlet("u", 0.0)],
        reference=references.analytic(lambda x: np.sin(pi * x), {"x": (0, 1)}),
        name="poisson-1d",
    )


def poisson_multiscale() -> Problem:
    """-u'' = f on (0, 1), u = 0 at the ends: u = sin(2 pi x) + 0.1 sin(50 pi x)."""
    return Problem(
        domain=Interval(0, 1),
        unknowns="u",
        equation=lambda u, x: (
            u.xx + (2 * pi) ** 2 * torch.sin(2 * pi * x) + 0.1 * (50 * pi) ** 2 * torch.sin(50 * pi * x)
        ),
        conditions=[Dirichlet("u", 0.0)],
        reference=references.analytic(
            lambda x: np.sin(2 * pi * x) + 0.1 * np.sin(50 * pi * x), {"x": (0, 1)}
        ),
        name="poisson-multiscale",
    )


def poisson_2d(k: int = 1) -> Problem:
    """-(u_xx + u_yy) = 2 k^2 pi^2 u* on the unit square, u = 0 on its boundary: u* = sin(k pi x) sin(k pi y).

    Args:
        k: Half waves along each side.

    Raises:
        InputError: k is not a positive whole number: u* would not vanish on the boundary.
    """
    if k != int(k) or k < 1:
        raise InputError(f"poisson_2d needs a whole number k of at least 1, not {k}")
    return Problem(
        domain=Box((0, 0), (1, 1)),
        unknowns="u",
        equation=lambda u, x, y: (
            u.xx + u.yy + 2 * (k * pi) ** 2 * torch.sin(k * pi * x) * torch.sin(k * pi * y)
        ),
        conditions=[Dirichlet("u", 0.0)],
        reference=references.analytic(
            lambda x, y: np.sin(k * pi * x) * np.sin(k * pi * y), {"x": (0, 1), "y": (0, 1)}
        ),
        name="poisson-2d" if k == 1 else f"poisson-2d-k{k}",
    )


def poisson_3d() -> Problem:
    """-(u_xx + u_yy + u_zz) = 3 pi^2 u* on the unit cube, u = 0: u* = sin(pi x) sin(pi y) sin(pi z)."""
    return Problem(
        domain=Box((0, 0, 0), (1, 1, 1)),
        unknowns="u",
        equation=lambda u, x, y, z: (
            u.xx + u.yy + u.zz + 3 * pi**2 * torch.sin(pi * x) * torch.sin(pi * y) * torch.sin(pi * z)
        ),
        conditions=[Dirichlet("u", 0.0)],
        reference=references.analytic(
            lambda x, y, z: np.sin(pi * x) * np.sin(pi * y) * np.sin(pi * z),
            {"x": (0, 1), "y": (0, 1), "z": (0, 1)},
        ),
        name="poisson-3d",
    )


def poisson_5d() -> Problem:
    """-(u_x1x1 + ... + u_x5x5) = pi^2 u* on [0, 1]^5, u = u* on its boundary: u* = sum_i cos(pi x_i)."""

    def cosines(x1: Tensor, x2: Tensor, x3: Tensor, x4: Tensor, x5: Tensor) -> Tensor:
        return sum((torch.cos(pi * x) for x in (x1, x2, x3, x4, x5)), torch.zeros_like(x1))

    def equation(u: Field, x1: Tensor, x2: Tensor, x3: Tensor, x4: Tensor, x5: Tensor) -> Tensor:
        laplacian: Tensor = u.x1x1 + u.x2x2 + u.x3x3 + u.x4x4 + u.x5x5
        return laplacian + pi**2 * cosines(x1, x2, x3, x4, x5)

    names = ("x1", "x2", "x3", "x4", "x5")
    return Problem(
        domain=Box([0] * 5, [1] * 5, names),
        unknowns="u",
        equation=equation,
        conditions=[Dirichlet("u", cosines)],
        reference=references.analytic(
            lambda **x: sum(np.cos(pi * column) for column in x.values()), {name: (0, 1) for name in names}
        ),
        name="poisson-5d",
    )


def poisson_lshape() -> Problem:
    """-(u_xx + u_yy) = 1 on [-1, 1]^2 without x > 0, y > 0; u = 0 on the boundary."""
    return Problem(
        domain=Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)]),
        unknowns="u",
        equation=lambda u: u.xx + u.yy + 1,
        conditions=[Dirichlet("u", 0.0)],
        reference=references.poisson_lshape(),
        name="poisson-lshape",
    )


def poisson_interface(inside: float = 100.0, radius: float = 0.5) -> Problem:
    """(k u_x)_x + (k u_y)_y = 4 on (-1, 1)^2, k = `inside` within a circle and 1 outside.

    The solution is r^2 / k plus a constant on each side, so that k du/dr = 2 r is continuous and du/dr jumps.
    A standard test of immersed interface methods (LeVeque and Li, SIAM J. Numer. Anal. 31 (1994)).
    """

    def k(x: Tensor, y: Tensor) -> Tensor:
        return torch.where(x**2 + y**2 < radius**2, inside, 1.0)

    def exact(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        r2 = x**2 + y**2
        return np.where(r2 < radius**2, r2 / inside, r2 + (1 / inside - 1) * radius**2)

    return Problem(
        domain=Box((-1, -1), (1, 1)),
        unknowns="u",
        equation=lambda u, x, y: k(x, y) * (u.xx + u.yy) - 4,
        conditions=[
            Dirichlet("u", lambda x, y: x**2 + y**2 + (1 / inside - 1) * radius**2),
            Interface(
                at=lambda x, y: x**2 + y**2 - radius**2,
                flux=lambda u, x, y, n_x, n_y: k(x, y) * (u.x * n_x + u.y * n_y),
            ),
        ],
        reference=references.analytic(exact, {"x": (-1, 1), "y": (-1, 1)}),
        name="poisson-interface",
    )
