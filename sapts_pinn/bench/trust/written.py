"""More cases for `trust.py`: the same traps in other equations, domains and ways to write data.

Right values come from series, closed forms or SciPy, as in `cases.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from math import pi

import numpy as np
import scipy.special
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from ...geometry import Ball, Box, Interval, Time
from ...problems import Condition, Dirichlet, Initial, Neumann, Problem, Robin
from . import cases as trust_cases
from .cases import Case, at
from .local_sources import Array, heat_series, window_series
from .rough_data import heated


def _square(equation: Callable[..., Tensor], *conditions: Condition) -> Problem:
    return Problem(Box((0, 0), (1, 1)), "u", equation, conditions)


def _nearest(x: Tensor) -> Tensor:
    """The values of x from a table of eleven, without interpolation, times 1 - x."""
    return torch.linspace(0, 1, 11, dtype=x.dtype)[(10 * x).round().long()] * (1 - x)


def switched_wall() -> Problem:
    """A wall that is warm from t = 0.3 on."""
    return Problem(
        Interval(0, 1) * Time(0, 1),
        "u",
        lambda u: u.t - u.xx,
        [
            Dirichlet("u", lambda t: torch.where(t > 0.3, 1.0, 0.0), on="x=0"),
            Dirichlet("u", 0.0, on="x=1"),
            Initial("u", 0.0),
        ],
    )


def switched_wall_series(x: float, t: float) -> float:
    """`switched_wall` after the switch."""
    n = np.arange(1, 400)
    return float(1 - x - np.sum(2 / (n * pi) * np.sin(n * pi * x) * np.exp(-((n * pi) ** 2) * (t - 0.3))))


def flux_pulse() -> Problem:
    """Heat that enters through one end for a short time."""
    return Problem(
        Interval(0, 1) * Time(0, 0.5),
        "u",
        lambda u: u.t - u.xx,
        [
            Neumann("u", lambda t: ((t > 0.2) & (t < 0.22)) * 10.0, on="x=1"),
            Dirichlet("u", 0.0, on="x=0"),
            Initial("u", 0.0),
        ],
    )


def flux_pulse_series(x: float, t: float) -> float:
    """`flux_pulse` after the pulse, by Duhamel's formula."""
    k = (np.arange(400) + 0.5) * pi
    amount = (np.exp(-(k**2) * (t - 0.22)) - np.exp(-(k**2) * (t - 0.2))) / k**2
    return float(np.sum(20 * np.sin(k) * amount * np.sin(k * x)))


def spot_in_space_and_time() -> Problem:
    """A small square that is heated for a short time."""
    return Problem(
        Box((0, 0), (1, 1)) * Time(0, 0.2),
        "u",
        lambda u, x, y, t: (
            u.t
            - u.xx
            - u.yy
            - 1e3 * (((x - 0.3).abs() < 0.05) & ((y - 0.6).abs() < 0.05) & (t > 0.1) & (t < 0.11))
        ),
        [Dirichlet("u", 0.0, on=("x", "y")), Initial("u", 0.0)],
    )


def spot_series(x: float, y: float, t: float) -> float:
    """`spot_in_space_and_time` after the heating."""
    n = np.arange(1, 120)

    def part(c: float) -> Array:
        return np.asarray(2 / (n * pi) * (np.cos(n * pi * (c - 0.05)) - np.cos(n * pi * (c + 0.05))))

    k = (n[:, None] ** 2 + n[None] ** 2) * pi**2
    a = part(0.3)[:, None] * part(0.6)[None] * 1e3 * (np.exp(-k * (t - 0.11)) - np.exp(-k * (t - 0.1))) / k
    return float(np.sin(n * pi * x) @ a @ np.sin(n * pi * y))


def numpy_window() -> Problem:
    """A small window that only NumPy sees, beside a source that is everywhere."""

    def window(x: Tensor, y: Tensor) -> Tensor:
        a, b = x.detach().numpy(), y.detach().numpy()
        return torch.as_tensor(((abs(a - 0.3) < 0.005) & (abs(b - 0.6) < 0.005)) * 500.0)

    return _square(
        lambda u, x, y: u.xx + u.yy + window(x, y) + torch.sin(pi * x) * torch.sin(pi * y),
        Dirichlet("u", 0.0),
    )


def numpy_window_series(x: float, y: float) -> float:
    """`numpy_window`, as the sum of its two sources."""
    broad = math.sin(pi * x) * math.sin(pi * y) / (2 * pi**2)
    return broad + 500 * window_series(0.3, 0.6, 0.01, x, y)


def half_open() -> Problem:
    """Laplace on the square; heat passes the upper half of one wall, which is written as a comparison."""
    return _square(
        lambda u: u.xx + u.yy,
        Robin("u", lambda y: y > 0.5, on="x=1", alpha=1.0, beta=1.0),
        Dirichlet("u", 0.0, on=("x=0", "y")),
    )


def half_open_series(x: float, y: float) -> float:
    """`half_open` by its sine series."""
    n = np.arange(1, 400)
    k, b = n * pi, 2 / (n * pi) * (np.cos(0.5 * n * pi) - np.cos(n * pi))
    rise = np.exp(k * (x - 1)) * (1 - np.exp(-2 * k * x))
    return float(np.sum(b * rise / (1 - np.exp(-2 * k) + k * (1 + np.exp(-2 * k))) * np.sin(k * y)))


def disc_series(r: float) -> float:
    """Laplace on the unit disc with |y| on the circle, at the distance r on the x axis."""
    k = np.arange(1, 400)
    return float(2 / pi - 4 / pi * np.sum(r ** (2 * k) / (4 * k**2 - 1)))


