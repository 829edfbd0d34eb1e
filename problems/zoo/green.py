"""A point source in a square, Green's function of the Laplacian: infinite at one point, smooth elsewhere.

The reference is the sine series in x, whose coefficients in y are products of hyperbolic sines, written with
exponentials that do not overflow; the fundamental solution is not used.  It converges like
exp(-n pi |y - y0|), that in y like exp(-n pi |x - x0|), and each point has the faster one; test points keep a
distance from the source.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import pi

import numpy as np
from numpy.typing import NDArray

from ...geometry import Box
from ..conditions.boundary import Dirichlet
from ..problem import Problem
from ..references import Reference
from ..sources import PointSource

Array = NDArray[np.float64]

AT = (0.3, 0.4)
TERMS, APART = 300, 0.04  # exp(-300 pi 0.04) = 4e-17
CLOSE = 0.01  # to the source nothing is said: it is infinite there, and the series good to 1e-6


def _series(points: Mapping[str, Array]) -> dict[str, Array]:
    x, y = np.broadcast_arrays(points["x"], points["y"])
    across, (a, b) = abs(x - AT[0]) > abs(y - AT[1]), AT
    unknown = (x < 0) | (x > 1) | (y < 0) | (y > 1)
    unknown |= np.maximum(abs(x - AT[0]), abs(y - AT[1])) < CLOSE
    x, y = np.clip(x, 0, 1), np.clip(y, 0, 1)
    u = np.where(across, _sines(y, x, b, a), _sines(x, y, a, b))
    return {"u": np.where(unknown, np.nan, u)}


def _sines(x: Array, y: Array, a: float, b: float) -> Array:
    """Sine series in x of the source at (a, b)."""
    low, high = np.minimum(y, b), np.maximum(y, b)
    u = np.zeros(x.shape)
    for k in range(1, TERMS + 1):
        n = k * pi
        decay = np.exp(-n * (high - low)) * np.expm1(-2 * n * low) * np.expm1(-2 * n * (1 - high))
        u += np.sin(n * a) * np.sin(n * x) * decay / (n * -np.expm1(-2 * n))
    return u


def _grid() -> dict[str, Array]:
    x, y = (side.ravel() for side in np.meshgrid(np.linspace(0, 1, 101), np.linspace(0, 1, 101)))
    kept = np.maximum(np.abs(x - AT[0]), np.abs(y - AT[1])) > APART
    return {"x": x[kept], "y": y[kept]}


def poisson_source() -> Problem:
    """-(u_xx + u_yy) = delta(x - 0.3) delta(y - 0.4) on the unit square, u = 0 on its boundary."""
    return Problem(
        domain=Box((0, 0), (1, 1)),
        unknowns="u",
        equation=lambda u: u.xx + u.yy,
        conditions=[Dirichlet("u", 0.0)],
        sources=[PointSource(at=AT, strength=1.0)],
        reference=Reference("sine series of 300 terms", 1e-14, _series, _grid),
        name="poisson-source",
    )
