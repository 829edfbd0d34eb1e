"""NS2d-C, NS2d-CG and NS2d-LT: flow under a lid, over a step and through a channel that pulses.

The published code prescribes p = 0 at the outlets of the last two and nothing of the velocity, which leaves
the flow undetermined: a viscous fluid needs two conditions at a boundary of the plane.  Here v = 0 is the
second, as in the solver that made the published reference of NS2d-CG.  At the start of NS2d-LT the code asks
for p = 0 as well, but there p is whatever keeps the accelerated flow incompressible; that is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi

import torch
from torch import Tensor

from ...geometry import Box, Time
from ..conditions.base import Condition
from ..conditions.boundary import Dirichlet
from ..conditions.initial import Initial
from ..conditions.observations import Observations
from ..fields import Field
from ..problem import Problem
from ..zoo.navier_stokes import navier_stokes
from .stored import on_grid

UNKNOWNS = ("u", "v", "p")
RE = 100.0  # 1 / nu


def lid() -> Problem:
    """Steady flow in the unit square at nu = 0.01 under a lid with u = 4 x (1 - x); p = 0 in the origin."""
    return Problem(
        domain=Box((0, 0), (1, 1)),
        unknowns=UNKNOWNS,
        equation=navier_stokes(RE),
        conditions=[
            Dirichlet("u", lambda x, y: 4 * x * (1 - x), on="y=1"),
            Dirichlet("u", 0.0, on=("x", "y=0")),
            Dirichlet("v", 0.0),
            Observations("p", {"x": 0.0, "y": 0.0}, 0.0),
        ],
        reference=on_grid("ns2d_c", "Taylor-Hood elements of degrees 6 and 5", 2e-4, UNKNOWNS),
        name="pinnacle-ns2d-c",
    )


def step() -> Problem:
    """Steady flow at nu = 0.01 in [0, 4] x [0, 2] without x < 2, y > 1, entering with u = 4 y (1 - y)."""
    whole, block = Box((0, 0), (4, 2)), Box((0, 1), (2, 2))
    return Problem(
        domain=whole - block,
        unknowns=UNKNOWNS,
        equation=navier_stokes(RE),
        conditions=_channel("x=4", ("y=0", "y=2", "x=2", "y=1"), lambda y: 4 * y * (1 - y)),
        reference=on_grid("ns2d_cg", "Taylor-Hood elements of degrees 5 and 4", 3e-4, UNKNOWNS),
        name="pinnacle-ns2d-cg",
    )


def pulses() -> Problem:
    """Flow at nu = 0.01 in [0, 2] x [0, 1], t to 5, with three pulses at x = 0 and a force downwards.

    u = sin(pi y) (sin(pi t) + sin(3 pi t) + sin(5 pi t)) at x = 0; the force is -sin(pi x) sin(pi y)
    sin(pi t) along y.
    """

    def equation(
        u: Field, v: Field, p: Field, x: Tensor, y: Tensor, t: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        along, across, mass = navier_stokes(RE)(u, v, p)
        force = torch.sin(pi * x) * torch.sin(pi * y) * torch.sin(pi * t)
        return u.t + along, v.t + across + force, mass

    def inlet(y: Tensor, t: Tensor) -> Tensor:
        return torch.sin(pi * y) * (torch.sin(pi * t) + torch.sin(3 * pi * t) + torch.sin(5 * pi * t))

    return Problem(
        domain=Box((0, 0), (2, 1)) * Time(0, 5),
        unknowns=UNKNOWNS,
        equation=equation,
        conditions=[*_channel("x=2", ("y",), inlet), Initial("u", 0.0), Initial("v", 0.0)],
        reference=on_grid("ns2d_lt", "Taylor-Hood elements of degrees 4 and 3", 3e-4, UNKNOWNS),
        name="pinnacle-ns2d-lt",
    )


def _channel(outlet: str, walls: tuple[str, ...], inlet: Callable[..., Tensor]) -> list[Condition]:
    """Conditions of a flow that enters at x = 0: at the outlet p = 0 and v = 0."""
    return [
        Dirichlet("u", inlet, on="x=0"),
        Dirichlet("u", 0.0, on=walls),
        Dirichlet("v", 0.0, on=("x=0", outlet, *walls)),
        Dirichlet("p", 0.0, on=outlet),
    ]
