"""The Allen-Cahn equation: two phases, u near 1 and u near -1, and the thin layers between them.

    u_t = D u_xx + 5 (u - u^3),   x in [-1, 1], t in [0, 1],   u(x, 0) = x^2 cos(pi x)

- `allen_cahn`: D = 1e-4, period 2 in x (Raissi, Perdikaris and Karniadakis, J. Comput. Phys. 378, 2019).
- `allen_cahn_dirichlet`: D = 1e-3, u = -1 at both ends (DeepXDE's example).
- `allen_cahn_steady`: -u'' + u^3 - u = 0 on (0, 1) from u(0) = 1 to u(1) = -1.

Why it is hard: u = 0 is unstable and u = +-1 are stable, so that an error grows like e^(5 t) before it is
forgotten, and layers of width sqrt(D) form.  The initial value is continued with period 2 by a kink at +-1,
which the solution loses at once: an ansatz that holds it as it is keeps the kink for ever, and no point sees
it.  What diffusion makes of the kink is known in closed form and built in (`ansatz/singular.py`).
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor

from ...geometry import Interval, Time
from .. import references
from ..conditions.boundary import Dirichlet, Periodic
from ..conditions.initial import Initial
from ..problem import Problem


def _start(x: Tensor) -> Tensor:
    return x**2 * torch.cos(pi * x)


def allen_cahn() -> Problem:
    """u_t = 1e-4 u_xx + 5 u - 5 u^3 with period 2 in x."""
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t - 1e-4 * u.xx + 5 * u**3 - 5 * u,
        conditions=[Periodic("x"), Initial("u", _start)],
        reference=references.allen_cahn_periodic(),
        name="allen-cahn",
    )


def allen_cahn_dirichlet() -> Problem:
    """u_t = 1e-3 u_xx + 5 u - 5 u^3 with u = -1 at both ends of x."""
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t - 1e-3 * u.xx + 5 * u**3 - 5 * u,
        conditions=[Dirichlet("u", -1.0, on="x"), Initial("u", _start)],
        reference=references.allen_cahn_dirichlet(),
        name="allen-cahn-dirichlet",
    )


def allen_cahn_steady() -> Problem:
    """-u'' + u^3 - u = 0 on (0, 1), u(0) = 1, u(1) = -1."""
    return Problem(
        domain=Interval(0, 1, name="x"),
        unknowns="u",
        equation=lambda u: -u.xx + u**3 - u,
        conditions=[Dirichlet("u", 1.0, on="x=0"), Dirichlet("u", -1.0, on="x=1")],
        reference=references.allen_cahn_steady(),
        name="allen-cahn-steady",
    )
