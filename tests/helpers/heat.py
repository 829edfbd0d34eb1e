"""Heat in a rod: a problem with two sets of points, and settings of a short run."""

import math

import torch

from sapts_pinn import Dirichlet, Initial, Neumann, Problem
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Condition

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


INSULATED = Neumann("u", 0.0, on="x=1")


def weighted(end: Condition = INSULATED, weight: float | None = None) -> Problem:
    """With weighted terms for the initial value and for the end x = 1; the value at x = 0 is exact.

    Args:
        end: The condition at x = 1.
        weight: Of the initial value; None balances it.
    """
    return Problem(
        domain=Interval(0, 1) * Time(0, 0.1),
        unknowns="u",
        equation=lambda u: u.t - u.xx,
        conditions=[
            Dirichlet("u", 0.0, on="x=0"),
            end,
            Initial("u", lambda x: torch.sin(math.pi * x / 2), hard=False, weight=weight),
        ],
        symmetry=False,
        name="heat",
    )
