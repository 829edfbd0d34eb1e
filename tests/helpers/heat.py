"""Heat in a rod: a problem with two sets of points, and settings of a short run."""

import math

import torch

from sapts_pinn import Dirichlet, Initial, Problem
from sapts_pinn.geometry import Interval, Time

SHORT = {"network": (6, 6), "points": 96, "condition_points": 16, "resample": 5}


def heat() -> Problem:
    """With an initial value that is a weighted term, so that there are two sets of points."""
    return Problem(
        domain=Interval(0, 1) * Time(0, 0.1),
        unknowns="u",
        equation=lambda u: u.t - u.xx,
        conditions=[Dirichlet("u", 0.0), Initial("u", lambda x: torch.sin(math.pi * x), hard=False)],
        name="heat",
    )
