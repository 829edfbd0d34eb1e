"""The three coefficients of the Lorenz system from a trajectory.

    x' = sigma (y - x),   y' = x (rho - z) - y,   z' = x y - beta z,   t in [0, 3]

Source: Lorenz, J. Atmos. Sci. 20 (1963); with sigma = 10, rho = 15, beta = 8/3, the start (-8, 7, 27) and 25
times it is the inverse example of DeepXDE (Lu et al., SIAM Review 63, 2021).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from ...geometry import Time
from ..conditions.initial import Initial
from ..conditions.observations import Observations
from ..fields import Field
from ..problem import Problem
from ..references import Reference
from ..unknowns import Coefficient
from .inverse import Array, noisy

if TYPE_CHECKING:
    from scipy.integrate import OdeSolution

TRUTH = {"sigma": 10.0, "rho": 15.0, "beta": 8 / 3}
START = {"x": -8.0, "y": 7.0, "z": 27.0}
END = 3.0


def lorenz_inverse(noise: float = 0.0, count: int = 25, seed: int = 0) -> Problem:
    """The Lorenz system with unknown coefficients.

    Args:
        noise: Standard deviation of the errors of the trajectory, relative to the root mean square of each
            component.
        count: Number of times, equidistant, at which all three components are known.
        seed: Seed of the random errors.
    """

    def equation(
        x: Field, y: Field, z: Field, sigma: Tensor, rho: Tensor, beta: Tensor
    ) -> tuple[Tensor, ...]:
        return (x.t - sigma * (y - x), y.t - x * (rho - z) + y, z.t - x * y + beta * z)

    rng = np.random.default_rng(seed)
    times = np.linspace(0, END, count)
    data = []
    for name, exact in trajectory({"t": times}).items():
        values, error = noisy(exact, noise, rng)
        data.append(Observations(name, {"t": times}, values, noise=error))
    return Problem(
        domain=Time(0, END),
        unknowns=("x", "y", "z"),
        equation=equation,
        conditions=[*(Initial(name, value) for name, value in START.items()), *data],
        coefficients=[Coefficient(name, init=1.0) for name in TRUTH],
        reference=Reference(
            "DOP853 with tolerance 1e-12", 1e-10, trajectory, lambda: {"t": np.linspace(0, END, 601)}
        ),
        name="lorenz-inverse",
        options={"points": 512},
    )


def trajectory(points: Mapping[str, Array]) -> dict[str, Array]:
    """The three components at times t of any shape."""
    t = np.asarray(points["t"], float)
    return dict(zip(START, _integrated()(t), strict=True))


@cache
def _integrated() -> OdeSolution:
    from scipy.integrate import solve_ivp

    def right(_: float, y: Array) -> list[float]:
        sigma, rho, beta = TRUTH.values()
        return [sigma * (y[1] - y[0]), y[0] * (rho - y[2]) - y[1], y[0] * y[1] - beta * y[2]]

    start = list(START.values())
    found = solve_ivp(right, (0, END), start, "DOP853", dense_output=True, rtol=1e-12, atol=1e-12).sol
    assert found is not None
    return found
