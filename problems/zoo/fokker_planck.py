"""Stationary Fokker-Planck equation in a double well.

    p_xx + (V'(x) p)_x = 0,   x in [-2, 2],   V = 4 (x^2 - 1)^2,   p_x + V' p = 0 at the ends,   int p dx = 1

The solution is p = e^(-V) / Z.  The equation and the ends leave the factor open, and only the integral fixes
it: without it p = 0 solves the problem.

Why it is hard: the way over the barrier between the wells is improbable, so that the masses in both are
nearly free; the symmetry, which is found, makes them equal.
"""

from __future__ import annotations

import numpy as np
import torch

from ...geometry import Interval
from .. import references
from ..conditions.boundary_equation import BoundaryEquation
from ..conditions.integral import IntegralCondition
from ..problem import Problem

BARRIER = 4.0


def fokker_planck(barrier: float = BARRIER) -> Problem:
    """Density p = e^(-V) / Z of a particle in a double well.

    Args:
        barrier: Height of V between the wells, in units of the temperature.
    """
    x, w = np.polynomial.legendre.leggauss(200)
    whole = float(2 * (w * np.exp(-barrier * ((2 * x) ** 2 - 1) ** 2)).sum())

    def density(x: references.Array) -> references.Array:
        return np.asarray(np.exp(-barrier * (x**2 - 1) ** 2) / whole)

    def slope(x: torch.Tensor) -> torch.Tensor:
        return 4 * barrier * (x**3 - x)

    return Problem(
        domain=Interval(-2, 2, name="x"),
        unknowns="p",
        equation=lambda p, x: p.xx + slope(x) * p.x + 4 * barrier * (3 * x**2 - 1) * p,
        conditions=[
            BoundaryEquation(lambda p, x: p.x + slope(x) * p, on="x"),
            IntegralCondition(lambda p: p, 1.0),
        ],
        reference=references.analytic(density, {"x": (-2, 2)}, "p"),
        name="fokker-planck",
    )
