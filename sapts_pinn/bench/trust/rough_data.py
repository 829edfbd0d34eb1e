"""Problems with kinks and jumps in their data, or derivatives unknown to autograd, with their solutions."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import Box, Interval, Time
from ...problems import Dirichlet, Initial, Neumann, Problem

Array = NDArray[np.float64]


def hat(x: Tensor) -> Tensor:
    """A string plucked at 0.3, or the temperature of the same form."""
    return torch.where(x < 0.3, x / 0.3, (1 - x) / 0.7)


def hat_coefficients(terms: int = 2_000) -> tuple[Array, Array]:
    """n, and the sine coefficients of `hat`."""
    n = np.arange(1.0, terms + 1)
    return n, 2 * np.sin(0.3 * n * pi) / (n**2 * pi**2 * 0.3 * 0.7)


def hat_heat(x: float, t: float) -> float:
    """Heat from the hat, by its sine series."""
    n, b = hat_coefficients()
    return float(np.sum(b * np.sin(n * pi * x) * np.exp(-((n * pi) ** 2) * t)))


def hat_wave(x: float, t: float) -> float:
    """The plucked string, by d'Alembert: the mean of the odd periodic continuation at x - t and x + t."""

    def odd(s: float) -> float:
        s = (s + 1) % 2 - 1
        return math.copysign(abs(s) / 0.3 if abs(s) < 0.3 else (1 - abs(s)) / 0.7, s)

    return (odd(x - t) + odd(x + t)) / 2


def heated(initial: Callable[[Tensor], Tensor]) -> Problem:
    """u_t = u_xx on (0, 1) to t = 0.2, u = 0 at the ends."""
    return Problem(
        Interval(0, 1) * Time(0, 0.2),
        "u",
        lambda u: u.t - u.xx,
        [Dirichlet("u", 0.0, on="x"), Initial("u", lambda x: initial(x))],
    )


def plucked() -> Problem:
    """u_tt = u_xx on (0, 1) from the hat at rest."""
    return Problem(
        Interval(0, 1) * Time(0, 1),
        "u",
        lambda u: u.tt - u.xx,
        [Dirichlet("u", 0.0, on="x"), Initial("u", hat, 0.0)],
    )


def step_advected() -> Problem:
    """u_t + u_x = 0 from a step at 0.2, which fills up from the left."""
    return Problem(
        Interval(0, 1) * Time(0, 0.5),
        "u",
        lambda u: u.t + u.x,
        [Dirichlet("u", 1.0, on="x=0"), Initial("u", lambda x: torch.where(x < 0.2, 1.0, 0.0))],
    )


def hat_on_wall() -> Problem:
    """Laplace on the unit square, a hat on one wall and zero on the others."""
    return Problem(
        Box((0, 0), (1, 1)),
        "u",
        lambda u: u.xx + u.yy,
        [
            Dirichlet("u", lambda x: 1 - (2 * x - 1).abs(), on="y=0"),
            Dirichlet("u", 0.0, on=("y=1", "x=0", "x=1")),
        ],
    )


def hat_wall_series(x: float, y: float) -> float:
    """`hat_on_wall` by its sine series."""
    n = np.arange(1, 100)
    b = 8 * np.sin(n * pi / 2) / (n * pi) ** 2
    decay = np.exp(-n * pi * y) * (1 - np.exp(-2 * n * pi * (1 - y))) / (1 - np.exp(-2 * n * pi))
    return float(np.sum(b * np.sin(n * pi * x) * decay))


def tabulated(x: Tensor) -> Tensor:
    """sin(pi x) from a table of eleven values, linearly interpolated."""
    nodes = torch.linspace(0, 1, 11, dtype=x.dtype)
    values = torch.sin(pi * nodes)
    i = (torch.searchsorted(nodes, x.detach().contiguous()) - 1).clamp(0, 9)
    s = (x - nodes[i]) / 0.1
    return (1 - s) * values[i] + s * values[i + 1]


def splined(x: Tensor) -> Tensor:
    """sin(pi x) by a cubic spline of SciPy, which PyTorch cannot differentiate."""
    from scipy.interpolate import CubicSpline

    nodes = np.linspace(0, 1, 41)
    spline = CubicSpline(nodes, np.sin(pi * nodes))
    return torch.as_tensor(spline(x.detach().numpy()), dtype=x.dtype)


def cooling_disc() -> Problem:
    """u_t = u_rr + u_r / r from the first Bessel mode, u = 0 at r = 1."""
    return Problem(
        Interval(0, 1, "r") * Time(0, 0.3),
        "u",
        lambda u, r: r * u.t - r * u.rr - u.r,
        [
            Dirichlet("u", 0.0, on="r=1"),
            Neumann("u", 0.0, on="r=0"),
            Initial("u", lambda r: torch.special.bessel_j0(2.404825557695773 * r)),
        ],
    )
