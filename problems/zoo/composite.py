"""Walls and plates of several materials, whose conductivity jumps from one to the next.

composite_wall   three layers, of which the thin one in the middle insulates 20 times better than brick and
                 1,700 times better than steel: nearly all of the temperature drops over 5 % of the wall
composite_ring   two rings of different conductivity
conjugate        a flow that warms itself at a wall: convection in the fluid alone, conduction in both
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import Ball, Box, Interval
from ..conditions.boundary import Dirichlet, Neumann
from ..conditions.contact import Contact
from ..problem import Problem
from ..references import Reference, analytic

Array = NDArray[np.float64]

WALL = {"brick": (0.0, 0.3, 0.6), "foam": (0.3, 0.35, 0.03), "steel": (0.35, 1.0, 50.0)}  # from, to, k
HEAT, HOT = 10.0, 100.0
INSIDE, MIDDLE, OUTSIDE = 0.5, 1.0, 2.0
CORE, SHELL = 20.0, 1.0
K_FLUID, K_WALL = 0.1, 2.0
THICK, HEATING = 0.5, 1.0
EDGE = 1e-12  # beyond the edge by so much is rounding


def composite_wall() -> Problem:
    """(k u')' = -10 on (0, 1) through brick, foam and steel, u(0) = 0, u(1) = 100.

    k u' = C - 10 x everywhere, and C is such that the drops over all layers add up to 100.
    """
    resistance = sum((b - a) / k for a, b, k in WALL.values())
    c = (HOT + sum(HEAT * (b**2 - a**2) / 2 / k for a, b, k in WALL.values())) / resistance

    def exact(x: Array) -> Array:
        layers = [(np.clip(x, a, b), a, k) for a, b, k in WALL.values()]
        return sum(((c * (y - a) - HEAT * (y**2 - a**2) / 2) / k for y, a, k in layers), np.zeros_like(x))

    return Problem(
        domain=Interval(0, 1).with_regions({name: Interval(a, b) for name, (a, b, _) in WALL.items()}),
        unknowns="u",
        equation=lambda u, k: k * u.xx + HEAT,
        conditions=[
            Dirichlet("u", 0.0, on="x=0"),
            Dirichlet("u", HOT, on="x=1"),
            Contact(flux=lambda u, k, n_x: k * u.x * n_x),
        ],
        materials={"k": {name: k for name, (_, _, k) in WALL.items()}},
        reference=analytic(exact, {"x": (0, 1)}),
        name="composite-wall",
    )


def composite_ring() -> Problem:
    """div(k grad u) = 0 between r = 1/2 and r = 2, k = 20 for r < 1 and 1 beyond; u = 0 inside, 1 outside.

    u = A log r + B in each ring, with the four conditions as linear equations for the A and B.
    """
    log = np.log
    rows = [
        [log(INSIDE), 1, 0, 0],
        [0, 0, log(OUTSIDE), 1],
        [log(MIDDLE), 1, -log(MIDDLE), -1],
        [CORE, 0, -SHELL, 0],
    ]
    a, b, c, d = np.linalg.solve(np.array(rows, dtype=np.float64), np.array([0.0, 1.0, 0.0, 0.0])).tolist()

    def exact(points: Mapping[str, Array]) -> dict[str, Array]:
        r = np.hypot(points["x"], points["y"])
        inside = (r > INSIDE * (1 - EDGE)) & (r < OUTSIDE * (1 + EDGE))
        r = np.where(inside, r, np.nan)
        return {"u": np.where(r < MIDDLE, a * log(r) + b, c * log(r) + d)}

    def grid() -> dict[str, Array]:
        r, angle = np.meshgrid(np.linspace(INSIDE, OUTSIDE, 100)[1:-1], np.linspace(0, 2 * np.pi, 181)[1:])
        return {"x": (r * np.cos(angle)).ravel(), "y": (r * np.sin(angle)).ravel()}

    inner, middle, outer = (Ball((0, 0), r, tag=f"r={r:g}") for r in (INSIDE, MIDDLE, OUTSIDE))
    return Problem(
        domain=(outer - inner).with_regions({"core": middle - inner, "shell": outer - middle}),
        unknowns="u",
        equation=lambda u, k: k * (u.xx + u.yy),
        conditions=[
            Dirichlet("u", 0.0, on="r=0.5"),
            Dirichlet("u", 1.0, on="r=2"),
            Contact(flux=lambda u, k, n_x, n_y: k * (u.x * n_x + u.y * n_y)),
        ],
        materials={"k": {"core": CORE, "shell": SHELL}},
        reference=Reference("exact formula", 1e-15, exact, grid),
        name="composite-ring",
    )


def conjugate() -> Problem:
    """Conjugate heat transfer: a developed flow in 0 < y < 1, a wall in 1 < y < 3/2, heated from outside.

        U u_x = k_f (u_xx + u_yy) in the fluid, U = 3 (1 - y^2) / 2,      u_xx + u_yy = 0 in the wall,
        u and k u_y continuous at y = 1,   u_y = 0 at y = 0

    and values that grow like q x on the other sides.  The mean flow is 1, so that a flux q through the wall
    warms it by q for each length: u = q x + g(y), with k_f g'' = q U in the fluid and g linear in the wall
    (Kays and Crawford, Convective Heat and Mass Transfer, 1993, chapter 9).
    """

    def exact(x: Array, y: Array) -> Array:
        fluid = np.minimum(y, 1.0)
        g = 1.5 * (fluid**2 / 2 - fluid**4 / 12) / K_FLUID + np.maximum(y - 1, 0.0) / K_WALL
        return np.asarray(HEATING * (x + g))

    top = 1 + THICK
    outside = float(exact(np.zeros(1), np.full(1, top))[0])
    return Problem(
        domain=Box((0, 0), (1, top)).with_regions(
            {"fluid": Box((0, 0), (1, 1)), "wall": Box((0, 1), (1, top))}
        ),
        unknowns="u",
        equation=lambda u, U, k: U * u.x - k * (u.xx + u.yy),
        conditions=[
            Dirichlet("u", _warmth, on="x=0"),
            Dirichlet("u", lambda y: _warmth(y) + HEATING, on="x=1"),
            Neumann("u", 0.0, on="y=0"),
            Dirichlet("u", lambda x: HEATING * x + outside, on="y=1.5"),
            Contact(flux=lambda u, k, n_x, n_y: k * (u.x * n_x + u.y * n_y)),
        ],
        materials={
            "U": {"fluid": lambda y: 1.5 * (1 - y**2), "wall": 0.0},
            "k": {"fluid": K_FLUID, "wall": K_WALL},
        },
        reference=analytic(exact, {"x": (0, 1), "y": (0, top)}),
        name="conjugate",
    )


def _warmth(y: Tensor) -> Tensor:
    """The temperature at x = 0."""
    fluid = torch.clamp(y, max=1.0)
    g = 1.5 * (fluid**2 / 2 - fluid**4 / 12) / K_FLUID + torch.clamp(y - 1, min=0.0) / K_WALL
    return HEATING * g
