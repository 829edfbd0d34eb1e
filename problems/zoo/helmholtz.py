"""The Helmholtz equation: standing waves, as many as one asks for.

    u_xx + u_yy + k^2 u = q,   (x, y) in [-1, 1]^2,   u = 0 on the boundary

with q made for u = sin(a1 pi x) sin(a2 pi y).  Source: Wang, Teng and Perdikaris, SIAM J. Sci. Comput. 43
(2021), arXiv:2001.04536, with k = 1 and (a1, a2) = (1, 4); (6, 6) is from Urban, Stefanou and Pons,
arXiv:2405.04230.

Why it is hard: networks learn low frequencies first, and q is (a1^2 + a2^2) pi^2 times as large as u.  For
whole numbers a1, a2 the solution is odd about the middle and about the ends; the ansatz that follows from it
sees cosines of the coordinates, in which u is a polynomial of low degree.
"""

from __future__ import annotations

from math import pi

import numpy as np
import torch

from ...errors import InputError
from ...geometry import Box
from .. import references
from ..conditions.boundary import Dirichlet
from ..problem import Problem


def helmholtz(a1: int = 1, a2: int = 4, k: float = 1.0) -> Problem:
    """u_xx + u_yy + k^2 u = q with the solution sin(a1 pi x) sin(a2 pi y).

    Args:
        a1: Half waves on [0, 1] in x.
        a2: Half waves in y.
        k: Wave number of the equation.

    Raises:
        InputError: a1 or a2 is no positive whole number, or k^2 is an eigenvalue.
    """
    for name, a in (("a1", a1), ("a2", a2)):
        if a != int(a) or a < 1:
            raise InputError(f"helmholtz needs a whole number {name} of at least 1, not {a}")
    modes = (2 * k / pi) ** 2  # on [-1, 1] the eigenvalues are (pi / 2)^2 (m^2 + n^2), m, n = 1, 2, ...
    whole = range(1, int(abs(2 * k / pi)) + 2)
    if any(abs(m * m + n * n - modes) < 1e-9 * modes for m in whole for n in whole):
        raise InputError(f"helmholtz has no unique solution for k = {k}: -k^2 is an eigenvalue; change k")
    factor = k**2 - (a1**2 + a2**2) * pi**2
    return Problem(
        domain=Box((-1, -1), (1, 1)),
        unknowns="u",
        equation=lambda u, x, y: (
            u.xx + u.yy + k**2 * u - factor * torch.sin(a1 * pi * x) * torch.sin(a2 * pi * y)
        ),
        conditions=[Dirichlet("u", 0.0)],
        reference=references.analytic(
            lambda x, y: np.sin(a1 * pi * x) * np.sin(a2 * pi * y), {"x": (-1, 1), "y": (-1, 1)}
        ),
        name="helmholtz" if (a1, a2) == (1, 4) else f"helmholtz-{a1}-{a2}",
    )
