r"""A string over an obstacle, which it touches on a part that is not known beforehand.

    u >= psi,   -u'' >= 0,   (u - psi) u'' = 0   on (-1, 1),   u(-1) = u(1) = 0,   psi = 1 - 4 x^2

Off the obstacle the string is straight, and it leaves it along a tangent: that from (1, 0) touches psi at
|x| = a with psi(a) + psi'(a) (1 - a) = 0, so that a = 1 - sqrt(3) / 2.

Why it is hard: u'' jumps from -8 to 0 at a place that is part of the solution.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from ...geometry import Interval
from .. import references
from ..conditions.boundary import Dirichlet
from ..obstacles import Obstacle
from ..problem import Problem

EDGE = 1 - sqrt(3) / 2  # of the part where they touch


def obstacle() -> Problem:
    """A string over the parabola 1 - 4 x^2."""

    def exact(x: references.Array) -> references.Array:
        straight = 8 * EDGE * (1 - np.abs(x))
        return np.where(np.abs(x) < EDGE, 1 - 4 * x**2, straight)

    return Problem(
        domain=Interval(-1, 1),
        unknowns="u",
        equation=lambda u: -u.xx,
        conditions=[Dirichlet("u", 0.0)],
        obstacles=[Obstacle("u", above=lambda x: 1 - 4 * x**2)],
        derived={"gap": lambda u, x: u - (1 - 4 * x**2)},
        reference=references.analytic(exact, {"x": (-1, 1)}),
        name="obstacle",
    )
