"""Integral equations of the second kind, and an integro-differential one.

    fredholm        u(x) = f(x) + 1/2 int_0^1 e^(x - s) u(s) ds,     u = cos 3 x gives f
    volterra        u(x) = 1 + int_0^x (s - x) u(s) ds,              u = cos x on [0, 5]
    volterra-ide    y' + y = int_0^x e^(s - x) y(s) ds,  y(0) = 1,   y = e^(-x) cosh x on [0, 5]

The last is `Volterra_IDE` of DeepXDE (Lu et al., SIAM Rev. 63 (2021) 208), there solved to 1e-3 or so.
"""

from __future__ import annotations

from math import cos as cosine
from math import e
from math import sin as sine

import numpy as np
from torch import cos, exp

from ...geometry import Interval, Time
from .. import references
from ..conditions.initial import Initial
from ..elsewhere.integral import Integral
from ..problem import Problem

END = 5.0


def fredholm() -> Problem:
    """Fredholm equation of the second kind with the kernel e^(x - s) / 2."""
    moment = (1 + (3 * sine(3) - cosine(3)) / e) / 10  # int_0^1 e^(-s) cos 3 s ds

    return Problem(
        domain=Interval(0, 1, name="x"),
        unknowns="u",
        equation=lambda u, I, x: u - cos(3 * x) + moment / 2 * exp(x) - I / 2,
        integrals=[Integral("I", lambda u, x, s: exp(x - s) * u, over="x", variable="s")],
        reference=references.analytic(lambda x: np.cos(3 * x), {"x": (0, 1)}),
        name="fredholm",
    )


def volterra() -> Problem:
    """Volterra equation of the second kind with the kernel s - x."""
    return Problem(
        domain=Interval(0, END, name="x"),
        unknowns="u",
        equation=lambda u, I: u - 1 - I,
        integrals=[
            Integral("I", lambda u, x, s: (s - x) * u, over="x", variable="s", upper=lambda x: x),
        ],
        reference=references.analytic(lambda x: np.cos(x), {"x": (0, END)}),
        name="volterra",
    )


def volterra_ide() -> Problem:
    """Integro-differential equation with a fading memory."""
    return Problem(
        domain=Time(0, END, name="x"),
        unknowns="y",
        equation=lambda y, I: y.x + y - I,
        conditions=[Initial("y", 1.0)],
        integrals=[
            Integral("I", lambda y, x, s: exp(s - x) * y, over="x", variable="s", upper=lambda x: x),
        ],
        reference=references.analytic(lambda x: np.exp(-x) * np.cosh(x), {"x": (0, END)}, "y"),
        name="volterra-ide",
    )
