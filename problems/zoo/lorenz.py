"""Lorenz' three equations, the classic of chaos, over three units of time.

    x' = 10 (y - x),   y' = x (28 - z) - y,   z' = x y - 8 z / 3,   (x, y, z) = (-8, 7, 27) at t = 0

Sources: Lorenz, J. Atmos. Sci. 20 (1963); the initial values are those of Brunton, Proctor and Kutz, PNAS 113
(2016), and of DeepXDE's example, which has 15 in place of 28 and is not chaotic.

Why it is hard: the domain is time alone, so one error at an early time is carried through all later ones, on
average growing like e^(0.9 t); and z is twenty times as large as what a network begins with.  One network
fails (error 0.9 after a minute), six windows in time, the default here, come to 4e-6.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from ...geometry import Time
from ..conditions.initial import Initial
from ..fields import Field
from ..problem import Problem
from ..references import Array, Reference, _grid, _reference

if TYPE_CHECKING:
    from scipy.integrate import OdeSolution

SIGMA, RHO, BETA = 10.0, 28.0, 8 / 3
START = {"x": -8.0, "y": 7.0, "z": 27.0}
END = 3.0


def lorenz() -> Problem:
    """Lorenz' equations from (-8, 7, 27) until t = 3."""

    def equation(x: Field, y: Field, z: Field) -> tuple[Tensor, Tensor, Tensor]:
        return x.t - SIGMA * (y - x), y.t - x * (RHO - z) + y, z.t - x * y + BETA * z

    return Problem(
        domain=Time(0, END),
        unknowns=("x", "y", "z"),
        equation=equation,
        conditions=[Initial(name, value) for name, value in START.items()],
        reference=reference(),
        name="lorenz",
        options={"windows": 6},
    )


def reference() -> Reference:
    """x, y and z by an explicit Runge-Kutta method of order 8 (Hairer, Norsett and Wanner 1993).

    Accuracy 1e-10: tolerances of 1e-13 and 1e-12 and the implicit method of order 5 agree to that.  Test
    points: 10,001, both ends included.
    """
    return _reference(
        "DOP853 with a relative tolerance of 1e-13",
        1e-10,
        {"t": (0, END)},
        lambda t: np.asarray(_orbit()(t)),
        lambda: _grid(t=np.linspace(0, END, 10_001)),
        tuple(START),
    )


@cache
def _orbit() -> OdeSolution:
    from scipy.integrate import solve_ivp

    def slope(t: float, w: Array) -> list[float]:
        x, y, z = w
        return [SIGMA * (y - x), x * (RHO - z) - y, x * y - BETA * z]

    found = solve_ivp(
        slope, (0, END), [*START.values()], "DOP853", rtol=1e-13, atol=1e-13, dense_output=True, max_step=0.01
    ).sol
    assert found is not None
    return found
