"""The viscous Burgers equation, a model of a shock that viscosity keeps from breaking.

    u_t + u u_x = nu u_xx,   x in [-1, 1], t in [0, 1]
    u(x, 0) = -sin(pi x),    u(-1, t) = u(1, t) = 0

Source: Basdevant et al., Computers & Fluids 14 (1986); with nu = 0.01 / pi it is the example of Raissi,
Perdikaris and Karniadakis, J. Comput. Phys. 378 (2019), that PINN papers compare on.

Why it is hard: the two halves of the sine run into each other and at t = 1 / pi stand against each other in a
layer at x = 0 whose width is of order nu.  There u_x reaches -152 and u_xx exceeds 10,000, in a strip that
one uniform point in a hundred meets.  The equation is odd in x, about the middle and about both ends; so is
the ansatz.
"""

from __future__ import annotations

from math import pi

import torch

from ...geometry import Interval, Parameter, Time
from .. import references
from ..conditions.boundary import Dirichlet
from ..conditions.initial import Initial
from ..families import family
from ..problem import Problem

MEMBERS = 5  # viscosities at which a family is compared


def burgers(nu: float = 0.01 / pi) -> Problem:
    """The Burgers equation with initial value -sin(pi x).

    Args:
        nu: Viscosity, from 1e-3 to 0.2 (where the reference has been verified).

    Raises:
        InputError: nu is outside that range.
    """
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t + u * u.x - nu * u.xx,
        conditions=[
            Dirichlet("u", 0.0, on="x"),
            Initial("u", lambda x: -torch.sin(pi * x)),
        ],
        reference=references.burgers(nu),
        name="burgers",
    )


def burgers_family(lower: float = 0.01 / pi, upper: float = 0.1 / pi) -> Problem:
    """The Burgers equation for all viscosities of an interval, by one network.

    Args:
        lower: Least viscosity, at least 1e-3.
        upper: Largest viscosity, at most 0.2.

    Raises:
        InputError: They are outside that range, or not in order.
    """
    nu = Parameter("nu", lower, upper)
    chosen = nu.from_unit(torch.linspace(0, 1, MEMBERS, dtype=torch.float64)).tolist()
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1) * nu,
        unknowns="u",
        equation=lambda u, nu: u.t + u * u.x - nu * u.xx,
        conditions=[
            Dirichlet("u", 0.0, on="x"),
            Initial("u", lambda x: -torch.sin(pi * x)),
        ],
        reference=family("nu", references.burgers, chosen),
        name="burgers-family",
    )
