"""Convection: a sine carried round a circle, beta / (2 pi) times.

    u_t + beta u_x = 0,   x in [0, 2 pi] with period 2 pi, t in [0, 1],   u(x, 0) = sin x

The solution is sin(x - beta t).  Source: Krishnapriyan et al., NeurIPS 2021, arXiv:2109.01050, where PINNs
fail from beta = 10 on; beta = 40 is also in Rathore et al., arXiv:2402.01868 (1.9e-3 by NysNewton-CG).

Why it is hard: in time there are 6.4 periods, and information enters at t = 0 only.  A function that forgets
the start and is constant along the way has a residual of zero almost everywhere.
"""

from __future__ import annotations

from math import pi

import numpy as np
import torch

from ...geometry import Interval, Time
from .. import references
from ..conditions.boundary import Periodic
from ..conditions.initial import Initial
from ..problem import Problem


def convection(beta: float = 40.0) -> Problem:
    """Convection u_t + beta u_x = 0 from sin x, with period 2 pi.

    Args:
        beta: Speed.
    """
    return Problem(
        domain=Interval(0, 2 * pi, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t + beta * u.x,
        conditions=[Periodic("x"), Initial("u", lambda x: torch.sin(x))],
        reference=references.analytic(lambda x, t: np.sin(x - beta * t), {"x": (0, 2 * pi), "t": (0, 1)}),
        name="convection",
    )
