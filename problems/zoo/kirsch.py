"""Linear elasticity: a plate with a round hole, pulled in x.  The hole trebles the stress.

Plane stress, no volume forces:

    s_xx,x + s_xy,y = 0,    s_xy,x + s_yy,y = 0,
    s_xx = (u_x + nu v_y) / (1 - nu^2),  s_yy = (v_y + nu u_x) / (1 - nu^2),  s_xy = (u_y + v_x) / (2 (1 +
    nu)),

lengths in radii of the hole, stresses in units of the tension far away, displacements in tension times radius
over Young's modulus.  One quarter of the plate does, by symmetry; no traction acts on the hole, and on the
outer edges the displacements are those of the infinite plate (Kirsch, Zeitschrift des VDI 42, 1898;
Timoshenko and Goodier, Theory of Elasticity, section 35), so that its solution is the exact one.  Hard is the
small place where stress is concentrated, and a condition on derivatives of both unknowns at that place.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import Ball, Box
from ..answers import Solved
from ..conditions.boundary import Dirichlet, Neumann
from ..conditions.boundary_equation import BoundaryEquation
from ..fields import Field
from ..problem import Problem
from ..quantities import Quantity
from ..references import Reference

Array = NDArray[np.float64]
A = TypeVar("A", Array, Tensor)

POISSON, SIDE = 0.3, 4.0  # Poisson's ratio; the side of the quarter in radii of the hole
KAPPA = (3 - POISSON) / (1 + POISSON)  # plane stress


def stress(u: Field, v: Field) -> tuple[Tensor, Tensor, Tensor]:
    """s_xx, s_yy and s_xy of displacements."""
    plane = 1 - POISSON**2
    s_xx, s_yy = (u.x + POISSON * v.y) / plane, (v.y + POISSON * u.x) / plane
    return s_xx, s_yy, (u.y + v.x) / (2 * (1 + POISSON))


def von_mises(u: Field, v: Field) -> Tensor:
    """Equivalent stress of plane stress."""
    s_xx, s_yy, s_xy = stress(u, v)
    return (s_xx**2 - s_xx * s_yy + s_yy**2 + 3 * s_xy**2) ** 0.5


def kirsch() -> Problem:
    """The quarter [0, 4]^2 without the unit disc; on its top the stress is 3."""

    def equation(u: Field, v: Field) -> tuple[Tensor, Tensor]:
        a, b, c = 1 / (1 - POISSON**2), 1 / (2 * (1 + POISSON)), 1 / (2 * (1 - POISSON))
        return a * u.xx + b * u.yy + c * v.xy, a * v.yy + b * v.xx + c * u.xy

    def traction(u: Field, v: Field, n_x: Tensor, n_y: Tensor) -> tuple[Tensor, Tensor]:
        s_xx, s_yy, s_xy = stress(u, v)
        return s_xx * n_x + s_xy * n_y, s_xy * n_x + s_yy * n_y

    edges = (f"x={SIDE:g}", f"y={SIDE:g}")
    return Problem(
        domain=Box((0, 0), (SIDE, SIDE)) - Ball((0, 0), 1, tag="hole"),
        unknowns=("u", "v"),
        equation=equation,
        conditions=[
            Dirichlet("u", 0.0, on="x=0"),
            Neumann("v", 0.0, on="x=0"),
            Dirichlet("v", 0.0, on="y=0"),
            Neumann("u", 0.0, on="y=0"),
            Dirichlet("u", lambda x, y: displacements(x, y, torch)[0], on=edges),
            Dirichlet("v", lambda x, y: displacements(x, y, torch)[1], on=edges),
            BoundaryEquation(traction, on="hole"),
        ],
        quantities={"stress factor": Quantity(_factor, 3.0, "Kirsch 1898")},
        derived={"von Mises stress": von_mises},
        displacement=("u", "v"),
        reference=Reference("Kirsch's formula", 1e-15, _evaluate, _test_points),
        name="kirsch",
    )


def displacements(x: A, y: A, np_or_torch: ModuleType = np) -> tuple[A, A]:
    """Kirsch's u and v, by NumPy or PyTorch."""
    r, angle = np_or_torch.sqrt(x**2 + y**2), np_or_torch.arctan2(y, x)
    cos, sin = np_or_torch.cos, np_or_torch.sin
    scale = (1 + POISSON) / 4  # tension radius / (8 G), with E = 1
    near, far = 2 / r, 2 / r**3
    u = (KAPPA + 1) * (r + near) * cos(angle) + (near - far) * cos(3 * angle)
    v = ((KAPPA - 3) * r + near * (1 - KAPPA)) * sin(angle) + (near - far) * sin(3 * angle)
    return scale * u, scale * v


def _factor(solution: Solved) -> float:
    """The largest s_xx at the hole."""
    angle = np.linspace(0, np.pi / 2, 181)
    points = {"x": np.cos(angle), "y": np.sin(angle)}
    return float(solution.evaluate(lambda u, v: stress(u, v)[0], points).max())


def _evaluate(points: Mapping[str, Array]) -> dict[str, Array]:
    x, y = np.broadcast_arrays(points["x"], points["y"])
    inside = (np.hypot(x, y) >= 1 - 1e-12) & (np.minimum(x, y) >= -1e-12) & (np.maximum(x, y) <= SIDE + 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = displacements(x, y)
    return {"u": np.where(inside, u, np.nan), "v": np.where(inside, v, np.nan)}


def _test_points() -> dict[str, Array]:
    x, y = (c.ravel() for c in np.meshgrid(*2 * [np.linspace(0, SIDE, 129)], indexing="ij"))
    return {"x": x[np.hypot(x, y) >= 1], "y": y[np.hypot(x, y) >= 1]}
