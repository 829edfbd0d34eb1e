"""Two equations on squares with round holes, from PINNacle (Hao et al., arXiv:2306.08827).

    poisson_holes        u_xx + u_yy = 0                  four equal holes, u = 0 on them and 1 outside
    poisson_boltzmann    -(u_xx + u_yy) + k^2 u = f       four different holes, k = 8, f of 17 waves' energy

The equations are easy and the place is not: u falls from one value to another between boundaries that are
close to each other (in the second problem 0.05 where u changes by 0.8, with layers of width 1 / k on every
boundary and a source that would like u to be 1.5 in size inside), and little of the domain is near them.

The references are least-squares fits of solutions of the homogeneous equation to the boundary values, as in
the method of particular solutions: smooth ones about the middle, multipoles in every hole (Trefethen, Series
solution of Laplace problems, ANZIAM J. 60, 2018) and, for corners in which the solution is not smooth, point
sources that cluster outside of them (lightning solver: Gopal and Trefethen, SIAM J. Numer. Anal. 57, 2019).
By the maximum principle their largest error is the largest one on the boundary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import pi

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import iv, kv

from ...geometry import Ball, Box, Domain
from ..conditions.boundary import Dirichlet
from ..problem import Problem
from ..references import Reference

Array = NDArray[np.float64]
Circle = tuple[float, float, float]  # centre and radius
Columns = Callable[[Array, Array], Array]  # coordinates [M] to the values of some functions [M, n]

EQUAL: tuple[Circle, ...] = tuple((0.3 * i, 0.3 * j, 0.1) for i in (-1, 1) for j in (-1, 1))
DIFFERENT: tuple[Circle, ...] = ((0.5, 0.5, 0.2), (0.4, -0.4, 0.4), (-0.2, -0.7, 0.1), (-0.6, 0.5, 0.3))

K, WAVES, SIZE = 8.0, (pi, 4 * pi), 10.0  # of the Poisson-Boltzmann equation


def poisson_holes() -> Problem:
    """u_xx + u_yy = 0 on (-1/2, 1/2)^2 without four discs of radius 0.1; u = 0 on them and 1 outside."""
    square = Box((-0.5, -0.5), (0.5, 0.5))
    return Problem(
        domain=_without(square, EQUAL),
        unknowns="u",
        equation=lambda u: u.xx + u.yy,
        conditions=[Dirichlet("u", 1.0, on=square.faces), Dirichlet("u", 0.0, on="hole")],
        reference=_reference(0.5, EQUAL, "harmonic functions", 1e-9, _laplace, lambda x, y: 0 * x, 1.0, 0.0),
        name="poisson-holes",
    )


def poisson_boltzmann() -> Problem:
    """-(u_xx + u_yy) + 64 u = f on (-1, 1)^2 without four discs, u = 1 on them and 0.2 outside.

    f = 10 (17 + x^2 + y^2) sin(pi x) sin(4 pi y).
    """
    (a, b), square = WAVES, Box((-1, -1), (1, 1))
    return Problem(
        domain=_without(square, DIFFERENT),
        unknowns="u",
        equation=lambda u, x, y: (
            u.xx + u.yy - K**2 * u + SIZE * (17 + x**2 + y**2) * torch.sin(a * x) * torch.sin(b * y)
        ),
        conditions=[Dirichlet("u", 0.2, on=square.faces), Dirichlet("u", 1.0, on="hole")],
        reference=_reference(1.0, DIFFERENT, "Bessel functions", 2e-7, _screened, _forced, 0.2, 1.0),
        name="poisson-boltzmann",
    )


def _without(square: Domain, circles: Sequence[Circle]) -> Domain:
    for x, y, radius in circles:
        square = square - Ball((x, y), radius, tag="hole")
    return square


# -- references ------------------------------------------------------------------------------------------


def _reference(
    half: float, circles: Sequence[Circle], basis: str, accuracy: float,
    functions: Callable[[float, Sequence[Circle]], Columns], particular: Callable[[Array, Array], Array],
    outside: float, holes: float,
) -> Reference:  # fmt: skip
    """The solution with given values on a square's boundary and on the circles, fitted on first use."""
    columns = functions(half, circles)

    @cache
    def coefficients() -> Array:
        x, y, on_hole = boundary(half, circles, 400)
        values = np.where(on_hole, holes, outside) - particular(x, y)
        return np.asarray(np.linalg.lstsq(columns(x, y), values, rcond=1e-14)[0])

    def evaluate(points: Mapping[str, Array]) -> dict[str, Array]:
        x, y = np.broadcast_arrays(*(np.asarray(points[name], dtype=float) for name in ("x", "y")))
        out = np.full(x.shape, np.nan)
        inside = (np.maximum(abs(x), abs(y)) <= half + 1e-12) & np.all(
            [np.hypot(x - a, y - b) >= r - 1e-12 for a, b, r in circles], 0
        )
        out[inside] = columns(x[inside], y[inside]) @ coefficients() + particular(x[inside], y[inside])
        return {"u": out}

    def test_points() -> dict[str, Array]:
        x, y = (c.ravel() for c in np.meshgrid(*2 * [np.linspace(-half, half, 129)], indexing="ij"))
        inside = np.all([np.hypot(x - a, y - b) >= r for a, b, r in circles], 0)
        return {"x": x[inside], "y": y[inside]}

    return Reference(f"least-squares fit of {basis} to the boundary", accuracy, evaluate, test_points)


