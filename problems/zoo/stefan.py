r"""Stefan's problem: ice melts from a warm wall, and the front is an unknown of time alone.

    u_t = u_xx              for 0 < x < s(t), 0.1 < t < 1
    u(0, t) = 1,  u(s(t), t) = 0,  s'(t) = -St u_x(s(t), t)

On the fixed interval y = x / s(t) the derivatives follow from the chain rule,

    u_x = u_y / s,   u_xx = u_yy / s^2,   u_t at fixed x = u_t - y s' / s u_y.

Exact, for a start at t = 0: s = 2 l sqrt(t) and u = 1 - erf(l y) / erf(l), with the l that satisfies
sqrt(pi) l exp(l^2) erf(l) = St (Neumann's similarity solution: Carslaw and Jaeger, Conduction of Heat in
Solids, 1959, chapter 11).

Why it is hard: the domain is part of the solution.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import erf, exp, pi, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special
from torch import Tensor

from ...errors import InputError
from ...geometry import Interval, Time
from .. import references
from ..conditions.boundary import Dirichlet
from ..conditions.boundary_equation import BoundaryEquation
from ..conditions.initial import Initial
from ..fields import Field
from ..problem import Problem
from ..references import Reference
from ..unknowns import Unknown

START = 0.1
BISECTIONS = 80


def stefan(number: float = 1.0) -> Problem:
    """Melting from a wall, on the mapped interval y = x / s(t).

    Args:
        number: The Stefan number St.

    Raises:
        InputError: It is not positive.
    """
    if not number > 0:
        raise InputError(f"stefan needs a positive Stefan number, not {number}")
    rate = front(number)

    def equation(u: Field, s: Field, y: Tensor) -> Tensor:
        u_t, u_xx = u.t - y * s.t / s * u.y, u.yy / s**2
        return u_t - u_xx

    def warm(y: Tensor) -> Tensor:
        return 1 - torch.erf(rate * y) / erf(rate)

    warmth = references.analytic(
        lambda y, t: 1 - special.erf(rate * y) / erf(rate), {"y": (0, 1), "t": (START, 1)}
    )

    def exact(points: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        return {**warmth.evaluate(points), "s": 2 * rate * np.sqrt(points["t"])}

    return Problem(
        domain=Interval(0, 1, name="y") * Time(START, 1),
        unknowns=("u", Unknown("s", of="t", positive=True)),
        equation=equation,
        conditions=[
            Dirichlet("u", 1.0, on="y=0"),
            Dirichlet("u", 0.0, on="y=1"),
            Initial("u", warm),
            Initial("s", 2 * rate * sqrt(START)),
            BoundaryEquation(lambda u, s: s * s.t + number * u.y, on="y=1"),
        ],
        reference=Reference("similarity solution", 1e-15, exact, warmth.test_points),
        name="stefan",
    )


def front(number: float) -> float:
    """The factor l of the front 2 l sqrt(t), by bisection."""
    low, high = 0.0, 1.0 + number
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if sqrt(pi) * middle * exp(middle**2) * erf(middle) < number:
            low = middle
        else:
            high = middle
    return low
