"""The wave equation: two standing waves, the second of a higher frequency.

    u_tt = c^2 u_xx,   x in [0, 1], t in [0, 1],   c = 2,   u = 0 at both ends
    u(x, 0) = sin(pi x) + sin(beta pi x) / 2,   u_t(x, 0) = 0

The solution is sin(pi x) cos(c pi t) + sin(beta pi x) cos(c beta pi t) / 2.  Sources: beta = 4, Wang, Yu and
Perdikaris, J. Comput. Phys. 449 (2022), arXiv:2007.14527; beta = 5, Rathore et al., arXiv:2402.01868, whose
errors are 5.5e-2 by Adam and L-BFGS and 1.3e-2 with NysNewton-CG behind them.

Why it is hard: nothing is damped, so that an early error stays; the second wave turns beta times as fast, and
the residual of a frequency is its square times its amplitude.
"""

from __future__ import annotations

from math import pi

import numpy as np
import torch

from ...errors import InputError
from ...geometry import Interval, Time
from .. import references
from ..conditions.boundary import Dirichlet
from ..conditions.initial import Initial
from ..problem import Problem

SPEED = 2


def wave(beta: int = 5) -> Problem:
    """Wave equation u_tt = 4 u_xx from sin(pi x) + sin(beta pi x) / 2 at rest.

    Args:
        beta: Half waves of the second wave.

    Raises:
        InputError: beta is no positive whole number: the second wave would not vanish at the end.
    """
    if beta != int(beta) or beta < 1:
        raise InputError(f"wave needs a whole number beta of at least 1, not {beta}")
    return Problem(
        domain=Interval(0, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.tt - SPEED**2 * u.xx,
        conditions=[
            Dirichlet("u", 0.0, on="x"),
            Initial("u", lambda x: torch.sin(pi * x) + 0.5 * torch.sin(beta * pi * x), velocity=0.0),
        ],
        reference=references.analytic(
            lambda x, t: (
                np.sin(pi * x) * np.cos(SPEED * pi * t)
                + 0.5 * np.sin(beta * pi * x) * np.cos(SPEED * beta * pi * t)
            ),
            {"x": (0, 1), "t": (0, 1)},
        ),
        name="wave" if beta == 5 else f"wave-{beta}",
    )
