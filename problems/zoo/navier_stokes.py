"""Steady flow of an incompressible fluid: the Navier-Stokes equations in two dimensions.

    u u_x + v u_y + p_x = (u_xx + u_yy) / Re,    u v_x + v v_y + p_y = (v_xx + v_yy) / Re,    u_x + v_y = 0.

Three unknowns, coupled, and a pressure that no boundary condition mentions:

    kovasznay   an exact solution, the wake of a grid (Kovasznay, Proc. Cambridge Phil. Soc. 44, 1948), Re 40
    cavity      a lid drags the fluid of a box around (Ghia, Ghia and Shin, J. Comput. Phys. 48, 1982), Re
    100:
                at the ends of the lid the velocity jumps and the pressure is infinite
    cylinder    the drag of a cylinder in a channel (Schaefer and Turek, Notes on Numerical Fluid Mechanics
    52,
                1996, case 2D-1), Re 20: what counts happens in a small part of a long domain
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from math import pi, sqrt
from types import ModuleType
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import Ball, Box
from ..answers import Solved
from ..conditions.boundary import Dirichlet
from ..conditions.boundary_equation import BoundaryEquation
from ..conditions.observations import Observations
from ..fields import Field
from ..problem import Problem
from ..quantities import Quantity
from ..references import Reference

Array = NDArray[np.float64]
A = TypeVar("A", Array, Tensor)


def navier_stokes(re: float) -> Callable[[Field, Field, Field], tuple[Tensor, Tensor, Tensor]]:
    """The equations at a Reynolds number: momentum in x and y, and continuity."""

    def equation(u: Field, v: Field, p: Field) -> tuple[Tensor, Tensor, Tensor]:
        return (
            u * u.x + v * u.y + p.x - (u.xx + u.yy) / re,
            u * v.x + v * v.y + p.y - (v.xx + v.yy) / re,
            u.x + v.y,
        )

    return equation


def kovasznay() -> Problem:
    """Kovasznay flow on [-1/2, 1] x [-1/2, 3/2] at Re = 40, with the exact velocity on the boundary.

    u = 1 - e^(a x) cos(2 pi y), v = a / (2 pi) e^(a x) sin(2 pi y), p = (1 - e^(2 a x)) / 2,
    a = Re / 2 - sqrt(Re^2 / 4 + 4 pi^2); the pressure is fixed at the origin.
    """
    re = 40.0
    a = re / 2 - sqrt(re**2 / 4 + 4 * pi**2)

    def velocity(x: A, y: A, lib: ModuleType) -> tuple[A, A]:
        decay, angle = lib.exp(a * x), 2 * pi * y
        return 1 - decay * lib.cos(angle), a / (2 * pi) * decay * lib.sin(angle)

    def exact(x: Array, y: Array) -> dict[str, Array]:
        u, v = velocity(x, y, np)
        return {"u": u, "v": v, "p": (1 - np.exp(2 * a * x)) / 2}

    return Problem(
        domain=Box((-0.5, -0.5), (1, 1.5)),
        unknowns=("u", "v", "p"),
        equation=navier_stokes(re),
        conditions=[
            Dirichlet("u", lambda x, y: velocity(x, y, torch)[0]),
            Dirichlet("v", lambda x, y: velocity(x, y, torch)[1]),
            Observations("p", {"x": 0.0, "y": 0.0}, 0.0),
        ],
        reference=_formula(exact, (-0.5, 1), (-0.5, 1.5)),
        name="kovasznay",
    )


def cavity() -> Problem:
    """The unit square at Re = 100, the lid y = 1 moving with speed 1; p = 0 in the middle of the bottom.

    At the ends of the lid the velocity jumps, which no network does.  Close to them viscosity rules, and the
    flow is Taylor's at a plate that scrapes fluid off a wall; with this known part taken out, all conditions
    are exact. The momentum equations are weighted by r^2 / (r^2 + 0.04), r the distance from an end, as
    inertia is infinite there (like 1 / r).  The reference has no pressure; errors are those of the velocity
    on x = 1/2 and y = 1/2, where Ghia, Ghia and Shin give theirs, good to 5e-3 and 1e-2.
    """
    re = 100.0

    def equation(u: Field, v: Field, p: Field, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        along, across, mass = navier_stokes(re)(u, v, p)
        weight = torch.ones_like(x)
        for out in (x, 1 - x):
            r2 = out**2 + (1 - y) ** 2
            weight = weight * r2 / (r2 + 0.04)
        return weight * along, weight * across, mass

    def part(i: int) -> Callable[..., Tensor]:
        """Corner flows at the ends of the lid: on the left it leaves the wall, on the right it meets one."""

        def function(x: Tensor, y: Tensor) -> Tensor:
            left, right = scraper(1 - y, x, 1.0, re), scraper(1 - y, 1 - x, -1.0, re)
            return left[i] + right[i] * (-1 if i == 0 else 1)

        return function

    return Problem(
        domain=Box((0, 0), (1, 1)),
        unknowns=("u", "v", "p"),
        equation=equation,
        particular={name: part(i) for i, name in enumerate(("u", "v", "p"))},
        conditions=[
            Dirichlet("u", 0.0, on=("x", "y=0")),
            Dirichlet("u", 1.0, on="y=1"),
            Dirichlet("v", 0.0),
            Observations("p", {"x": 0.5, "y": 0.0}, 0.0),
        ],
        quantities={
            "smallest u": Quantity(
                lambda s: s.predict({"x": 0.5, "y": np.linspace(0, 1, 513)})["u"].min(),
                -0.2140417,
                "scripts/make_cavity.py",
            )
        },
        reference=Reference(
            "finite differences, extrapolated, stored by scripts/make_cavity.py", 5e-6, _cavity, _middle_lines
        ),
        name="cavity",
    )


def scraper(down: Tensor, out: Tensor, speed: float, re: float) -> tuple[Tensor, Tensor, Tensor]:
    """Viscous flow between a wall and a plate at right angles that moves away from it.

    Stream function r f(t) with f = B sin t + C t cos t + D t sin t (Taylor 1962; Batchelor, An Introduction
    to Fluid Dynamics, section 4.8), f = f' = 0 on the wall t = 0, f = 0 and f' = speed on the plate.

    Args:
        down: Distance along the wall, [N].
        out: Distance along the plate, [N].
        speed: Speed of the plate, away from the wall.
        re: Reynolds number.

    Returns:
        Velocity along the plate, velocity up the wall, pressure, each [N].
    """
    b = speed / (pi / 2 - 2 / pi)
    c, d = -b, -2 * b / pi
    # At the corner itself the wall's values.  Nowhere else may anything be added, however small: a second
    # derivative of atan2(out, down + e) along the plate, where down = 0, is wrong by 2 e / out^3.
    corner = (down == 0) & (out == 0)
    t = torch.atan2(out, torch.where(corner, 1.0, down))
    r = torch.where(corner, 1e-13, torch.sqrt(torch.where(corner, 1.0, down**2 + out**2)))
    cos, sin = torch.cos(t), torch.sin(t)
    f, slope = b * sin + c * t * cos + d * t * sin, -c * t * sin + d * (sin + t * cos)
    return slope * sin - f * cos, -(slope * cos + f * sin), 2 * (c * cos + d * sin) / (re * r)


def cylinder() -> Problem:
    """A cylinder of diameter 1 in a channel 22 long and 4.1 high; Re = 20.

    Its centre is 2 from inlet and bottom.  Lengths are in diameters and velocities in the mean one of the
    inlet.  The published numbers: drag coefficient 5.57953523384, lift coefficient 0.010618948146, and the
    pressure difference across the cylinder 0.11752016697 in units of 0.04 (Nabh, dissertation, Heidelberg
    1998).
    """
    re, height, centre, radius = 20.0, 4.1, 2.0, 0.5

    def inlet(y: Tensor) -> Tensor:
        return 6 * y * (height - y) / height**2

    def open_end(u: Field, v: Field, p: Field) -> tuple[Tensor, Tensor]:
        return u.x / re - p, v.x / re

    def force(solution: Solved) -> Array:
        """The force coefficients: twice the stress integrated over the cylinder."""
        angle = 2 * pi * np.arange(720) / 720
        n_x, n_y = np.cos(angle), np.sin(angle)  # out of the cylinder

        def traction(u: Field, v: Field, p: Field) -> tuple[Tensor, Tensor]:
            a, b = torch.from_numpy(n_x), torch.from_numpy(n_y)
            shear = (u.y + v.x) / re
            return (2 * u.x / re - p) * a + shear * b, shear * a + (2 * v.y / re - p) * b

        points = {"x": centre + radius * n_x, "y": centre + radius * n_y}
        return np.asarray(2 * 2 * pi * radius * np.mean(solution.evaluate(traction, points), axis=1))

    def difference(solution: Solved) -> float:
        p = solution.predict({"x": np.array([1.5, 2.5]), "y": 2.0})["p"]
        return float(p[0] - p[1])

    source = "Schaefer and Turek 2D-1"
    return Problem(
        domain=Box((0, 0), (22, height)) - Ball((centre, centre), radius, tag="cylinder"),
        unknowns=("u", "v", "p"),
        equation=navier_stokes(re),
        conditions=[
            Dirichlet("u", inlet, on="x=0"),
            Dirichlet("v", 0.0, on="x=0"),
            Dirichlet("u", 0.0, on=("y=0", "y=4.1", "cylinder")),
            Dirichlet("v", 0.0, on=("y=0", "y=4.1", "cylinder")),
            BoundaryEquation(open_end, on="x=22"),
        ],
        quantities={
            "drag": Quantity(lambda s: force(s)[0], 5.57953523384, source),
            "lift": Quantity(lambda s: force(s)[1], 0.010618948146, source),
            "pressure drop": Quantity(difference, 0.11752016697 / 0.04, source),
        },
        name="cylinder",
    )


def _formula(
    exact: Callable[[Array, Array], dict[str, Array]], x: tuple[float, float], y: tuple[float, float]
) -> Reference:
    """A reference by formula on a box, compared on a grid of 129 x 129 points."""

    def evaluate(points: Mapping[str, Array]) -> dict[str, Array]:
        at = np.broadcast_arrays(np.asarray(points["x"], float), np.asarray(points["y"], float))
        outside = np.zeros(at[0].shape, bool)
        for values, (low, high) in zip(at, (x, y), strict=True):
            outside |= (values < low - 1e-12) | (values > high + 1e-12)
        return {name: np.where(outside, np.nan, values) for name, values in exact(*at).items()}

    def test_points() -> dict[str, Array]:
        grid = np.meshgrid(np.linspace(*x, 129), np.linspace(*y, 129), indexing="ij")
        return {"x": grid[0].ravel(), "y": grid[1].ravel()}

    return Reference("exact formula", 1e-15, evaluate, test_points)


@cache
def _cavity_grid() -> tuple[Array, Array]:
    with (resources.files("sapts_pinn.problems") / "data" / "cavity.npz").open("rb") as file:
        data = dict(np.load(file))
    return data["u"], data["v"]


def _cavity(points: Mapping[str, Array]) -> dict[str, Array]:
    """Cubic splines through the stored velocities; near the ends of the lid they are worth little."""
    from scipy.interpolate import RectBivariateSpline

    x, y = np.broadcast_arrays(np.asarray(points["x"], float), np.asarray(points["y"], float))
    outside = (np.minimum(x, y) < -1e-12) | (np.maximum(x, y) > 1 + 1e-12)
    nodes = np.linspace(0, 1, 65)
    velocity = (RectBivariateSpline(nodes, nodes, values).ev(x, y) for values in _cavity_grid())
    return {name: np.where(outside, np.nan, w) for name, w in zip(("u", "v"), velocity, strict=True)}


def _middle_lines() -> dict[str, Array]:
    """The stored points of x = 1/2 and y = 1/2."""
    nodes, half = np.linspace(0, 1, 65), np.full(65, 0.5)
    return {"x": np.concatenate([half, nodes]), "y": np.concatenate([nodes, half])}