ROOT = -2.338107410459767  # of Airy's function


def airy_mode() -> Problem:
    """u_t = u_xx - x u from Airy's function, whose values decay as exp(ROOT t)."""
    return Problem(
        Interval(0, 6) * Time(0, 1),
        "u",
        lambda u, x: u.t - u.xx + x * u.value,
        [
            Dirichlet("u", 0.0, on="x=0"),
            Dirichlet("u", lambda x, t: torch.special.airy_ai(x + ROOT) * torch.exp(ROOT * t), on="x=6"),
            Initial("u", lambda x: torch.special.airy_ai(x + ROOT)),
        ],
    )


def epidemic() -> Problem:
    """Susceptible and infected of eighty million."""
    return Problem(
        Time(0, 120),
        ("s", "i"),
        lambda s, i: (s.t + 0.3 * s * i.value / 8e7, i.t - 0.3 * s * i.value / 8e7 + 0.1 * i.value),
        [Initial("s", 8e7 - 1000), Initial("i", 1000.0)],
    )


def epidemic_by_scipy(t: float) -> float:
    """Infected at a time."""

    def rate(_: float, y: Array) -> list[float]:
        return [-0.3 * y[0] * y[1] / 8e7, 0.3 * y[0] * y[1] / 8e7 - 0.1 * y[1]]

    return float(solve_ivp(rate, (0, t), [8e7 - 1000, 1000], rtol=1e-10, atol=1e-6).y[1, -1])


def cavity_mode() -> Problem:
    """A standing wave between mirrors, in SI units: electric and magnetic field differ by c = 3e8 m/s."""
    return Problem(
        Interval(0, 1) * Time(0, 5e-9),
        ("e", "b"),
        lambda e, b: (b.t + e.x, e.t + 9e16 * b.x),
        [Dirichlet("e", 0.0, on="x"), Initial("e", lambda x: 1e3 * torch.sin(pi * x)), Initial("b", 0.0)],
    )


def burgers_step() -> Problem:
    """A shock from a step, with a viscosity of 0.05."""
    return Problem(
        Interval(-2, 3) * Time(0, 1),
        "u",
        lambda u: u.t + u * u.x - 0.05 * u.xx,
        [Dirichlet("u", 1.0, on="x=-2"), Dirichlet("u", 0.0, on="x=3"), Initial("u", lambda x: x < 0)],
    )


def burgers_step_exact(x: float, t: float) -> float:
    """`burgers_step` on the whole line, by the Cole-Hopf transformation."""
    width = math.sqrt(4 * 0.05 * t)
    ratio = math.erfc(-x / width) / math.erfc((x - t) / width)
    return 1 / (1 + math.exp((x - t / 2) / 0.1) * ratio)


WRITTEN: dict[str, Case] = {
    "step by torch.heaviside": Case(
        "data", lambda: heated(lambda x: torch.heaviside(x - 0.4, torch.tensor(1.0))),
        lambda: heat_series(lambda x: (x > 0.4).astype(float), 0.4, 0.02), at(x=0.4, t=0.02),
    ),
    "teeth": Case(
        "data", lambda: heated(lambda x: 4 * torch.remainder(x, 0.25) * (1 - x)),
        lambda: heat_series(lambda x: 4 * np.mod(x, 0.25) * (1 - x), 0.4, 0.02), at(x=0.4, t=0.02),
    ),
    "nearest entry of a table": Case(
        "data",
        lambda: heated(_nearest), lambda: heat_series(lambda x: np.round(10 * x) / 10 * (1 - x), 0.35, 0.01),
        at(x=0.35, t=0.01),
    ),
    "wall switched on": Case(
        "data", switched_wall, lambda: switched_wall_series(0.3, 0.6), at(x=0.3, t=0.6)
    ),
    "heat from a shock of a flux": Case(
        "symmetry", flux_pulse, lambda: flux_pulse_series(0.8, 0.26), at(x=0.8, t=0.26), 0.02
    ),
    "spot in space and time": Case(
        "symmetry", spot_in_space_and_time,
        lambda: spot_series(0.35, 0.55, 0.12), at(x=0.35, y=0.55, t=0.12), 0.03
    ),
    "window that NumPy sees": Case(
        "symmetry", numpy_window, lambda: numpy_window_series(0.32, 0.58), at(x=0.32, y=0.58), 0.02
    ),
    "wall half open": Case("data", half_open, lambda: half_open_series(0.9, 0.7), at(x=0.9, y=0.7)),
    "kinks on a circle": Case(
        "data",
        lambda: Problem(
            Ball((0, 0), 1.0), "u", lambda u: u.xx + u.yy, [Dirichlet("u", lambda x, y: y.abs())]
        ),
        lambda: disc_series(0.5), at(x=0.5, y=0.0),
    ),
    "Airy's function": Case(
        "derivatives", airy_mode,
        lambda: float(scipy.special.airy(1 + ROOT)[0] * math.exp(ROOT)), at(x=1.0, t=1.0)
    ),
    "epidemic of millions": Case("scales", epidemic, lambda: epidemic_by_scipy(60.0), at("i", t=60.0)),
    "standing wave of light": Case(
        "scales", cavity_mode, lambda: 1e3 * math.sin(0.3 * pi) * math.cos(0.3 * pi), at("e", x=0.3, t=1e-9)
    ),
    "shock from a step": Case("data", burgers_step, lambda: burgers_step_exact(0.3, 0.5), at(x=0.3, t=0.5)),
}  # fmt: skip

CASES: dict[str, Case] = {**trust_cases.CASES, **WRITTEN}
