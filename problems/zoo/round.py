"""Heat in round bodies, the axis or the centre included.

    u_t = u_rr + u_r / r + u_zz    in the cylinder r < 1, 0 < z < 1,    u = J_0(j r) sin(pi z) at t = 0
    u_t = u_rr + 2 u_r / r         in the ball r < 1,                   u = sin(pi r) / (pi r) at t = 0

and u = 0 on the surface, j = 2.4048... being the first zero of J_0.  Both decay as they are, by exp(-(j^2 +
pi^2) t) and exp(-pi^2 t).  Source: Carslaw and Jaeger, Conduction of Heat in Solids (1959), chapters 8 and 9.

Why it is hard elsewhere: u_r / r is 0 / 0 at r = 0.  Here the network gets r^2, so that u is smooth there.
"""

from __future__ import annotations

from math import pi

import numpy as np
import torch
from scipy.special import j0
from torch import Tensor

from ...geometry import Interval, Radius, Time
from .. import references
from ..conditions.boundary import Dirichlet
from ..conditions.initial import Initial
from ..operators import laplace
from ..problem import Problem

ZERO = 2.404825557695773  # of J_0, the first


def heat_cylinder() -> Problem:
    """Heat in a cylinder, axisymmetric."""

    def exact(r: Tensor, z: Tensor, t: Tensor) -> Tensor:
        across: Tensor = torch.special.bessel_j0(ZERO * r)
        return across * torch.sin(pi * z) * torch.exp(-(ZERO**2 + pi**2) * t)

    return Problem(
        domain=Radius(0, 1) * Interval(0, 1, name="z") * Time(0, 0.2),
        unknowns="u",
        equation=lambda u: u.t - laplace(u),
        conditions=[Dirichlet("u", 0.0), Initial("u", lambda r, z: exact(r, z, 0 * r))],
        reference=references.analytic(
            lambda r, z, t: j0(ZERO * r) * np.sin(pi * z) * np.exp(-(ZERO**2 + pi**2) * t),
            {"r": (0, 1), "z": (0, 1), "t": (0, 0.2)},
        ),
        name="heat-cylinder",
    )


def heat_ball() -> Problem:
    """Heat in a ball, the same in every direction."""

    def exact(r: Tensor, t: Tensor) -> Tensor:
        inside: Tensor = torch.special.spherical_bessel_j0(pi * r)
        return inside * torch.exp(-(pi**2) * t)

    return Problem(
        domain=Radius(0, 1, around="point") * Time(0, 0.2),
        unknowns="u",
        equation=lambda u: u.t - laplace(u),
        conditions=[Dirichlet("u", 0.0), Initial("u", lambda r: exact(r, 0 * r))],
        reference=references.analytic(
            lambda r, t: np.sinc(r) * np.exp(-(pi**2) * t), {"r": (0, 1), "t": (0, 0.2)}
        ),
        name="heat-ball",
    )
