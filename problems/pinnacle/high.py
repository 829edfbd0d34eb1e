"""PNd and HNd: Poisson's equation in a cube and the heat equation in a ball, both of five dimensions.

The published test points of the first are a grid of 8^5; ours are the same.  Those of the second are 800
random points in the ball at 25 times; ours are as many, from a seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import pi

import numpy as np
import torch
from torch import Tensor

from ...geometry import Ball, Box, Time
from ..conditions.boundary import Dirichlet, Neumann
from ..conditions.initial import Initial
from ..fields import Field
from ..problem import Problem
from ..references import Array, Reference, _grid, analytic

D = 5
NAMES = ("x1", "x2", "x3", "x4", "x5")


def poisson_nd() -> Problem:
    """-Laplace u = pi^2 / 4 sum_i sin(pi x_i / 2) on [0, 1]^5, u = sum_i sin(pi x_i / 2) on the boundary."""

    def exact(x1: Tensor, x2: Tensor, x3: Tensor, x4: Tensor, x5: Tensor) -> Tensor:
        return torch.stack([torch.sin(pi / 2 * x) for x in (x1, x2, x3, x4, x5)]).sum(0)

    def equation(u: Field, x1: Tensor, x2: Tensor, x3: Tensor, x4: Tensor, x5: Tensor) -> Tensor:
        laplacian: Tensor = u.x1x1 + u.x2x2 + u.x3x3 + u.x4x4 + u.x5x5
        return laplacian + pi**2 / 4 * exact(x1, x2, x3, x4, x5)

    bounds = dict.fromkeys(NAMES, (0.0, 1.0))
    formula = analytic(lambda **x: sum(np.sin(pi / 2 * c) for c in x.values()), bounds)
    nodes = np.arange(1, 9) / 9
    return Problem(
        domain=Box([0] * D, [1] * D, NAMES),
        unknowns="u",
        equation=equation,
        conditions=[Dirichlet("u", exact)],
        reference=Reference(
            formula.source, formula.accuracy, formula.evaluate, lambda: _grid(**dict.fromkeys(NAMES, nodes))
        ),
        name="pinnacle-pnd",
    )


def heat_nd() -> Problem:
    """u_t = (Laplace u - r^2 e^(r^2 / 2 + t)) / 5 in the unit ball of R^5: u = e^(r^2 / 2 + t).

    On the sphere du/dn = u's own e^(1 / 2 + t) is prescribed.
    """

    def exact(x1: Tensor, x2: Tensor, x3: Tensor, x4: Tensor, x5: Tensor, t: Tensor | float) -> Tensor:
        return torch.exp(_square(x1, x2, x3, x4, x5) / 2 + t)

    def equation(u: Field, x1: Tensor, x2: Tensor, x3: Tensor, x4: Tensor, x5: Tensor, t: Tensor) -> Tensor:
        source = _square(x1, x2, x3, x4, x5) * exact(x1, x2, x3, x4, x5, t)
        out: Tensor = u.t - (u.x1x1 + u.x2x2 + u.x3x3 + u.x4x4 + u.x5x5 - source) / D
        return out

    return Problem(
        domain=Ball([0] * D, 1, NAMES) * Time(0, 1),
        unknowns="u",
        equation=equation,
        conditions=[
            Initial("u", lambda x1, x2, x3, x4, x5: exact(x1, x2, x3, x4, x5, 0.0)),
            Neumann("u", exact),
        ],
        reference=Reference("exact formula", 1e-15, _ball, _points_in_ball),
        name="pinnacle-hnd",
    )


def _square(*x: Tensor) -> Tensor:
    return torch.stack([one**2 for one in x]).sum(0)


def _ball(points: Mapping[str, Array]) -> dict[str, Array]:
    *x, t = np.broadcast_arrays(*(np.asarray(points[name], float) for name in (*NAMES, "t")))
    square = np.sum(np.square(x), 0)
    return {"u": np.where((square <= 1 + 1e-12) & (t <= 1 + 1e-12), np.exp(square / 2 + t), np.nan)}


def _points_in_ball() -> dict[str, Array]:
    """800 points uniform in the ball, at each of 25 times."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((800, D))
    x *= rng.random((800, 1)) ** (1 / D) / np.linalg.norm(x, axis=1, keepdims=True)
    times = 1 - np.arange(25) / 25
    columns = {name: np.repeat(x[:, i], times.size) for i, name in enumerate(NAMES)}
    return {**columns, "t": np.tile(times, 800)}
