"""Logistic growth of a bump, independently at every point.

    u_t = rho u (1 - u),   x in [0, 2 pi], t in [0, 1],   u(x, 0) = h(x) = exp(-(x - pi)^2 / (2 (pi / 4)^2))

The solution is h e^(rho t) / (h e^(rho t) + 1 - h).  Source: Krishnapriyan et al., NeurIPS 2021,
arXiv:2109.01050; rho = 5 is also in Rathore et al., arXiv:2402.01868 (9.9e-3 by NysNewton-CG).

Both ask for u(0, t) = u(2 pi, t) as well.  The equation has no derivative in x and needs no condition there;
the two values are equal because h is even about pi, a symmetry that is found and built in.  The slopes are
not equal: a network that is periodic in x would have to learn a kink.

Why it is hard: u = 0 solves the equation too and is unstable, u = 1 is stable; a loss is small at either.
"""

from __future__ import annotations

from math import pi

import numpy as np
import torch

from ...geometry import Interval, Time
from .. import references
from ..conditions.initial import Initial
from ..problem import Problem

WIDTH = pi / 4


def reaction(rho: float = 5.0) -> Problem:
    """Logistic equation u_t = rho u (1 - u) from a bump.

    Args:
        rho: Rate of growth.
    """

    def exact(x: references.Array, t: references.Array) -> references.Array:
        bump = np.exp(-((x - pi) ** 2) / (2 * WIDTH**2))
        grown = bump * np.exp(rho * t)
        return np.asarray(grown / (grown + 1 - bump))

    return Problem(
        domain=Interval(0, 2 * pi, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t - rho * u * (1 - u),
        conditions=[Initial("u", lambda x: torch.exp(-((x - pi) ** 2) / (2 * WIDTH**2)))],
        reference=references.analytic(exact, {"x": (0, 2 * pi), "t": (0, 1)}),
        name="reaction",
    )
