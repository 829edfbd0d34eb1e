"""Problems whose symmetry is broken in a small part of the domain, with their solutions by series."""

from __future__ import annotations

from collections.abc import Callable
from math import pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import Box, Interval, Time
from ...problems import BoundaryEquation, Dirichlet, Initial, Observations, Problem, Unknown
from ...problems.fields import Field

Array = NDArray[np.float64]


def window_on_square(x0: float, y0: float, width: float) -> Problem:
    """-lap u = 1 on a small square about (x0, y0), 0 elsewhere; u = 0 around the unit square."""

    def source(x: Tensor, y: Tensor) -> Tensor:
        return ((x - x0).abs() < width / 2) & ((y - y0).abs() < width / 2)

    return Problem(
        Box((0, 0), (1, 1)), "u", lambda u, x, y: u.xx + u.yy + source(x, y) * 1.0, [Dirichlet("u", 0.0)]
    )


def window_series(x0: float, y0: float, width: float, x: float, y: float, terms: int = 400) -> float:
    """The solution of `window_on_square` by its double sine series."""
    n = np.arange(1, terms + 1)

    def part(centre: float) -> Array:
        return np.asarray(4 / (n * pi) * np.sin(n * pi * centre) * np.sin(n * pi * width / 2))

    a = part(x0)[:, None] * part(y0)[None] / (pi**2 * (n[:, None] ** 2 + n[None] ** 2))
    return float(np.sin(n * pi * x) @ a @ np.sin(n * pi * y))


def hot_spot(width: float) -> Problem:
    """Heat that starts from a narrow Gaussian off the middle."""
    return Problem(
        Interval(0, 1) * Time(0, 0.1),
        "u",
        lambda u: u.t - u.xx,
        [Dirichlet("u", 0.0, on="x"), Initial("u", lambda x: torch.exp(-(((x - 0.3) / width) ** 2)))],
    )


def heat_series(initial: Callable[[Array], Array], x: float, t: float, terms: int = 400) -> float:
    """Heat on (0, 1) with zero ends, by sine series; coefficients by Gauss-Legendre on 4,000 panels."""
    nodes, weights = np.polynomial.legendre.leggauss(4)
    edges = np.linspace(0, 1, 4_001)
    s = (edges[:-1, None] + (nodes + 1) / 2 * np.diff(edges)[:, None]).ravel()
    w = (weights / 2 * np.diff(edges)[:, None]).ravel()
    n = np.arange(1, terms + 1)
    b = 2 * np.sin(pi * n[:, None] * s) @ (w * initial(s))
    return float(np.sum(b * np.sin(pi * n * x) * np.exp(-((pi * n) ** 2) * t)))


def burst() -> Problem:
    """A source that is on for a short time, at one half of the rod."""
    return Problem(
        Interval(0, 1) * Time(0, 1),
        "u",
        lambda u, x, t: u.t - u.xx - torch.where((t > 0.5) & (t < 0.52) & (x < 0.5), 50.0, 0.0),
        [Dirichlet("u", 0.0, on="x"), Initial("u", 0.0)],
    )


def burst_series(x: float, t: float) -> float:
    """Duhamel's formula for `burst`, after the source is off."""
    n = np.arange(1, 400)
    b = 50.0 * 2 / (n * pi) * (1 - np.cos(n * pi / 2))
    k = (n * pi) ** 2
    amount = (np.exp(-k * (t - 0.52)) - np.exp(-k * (t - 0.5))) / k
    return float(np.sum(b * amount * np.sin(n * pi * x)))


def steel_bar() -> Problem:
    """A bar in SI units, 0.1 m long, held at both ends, with a body force that grows along it."""
    return Problem(
        Interval(0, 0.1), "u", lambda u, x: 210e9 * u.xx + 7.85e4 * x / 0.1, [Dirichlet("u", 0.0, on="x")]
    )


def steel_strip() -> Problem:
    """A steel strip, 0.1 m by 0.01 m, clamped at x = 0, with 10 kPa on its top (plane stress, SI units)."""
    young, poisson = 210e9, 0.3
    a, b = young / (1 - poisson**2), young / (2 * (1 + poisson))

    def stress(u: Field, v: Field) -> tuple[Tensor, Tensor, Tensor]:
        return a * (u.x + poisson * v.y), a * (v.y + poisson * u.x), b * (u.y + v.x)

    def traction(pressure: float) -> Callable[..., tuple[Tensor, Tensor]]:
        def condition(u: Field, v: Field, n_x: Tensor, n_y: Tensor) -> tuple[Tensor, Tensor]:
            xx, yy, xy = stress(u, v)
            return xx * n_x + xy * n_y, xy * n_x + yy * n_y + pressure

        return condition

    return Problem(
        Box((0.0, -0.005), (0.1, 0.005)),
        ("u", "v"),
        lambda u, v: (
            a * u.xx + b * u.yy + (a * poisson + b) * v.xy,
            a * v.yy + b * v.xx + (a * poisson + b) * u.xy,
        ),
        [
            Dirichlet("u", 0.0, on="x=0"),
            Dirichlet("v", 0.0, on="x=0"),
            BoundaryEquation(traction(1e4), on="y=0.005"),
            BoundaryEquation(traction(0.0), on=("y=-0.005", "x=0.1")),
        ],
    )


def unknown_source() -> Problem:
    """Poisson in one dimension, u'' + f = 0, with an unknown f(x), u observed and given at both ends."""
    x = np.linspace(0.05, 0.95, 37)
    return Problem(
        Interval(0, 1),
        ("u", Unknown("f")),
        lambda u, f: u.xx + f,
        [
            Dirichlet("u", 0.0, on="x"),
            Observations("u", {"x": x}, x**2 * (1 - x)),
        ],
    )
