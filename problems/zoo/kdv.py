"""The Korteweg-de Vries equation: a wave steepens and breaks up into solitons.

    u_t + u u_x + 0.0025 u_xxx = 0,   x in [-1, 1] with period 2, t in [0, 1],   u(x, 0) = cos(pi x)

Source: Raissi, Perdikaris and Karniadakis, J. Comput. Phys. 378 (2019), their example with discrete times; it
goes back to Zabusky and Kruskal, Phys. Rev. Lett. 15 (1965), who took 0.022^2.

Why it is hard: a third derivative, no damping, and from t = 0.3 on pulses of width 0.1 that pass each other.
"""

from __future__ import annotations

from math import pi

import torch

from ...geometry import Interval, Time
from ..conditions.boundary import Periodic
from ..conditions.initial import Initial
from ..problem import Problem
from .fourier import periodic


def kdv() -> Problem:
    """Korteweg-de Vries equation u_t + u u_x + 0.0025 u_xxx = 0 from cos(pi x), with period 2."""
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t + u * u.x + 0.0025 * u.xxx,
        conditions=[Periodic("x"), Initial("u", lambda x: torch.cos(pi * x))],
        reference=periodic("kdv", 1e-11, ("u",), (-1, 1), (0, 1)),
        name="kdv",
    )
