"""The Kuramoto-Sivashinsky equation: long waves grow, short ones fade, u u_x hands on from one to the other.

    u_t + 5 u u_x + 0.5 u_xx + 0.005 u_xxxx = 0,   x in [-1, 1] with period 2,   t in [0, 1],
    u(x, 0) = -sin(pi x)

Source: the regular one of two settings of Wang, Sankaran and Perdikaris, arXiv:2203.07404; their chaotic one
is not here.  u stays odd in x.

Why it is hard: a fourth derivative, and waves of wavelength 0.3 to 0.6 that grow like e^(12 t) until they
saturate; an error is amplified on the way.  One network fails (error 1), ten windows in time,
the default here, come to 1.7e-4 in three minutes.
"""

from __future__ import annotations

from math import pi

import torch

from ...geometry import Interval, Time
from ..conditions.boundary import Periodic
from ..conditions.initial import Initial
from ..problem import Problem
from .fourier import periodic


def kuramoto_sivashinsky() -> Problem:
    """u_t + 5 u u_x + 0.5 u_xx + 0.005 u_xxxx = 0 from -sin(pi x), with period 2."""
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t + 5 * u * u.x + 0.5 * u.xx + 0.005 * u.xxxx,
        conditions=[Periodic("x"), Initial("u", lambda x: -torch.sin(pi * x))],
        reference=periodic("kuramoto_sivashinsky", 2e-11, ("u",), (-1, 1), (0, 1)),
        name="kuramoto-sivashinsky",
        options={"windows": 10},
    )
