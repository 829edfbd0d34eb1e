"""The free Schroedinger equation: a Gaussian wave packet moves, and spreads.

    i h_t + h_xx / 2 = 0,   x in [-5, 9], t in [0, 2],
    h(x, t) = (1 + i t)^(-1/2) exp(-(x - k t)^2 / (2 (1 + i t)) + i k (x - k t / 2)),   k = 2

with the exact values at the start and at both ends.  Source: any textbook of quantum mechanics.

It is written in one complex unknown; the library solves for the real and the imaginary part.  Why it is hard:
nothing is damped, and both parts turn with the phase, which runs ahead of the packet.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...geometry import Interval, Time
from .. import references
from ..complex_unknowns import Complex, ComplexField
from ..conditions.boundary import Dirichlet
from ..conditions.initial import Initial
from ..problem import Problem

SPEED = 2.0  # k, of the packet


def wave_packet() -> Problem:
    """Free Schroedinger equation, a Gaussian packet on its way."""

    def equation(h: ComplexField) -> Tensor:
        free: Tensor = 1j * h.t + 0.5 * h.xx
        return free

    return Problem(
        domain=Interval(-5, 9, name="x") * Time(0, 2),
        unknowns=Complex("h"),
        equation=equation,
        conditions=[Dirichlet("h", packet, on="x"), Initial("h", lambda x: packet(x, 0 * x))],
        reference=references.analytic(
            lambda x, t: packet(torch.as_tensor(x), torch.as_tensor(t)).numpy(),
            {"x": (-5, 9), "t": (0, 2)},
            unknown="h",
        ),
        name="wave-packet",
    )


def packet(x: Tensor, t: Tensor) -> Tensor:
    """The exact solution."""
    width: Any = 1 + 1j * t
    moved = x - SPEED * t
    found: Tensor = torch.exp(-(moved**2) / (2 * width) + 1j * SPEED * (x - SPEED * t / 2)) / torch.sqrt(
        width
    )
    return found
