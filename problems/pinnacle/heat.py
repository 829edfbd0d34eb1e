"""Heat2d-MS, Heat2d-VC, Heat2d-CG and Heat2d-LT: two scales, a random medium, many holes, a long time.

The published test grid of Heat2d-MS, multiples of 1/9, sees sin(20 pi x) as sin(2 pi x); ours does not.
"""

from __future__ import annotations

from dataclasses import replace
from math import pi

import numpy as np
import torch

from ...geometry import Box, Time
from ..conditions.boundary import Dirichlet
from ..conditions.initial import Initial
from ..problem import Problem
from ..references import _grid, analytic


def heat_2d_ms(m: int = 20) -> Problem:
    """u_t = u_xx / (500 pi)^2 + u_yy / pi^2 on [0, 1]^2 x [0, 5] from sin(m pi x) sin(pi y), 0 on the sides.

    Args:
        m: Half waves along x.
    """
    rate = 1 + (m / 500) ** 2
    bounds = {"x": (0.0, 1.0), "y": (0.0, 1.0), "t": (0.0, 5.0)}
    formula = analytic(
        lambda x, y, t: np.sin(m * pi * x) * np.sin(pi * y) * np.exp(-rate * t), bounds, nodes=2
    )
    return Problem(
        domain=Box((0, 0), (1, 1)) * Time(0, 5),
        unknowns="u",
        equation=lambda u: u.t - u.xx / (500 * pi) ** 2 - u.yy / pi**2,
        conditions=[
            Dirichlet("u", 0.0),
            Initial("u", lambda x, y: torch.sin(m * pi * x) * torch.sin(pi * y)),
        ],
        reference=replace(
            formula,
            test_points=lambda: _grid(
                x=np.arange(1, 97) / 97, y=np.arange(1, 10) / 10, t=np.linspace(0, 5, 26)
            ),
        ),
        name="pinnacle-heat2d-ms",
    )
