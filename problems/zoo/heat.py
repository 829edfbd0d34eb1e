"""The heat equation, whose sine waves fade.

    u_t = alpha u_xx,   x in [0, 1], t in [0, 1],   u(x, 0) = sin(n pi x),   u = 0 at both ends

The solution is exp(-alpha (n pi)^2 t) sin(n pi x).  Source: DeepXDE's example `heat.py`, alpha = 0.4, n = 1.

Nothing is hard about it: the ansatz has the sine, and what is left to learn is a function of t.
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


def heat(alpha: float = 0.4, n: int = 1) -> Problem:
    """Heat equation u_t = alpha u_xx from sin(n pi x).

    Args:
        alpha: Diffusivity.
        n: Half waves.

    Raises:
        InputError: alpha is not positive, or n is no positive whole number.
    """
    if not alpha > 0:
        raise InputError(f"heat needs a positive alpha, not {alpha}: backwards in time nothing is well posed")
    if n != int(n) or n < 1:
        raise InputError(f"heat needs a whole number n of at least 1, not {n}")
    return Problem(
        domain=Interval(0, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t - alpha * u.xx,
        conditions=[Dirichlet("u", 0.0, on="x"), Initial("u", lambda x: torch.sin(n * pi * x))],
        reference=references.analytic(
            lambda x, t: np.exp(-alpha * (n * pi) ** 2 * t) * np.sin(n * pi * x), {"x": (0, 1), "t": (0, 1)}
        ),
        name="heat",
    )
