"""GS and KS: the Gray-Scott and the Kuramoto-Sivashinsky equation, from smooth values to patterns.

The published code of both has no boundary condition.  Their data are of spectral methods, so that the
solutions repeat; here that is a condition.
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor

from ...geometry import Box, Interval, Time
from ..conditions.boundary import Periodic
from ..conditions.initial import Initial
from ..fields import Field
from ..problem import Problem
from ..zoo.fourier import periodic
from .stored import on_grid


def gray_scott() -> Problem:
    """The Gray-Scott model on [-1, 1]^2 x [0, 200], with period 2 in x and y."""

    def equation(u: Field, v: Field) -> tuple[Tensor, Tensor]:
        eaten = u * v**2
        return (
            u.t - 1e-5 * (u.xx + u.yy) - 0.04 * (1 - u) + eaten,
            v.t - 5e-6 * (v.xx + v.yy) + 0.1 * v - eaten,
        )

    return Problem(
        domain=Box((-1, -1), (1, 1)) * Time(0, 200),
        unknowns=("u", "v"),
        equation=equation,
        conditions=[
            Periodic("x"),
            Periodic("y"),
            Initial("u", lambda x, y: 1 - torch.exp(-80 * ((x + 0.05) ** 2 + (y + 0.02) ** 2))),
            Initial("v", lambda x, y: torch.exp(-80 * ((x - 0.05) ** 2 + (y - 0.02) ** 2))),
        ],
        reference=on_grid("gs", "Fourier modes and ETDRK4", 1e-3, ("u", "v"), period={"x": 2.0, "y": 2.0}),
        name="pinnacle-gs",
    )


def kuramoto_sivashinsky() -> Problem:
    """u_t + a u u_x + b u_xx + c u_xxxx = 0 from cos x (1 + sin x), with period 2 pi, t to 1.

    a = 100 / 16, b = 100 / 16^2, c = 100 / 16^4.
    """
    a, b, c = (100 / 16**k for k in (1, 2, 4))
    return Problem(
        domain=Interval(0, 2 * pi, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t + a * u * u.x + b * u.xx + c * u.xxxx,
        conditions=[Periodic("x"), Initial("u", lambda x: torch.cos(x) * (1 + torch.sin(x)))],
        reference=periodic("pinnacle_ks", 2e-5, ("u",), (0, 2 * pi), (0, 1)),
        name="pinnacle-ks",
    )
