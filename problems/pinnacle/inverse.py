"""PInv and HInv: a diffusivity that varies in space, from noisy values of the solution.

The published source of PInv holds 2 x + 1 and 2 y + 1 where its solution needs 2 x - 1 and 2 y - 1; here it
is the right one.  The standard deviation of the errors, 0.1, is told to `Observations`; their seed is ours,
as the published one is not fixed, and so are the random places of HInv.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import pi

import numpy as np
import torch
from torch import Tensor

from ...geometry import Box, Time
from ..conditions.boundary import Dirichlet
from ..conditions.observations import Observations
from ..fields import Field
from ..operators import div, grad
from ..problem import Problem
from ..references import Array, Reference, _grid
from ..unknowns import Unknown
from ..zoo.inverse import exact_formula

NOISE = 0.1


def poisson_inverse(seed: int = 0) -> Problem:
    """div(a grad u) + f = 0 on the unit square: u = sin(pi x) sin(pi y), a to be found.

    a = 1 / (1 + x^2 + y^2 + (x - 1)^2 + (y - 1)^2) is known on the boundary; of u there are 50 x 50 values.

    Args:
        seed: Seed of the errors.
    """

    def a(x: Tensor, y: Tensor) -> Tensor:
        return 1 / (1 + x**2 + y**2 + (x - 1) ** 2 + (y - 1) ** 2)

    def equation(u: Field, a: Field, x: Tensor, y: Tensor) -> Tensor:
        out: Tensor = div(a * grad(u)) + poisson_source(x, y, -1.0)
        return out

    def fields(x: Array, y: Array) -> dict[str, Array]:
        known = 1 / (1 + x**2 + y**2 + (x - 1) ** 2 + (y - 1) ** 2)
        return {"u": np.sin(pi * x) * np.sin(pi * y), "a": known}

    nodes = np.linspace(0, 1, 50)
    points = _grid(x=nodes, y=nodes)
    values = fields(**points)["u"] + NOISE * np.random.default_rng(seed).standard_normal(nodes.size**2)
    inner = np.arange(1, 51) / 51
    return Problem(
        domain=Box((0, 0), (1, 1)),
        unknowns=("u", "a"),
        equation=equation,
        conditions=[Dirichlet("a", a), Observations("u", points, values, noise=NOISE)],
        reference=_on(exact_formula(fields, {"x": (0, 1), "y": (0, 1)}), x=inner, y=inner),
        name="pinnacle-pinv",
    )


def poisson_source(x: Tensor, y: Tensor, shift: float) -> Tensor:
    """The source f of PInv with 2 x + shift and 2 y + shift; -1 is right, and 1 is published."""
    a = 1 / (1 + x**2 + y**2 + (x - 1) ** 2 + (y - 1) ** 2)
    sx, sy, cx, cy = torch.sin(pi * x), torch.sin(pi * y), torch.cos(pi * x), torch.cos(pi * y)
    slopes = (2 * x + shift) * cx * sy + (2 * y + shift) * sx * cy
    return 2 * pi**2 * sx * sy * a + 2 * pi * a**2 * slopes


def heat_inverse(seed: int = 0) -> Problem:
    """u_t = div(a grad u) + f on [-1, 1]^2 x [0, 1]: u = e^-t s, a = 2 + s, s = sin(pi x) sin(pi y).

    a(x, y) is known on the sides; of u there are 2,500 values at random places and times.

    Args:
        seed: Seed of the places and errors.
    """
    bounds = {"x": (-1.0, 1.0), "y": (-1.0, 1.0), "t": (0.0, 1.0)}

    def source(x: Tensor, y: Tensor, t: Tensor) -> Tensor:
        sx, sy, cx, cy = torch.sin(pi * x), torch.sin(pi * y), torch.cos(pi * x), torch.cos(pi * y)
        s = sx * sy
        inner = (4 * pi**2 - 1) * s + pi**2 * (2 * s**2 - (cx * sy) ** 2 - (sx * cy) ** 2)
        return torch.exp(-t) * inner

    def equation(u: Field, a: Field, x: Tensor, y: Tensor, t: Tensor) -> Tensor:
        out: Tensor = u.t - div(a * grad(u)) - source(x, y, t)
        return out

    def fields(x: Array, y: Array, t: Array) -> dict[str, Array]:
        s = np.sin(pi * x) * np.sin(pi * y)
        return {"u": np.exp(-t) * s, "a": 2 + s}

    rng = np.random.default_rng(seed)
    points = {name: rng.uniform(*ends, 2500) for name, ends in bounds.items()}
    values = fields(**points)["u"] + NOISE * rng.standard_normal(2500)
    inner = -1 + np.arange(1, 18) / 9
    return Problem(
        domain=Box((-1, -1), (1, 1)) * Time(0, 1),
        unknowns=("u", Unknown("a", of=("x", "y"))),
        equation=equation,
        conditions=[
            Dirichlet("a", lambda x, y: 2 + torch.sin(pi * x) * torch.sin(pi * y)),
            Observations("u", points, values, noise=NOISE),
        ],
        reference=_on(exact_formula(fields, bounds), x=inner, y=inner, t=1 - np.arange(71) / 71),
        name="pinnacle-hinv",
    )


def _on(reference: Reference, **axes: Array) -> Reference:
    """Reference that is compared on the grid of some axes."""
    grid: Callable[[], dict[str, Array]] = lambda: _grid(**axes)
    return replace(reference, test_points=grid)
