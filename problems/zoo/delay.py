"""A delay equation.

    u'(t) = -u(t - 1),   u = 1 for t <= 0,   t in [0, 5]

By steps of length one the solution is a polynomial, u = sum_k (-1)^k (t - k + 1)_+^k / k! for k = 0, 1, ...,
whose derivative of order k + 1 jumps at t = k.  The network gets inputs with these kinks by itself.
"""

from __future__ import annotations

from math import factorial

import numpy as np

from ...geometry import Time
from .. import references
from ..conditions.initial import Initial
from ..problem import Problem

END = 5


def delay() -> Problem:
    """Equation u' = -u(t - 1) from u = 1."""

    def exact(t: references.Array) -> references.Array:
        terms = [(-1) ** k * np.maximum(t - k + 1, 0) ** k / factorial(k) for k in range(END + 2)]
        return np.asarray(sum(terms))

    return Problem(
        domain=Time(0, END),
        unknowns="u",
        equation=lambda u, t: u.t + u.at(t=t - 1),
        conditions=[Initial("u", 1.0, history=1.0)],
        reference=references.analytic(exact, {"t": (0, END)}),
        name="delay",
    )