def boundary(half: float, circles: Sequence[Circle], count: int) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Points of a square's sides, dense at the corners, and of circles; and which lie on these.

    Args:
        half: Half the length of a side.
        circles: The holes.
        count: Points on a side, and on a circle.
    """
    u = np.linspace(-1, 1, count)
    s = half * np.tanh(12 * u) / np.tanh(12)  # gaps at the corners: 1e-10 of a side
    one = np.full_like(s, half)
    angle = np.linspace(0, 2 * pi, count, endpoint=False)
    x = [s, s, one, -one, *(a + r * np.cos(angle) for a, _, r in circles)]
    y = [one, -one, s, s, *(b + r * np.sin(angle) for _, b, r in circles)]
    return np.concatenate(x), np.concatenate(y), np.arange(len(x) * count) >= 4 * count


def _laplace(half: float, circles: Sequence[Circle]) -> Columns:
    """Harmonic functions: powers of z about the middle, a logarithm and powers of 1 / z about each hole."""

    def columns(x: Array, y: Array) -> Array:
        z = (x + 1j * y)[:, None]
        powers = (z / (half * 2**0.5)) ** np.arange(41)
        out = [powers.real, powers.imag[:, 1:]]
        for a, b, radius in [*circles, *_images(half, circles)]:
            w = radius / (z - (a + 1j * b))
            multipoles = w ** np.arange(1, 15)
            out += [np.log(abs(w)), multipoles.real, multipoles.imag]
        return np.concatenate(out, 1)

    return columns


def _images(half: float, circles: Sequence[Circle]) -> list[Circle]:
    """Mirror images of the holes in the sides and corners, those that are near: up to them u goes on."""
    shifts = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    images = [
        ((2 * half * i - a) if i else a, (2 * half * j - b) if j else b, r)
        for a, b, r in circles
        for i, j in shifts
    ]
    return [(a, b, r) for a, b, r in images if max(abs(a), abs(b)) < 1.65 * half]


def _screened(half: float, circles: Sequence[Circle]) -> Columns:
    """Solutions of u_xx + u_yy = K^2 u: I_m about the middle, K_m about each hole, poles at the corners.

    The values prescribed on two sides do not satisfy the equation where they meet: u ~ r^2 log r there.
    """
    distance = 0.5 * half * np.exp(4 * (np.sqrt(np.arange(1, 21)) - np.sqrt(20)))
    poles = [(i * (half + d), j * (half + d)) for i in (-1, 1) for j in (-1, 1) for d in distance]

    def columns(x: Array, y: Array) -> Array:
        out = _waves(iv, x, y, half * 2**0.5, 60)
        for a, b, radius in circles:
            out += _waves(kv, x - a, y - b, radius, 30)
        for a, b, radius in _images(half, circles):
            out += _waves(kv, x - a, y - b, radius, 15)
        for (a, b), d in zip(poles, 4 * [*distance], strict=True):
            out += _waves(kv, x - a, y - b, 2**0.5 * d, 1)
        return np.stack(out, 1)

    return columns


def _waves(bessel: Callable[..., Array], x: Array, y: Array, unit: float, order: int) -> list[Array]:
    """Bessel functions times cosines and sines of the angle, up to an order, relative to a radius."""
    r, angle, m = np.hypot(x, y), np.arctan2(y, x), np.arange(order + 1)
    radial = bessel(m, K * r[:, None]) / bessel(m, K * unit)
    waves = [*(radial * np.cos(m * angle[:, None])).T]
    return [*waves, *(radial * np.sin(m * angle[:, None])).T[1:]]


def _forced(x: Array, y: Array) -> Array:
    """A solution of -(u_xx + u_yy) + K^2 u = f, whatever its boundary values.

    By undetermined coefficients: the equation takes sin sin to c sin sin with c = a^2 + b^2 + K^2, x^2 sin
    sin to (c x^2 - 2) sin sin - 4 a x cos sin, and x cos sin to c x cos sin + 2 a sin sin.
    """
    a, b = WAVES
    c = a**2 + b**2 + K**2
    p, q = 4 * a / c, 4 * b / c  # of x cos sin and y sin cos, for one x^2 + y^2
    constant = 17 + (4 - 2 * a * p - 2 * b * q) / c
    sines = (constant + x**2 + y**2) * np.sin(a * x) * np.sin(b * y)
    mixed = p * x * np.cos(a * x) * np.sin(b * y) + q * y * np.sin(a * x) * np.cos(b * y)
    return np.asarray(SIZE / c * (sines + mixed))
