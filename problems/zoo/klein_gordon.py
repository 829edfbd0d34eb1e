"""The Klein-Gordon equation with a cubic term: a wave equation that is not linear.

    u_tt - u_xx + u^3 = f,   x in [0, 1], t in [0, 1]

with f, the initial values u = x, u_t = 0 and the boundary values made for u = x cos(5 pi t) + (x t)^3.
Source: Wang, Teng and Perdikaris, SIAM J. Sci. Comput. 43 (2021), arXiv:2001.04536.

Why it is hard: nothing is damped, the boundary value at x = 1 turns 2.5 times, and f is (5 pi)^2 times as
large as u.
"""

from __future__ import annotations

from math import pi

import numpy as np
import torch
from torch import Tensor

from ...geometry import Interval, Time
from .. import references
from ..conditions.boundary import Dirichlet
from ..conditions.initial import Initial
from ..problem import Problem


def _exact(x: Tensor, t: Tensor) -> Tensor:
    return x * torch.cos(5 * pi * t) + (x * t) ** 3


def _source(x: Tensor, t: Tensor) -> Tensor:
    second = -((5 * pi) ** 2) * x * torch.cos(5 * pi * t) + 6 * t * x**3 - 6 * x * t**3
    return second + _exact(x, t) ** 3


def klein_gordon() -> Problem:
    """u_tt - u_xx + u^3 = f with the solution x cos(5 pi t) + (x t)^3."""
    return Problem(
        domain=Interval(0, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u, x, t: u.tt - u.xx + u**3 - _source(x, t),
        conditions=[Dirichlet("u", _exact, on="x"), Initial("u", lambda x: x, velocity=0.0)],
        reference=references.analytic(
            lambda x, t: x * np.cos(5 * pi * t) + (x * t) ** 3, {"x": (0, 1), "t": (0, 1)}
        ),
        name="klein-gordon",
    )
