"""The Gray-Scott model: a substance u is fed, v eats it and dies, and a spot of v divides.

    u_t = 0.02 u_xx + 200 (0.04 (1 - u) - u v^2)
    v_t = 0.01 v_xx + 200 (u v^2 - 0.1 v)          x in [-1, 1] with period 2, t in [0, 1]
    u(x, 0) = 1 - b / 2,   v(x, 0) = b / 4,   b = exp(-10 (1 - cos(pi x)))

Source: Pearson, Science 261 (1993), whose feed rate 0.04, kill rate 0.06 and ratio of diffusivities 2 these
are; one dimension, the length and a unit of time of 200 of his are ours, chosen so that one pulse becomes
two.

Why it is hard: a system of two time scales, u = 1, v = 0 is stable too, and the pulses are a tenth wide.
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor

from ...geometry import Interval, Time
from ..conditions.boundary import Periodic
from ..conditions.initial import Initial
from ..fields import Field
from ..problem import Problem
from .fourier import periodic

RATE, FEED, LOSS = 200.0, 0.04, 0.1  # LOSS is Pearson's feed plus kill rate


def _bump(x: Tensor) -> Tensor:
    return torch.exp(-10 * (1 - torch.cos(pi * x)))


def gray_scott() -> Problem:
    """The Gray-Scott model in one dimension, from one pulse to two."""

    def equation(u: Field, v: Field) -> tuple[Tensor, Tensor]:
        eaten = u * v**2
        return (
            u.t - 0.02 * u.xx - RATE * (FEED * (1 - u) - eaten),
            v.t - 0.01 * v.xx - RATE * (eaten - LOSS * v),
        )

    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns=("u", "v"),
        equation=equation,
        conditions=[
            Periodic("x"),
            Initial("u", lambda x: 1 - 0.5 * _bump(x)),
            Initial("v", lambda x: 0.25 * _bump(x)),
        ],
        reference=periodic("gray_scott", 5e-11, ("u", "v"), (-1, 1), (0, 1)),
        name="gray-scott",
    )
