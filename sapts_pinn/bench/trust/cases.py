"""Problems that users have written and that once came out wrong in silence, with their right answers.

Each case is a problem as somebody would write it, and a number to compare with that comes from a series or a
formula, never from a network.  `trust.py` runs them: a run is right, refused, told (wrong, and it says so) or
silent (wrong without a word), which is the defect.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import Ball, Box, Interval, Mesh, Time
from ...problems import Dirichlet, Initial, Problem
from ...problems.fields import Field
from ...results.solution import Solution
from ...training.settings import Arguments
from .local_sources import (
    burst,
    burst_series,
    heat_series,
    hot_spot,
    steel_bar,
    steel_strip,
    unknown_source,
    window_on_square,
    window_series,
)
from .rough_data import (
    cooling_disc,
    hat,
    hat_heat,
    hat_on_wall,
    hat_wall_series,
    hat_wave,
    heated,
    plucked,
    splined,
    step_advected,
    tabulated,
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A problem with a known answer.

    Attributes:
        kind: What it tries: "symmetry", "data", "derivatives", "scales", "meshes", "faces" or "conditions".
        build: Makes the problem.
        answer: Computes the right value; None where there is none and the run has to object or refuse.
        of: Computes the value to compare from the solution.
        tolerance: Relative deviation of a right answer.
        options: Arguments of `solve`.
    """

    kind: str
    build: Callable[[], Problem]
    answer: Callable[[], float] | None
    of: Callable[[Solution], float]
    tolerance: float = 0.01
    options: Arguments = field(default_factory=dict)

    @cached_property
    def expected(self) -> float | None:
        """The right value, computed when it is first asked for."""
        return None if self.answer is None else self.answer()


def at(unknown: str = "u", **point: float) -> Callable[[Solution], float]:
    """The value of an unknown at a point."""

    def value(solution: Solution) -> float:
        found = solution.predict(point)
        return float(found[unknown] if isinstance(found, dict) else found)

    return value


# -- scales --------------------------------------------------------------------------------------------------


def moment(length: float, load: float = 1.0) -> Problem:
    """M'' + q = 0 on (0, length), M = 0 at the ends: x (length - x) q / 2."""
    return Problem(
        Interval(0, length), "M", lambda M: M.xx + load, [Dirichlet("M", 0.0, on="x")], name="moment"
    )


def orbit() -> Problem:
    """The Earth's path around the sun in SI units, a circle."""
    mu, radius = 1.32712440018e20, 1.495978707e11
    speed = math.sqrt(mu / radius)

    def equation(x: Field, y: Field) -> tuple[Tensor, Tensor]:
        r3 = (x * x.value + y * y.value) ** 1.5
        return x.tt + mu * x.value / r3, y.tt + mu * y.value / r3

    return Problem(
        Time(0, 3.15e7),
        ("x", "y"),
        equation,
        [Initial("x", radius, 0.0), Initial("y", 0.0, speed)],
    )


def orbit_angle() -> float:
    """The coordinate x after 1e7 s: the radius times the cosine of the angle."""
    mu, radius = 1.32712440018e20, 1.495978707e11
    return radius * math.cos(math.sqrt(mu / radius**3) * 1e7)


def poiseuille() -> Problem:
    """Flow between plates 1 mm apart: mu w'' = -100 Pa/m."""
    return Problem(Interval(0, 1e-3, "y"), "w", lambda w: 1e-3 * w.yy + 100.0, [Dirichlet("w", 0.0, on="y")])


def warm_rod() -> Problem:
    """A steel rod of 5 cm at 293 K whose ends are brought to 373 K and 293 K; 60 s."""
    return Problem(
        Interval(0, 0.05) * Time(0, 60.0),
        "T",
        lambda T: T.t - 1.2e-5 * T.xx,
        [
            Dirichlet("T", 373.0, on="x=0"),
            Dirichlet("T", 293.0, on="x=0.05"),
            Initial("T", lambda x: 293.0 + 80.0 * (1 - x / 0.05) ** 8),
        ],
    )


def warm_rod_series(x: float, t: float) -> float:
    """`warm_rod` by its sine series about the steady state."""
    s = x / 0.05
    return 293 + 80 * (1 - s) + heat_series(lambda z: 80 * ((1 - z) ** 8 - (1 - z)), s, 1.2e-5 * t / 0.05**2)


def logistic() -> Problem:
    """A population of millions."""
    return Problem(
        Time(0, 20.0),
        "n",
        lambda n: n.t - 0.5 * n.value * (1 - n.value / 5e6),
        [Initial("n", 1e5)],
    )


# -- meshes, faces, conditions -------------------------------------------------------------------------------


def doubled_seam() -> Problem:
    """Two unit squares side by side, with nodes of their own on the seam; -lap u = 1, u = 0 around."""
    n = 8
    points: list[tuple[float, float]] = []
    cells: list[tuple[int, int, int]] = []
    for shift in (0.0, 1.0):
        start = len(points)
        for j in range(n + 1):
            points += [(shift + i / n, j / n) for i in range(n + 1)]
        for j in range(n):
            for i in range(n):
                a = start + j * (n + 1) + i
                cells += [(a, a + 1, a + n + 2), (a, a + n + 2, a + n + 1)]
    return Problem(
        Mesh.from_arrays(np.array(points), np.array(cells)),
        "u",
        lambda u: u.xx + u.yy + 1,
        [Dirichlet("u", 0.0)],
    )


def rectangle_series(x: float, y: float) -> float:
    """-lap u = 1 on (0, 2) x (0, 1), u = 0 around."""
    n = np.arange(1, 400, 2)
    k = n * pi
    profile = 1 - (np.exp(-k * x) + np.exp(-k * (2 - x))) / (1 + np.exp(-2 * k))  # no overflow
    return float(np.sum(4 / (k**3) * profile * np.sin(k * y)))


def square_minus_disc() -> Problem:
    """Laplace on a square without a disc, 1 outside and 0 on the disc, faces by coordinates."""
    return Problem(
        Box((-0.5, -0.5), (0.5, 0.5)) - Ball((0, 0), 0.2, tag="hole"),
        "u",
        lambda u: u.xx + u.yy,
        [
            Dirichlet("u", 1.0, on="x"),
            Dirichlet("u", 1.0, on="y"),
            Dirichlet("u", 0.0, on="hole"),
        ],
    )


def around_disc(x: float, y: float, terms: int = 24) -> float:
    """`square_minus_disc`: harmonic functions that vanish on the disc, fitted on a side of the square."""
    k = 4 * np.arange(1, terms)

    def basis(x: Array, y: Array) -> Array:
        r, angle = np.hypot(x, y) / 0.2, np.arctan2(y, x)
        scale = (0.2 / math.sqrt(0.5)) ** k  # the corner, in radii of the disc
        waves = scale * (r[:, None] ** k - r[:, None] ** -k) * np.cos(k * angle[:, None])
        return np.concatenate([np.log(r)[:, None], waves], 1)

    side = 0.5 * np.sin(np.linspace(-pi / 2, pi / 2, 2_000))
    fit = np.linalg.lstsq(basis(np.full_like(side, 0.5), side), np.ones_like(side), rcond=None)[0]
    return float((basis(np.array([x]), np.array([y])) @ fit)[0])


def fokker_planck() -> Problem:
    """The stationary Fokker-Planck equation without its normalisation: zero solves it."""
    return Problem(
        Interval(-3, 3),
        "p",
        lambda p, x: p.xx + x * p.x + p.value,
        [Dirichlet("p", 0.0, on="x")],
    )


def backward_heat() -> Problem:
    """Heat that flows from cold to warm."""
    return Problem(
        Interval(0, 1) * Time(0, 1),
        "u",
        lambda u: u.t + u.xx,
        [Dirichlet("u", 0.0, on="x"), Initial("u", lambda x: torch.sin(pi * x))],
    )


def no_start() -> Problem:
    """Heat without an initial value."""
    return Problem(
        Interval(0, 1) * Time(0, 1),
        "u",
        lambda u, x: u.t - u.xx - torch.sin(pi * x),
        [Dirichlet("u", 0.0, on="x")],
    )


def no_velocity() -> Problem:
    """A wave without an initial velocity."""
    return Problem(
        Interval(0, 1) * Time(0, 1),
        "u",
        lambda u: u.tt - u.xx,
        [Dirichlet("u", 0.0, on="x"), Initial("u", lambda x: torch.sin(pi * x))],
    )


def no_wall() -> Problem:
    """Poisson's equation with one side of the square left without a condition."""
    return Problem(
        Box((0, 0), (1, 1)),
        "u",
        lambda u: u.xx + u.yy + 1,
        [Dirichlet("u", 0.0, on=("x=0", "x=1", "y=0"))],
    )


_NODES = np.linspace(0, 1, 11)

CASES: dict[str, Case] = {
    "window in the source, width 0.1": Case(
        "symmetry", lambda: window_on_square(0.2, 0.7, 0.1), lambda: window_series(0.2, 0.7, 0.1, 0.3, 0.6),
        at(x=0.3, y=0.6),
    ),
    "window in the source, width 0.05": Case(
        "symmetry",
        lambda: window_on_square(0.62, 0.27, 0.05), lambda: window_series(0.62, 0.27, 0.05, 0.5, 0.3),
        at(x=0.5, y=0.3),
    ),
    "window in the source, width 0.01": Case(
        "symmetry",
        lambda: window_on_square(0.31, 0.44, 0.01), lambda: window_series(0.31, 0.44, 0.01, 0.4, 0.5),
        at(x=0.4, y=0.5), 0.03,
    ),
    "hot spot of width 0.03": Case(
        "symmetry", lambda: hot_spot(0.03),
        lambda: heat_series(lambda x: np.exp(-(((x - 0.3) / 0.03) ** 2)), 0.3, 0.02), at(x=0.3, t=0.02),
    ),
    "burst in time": Case("symmetry", burst, lambda: burst_series(0.3, 0.6), at(x=0.3, t=0.6)),
    "bar in SI units": Case(
        "symmetry", steel_bar,
        lambda: 7.85e4 / (6 * 0.1 * 210e9) * (0.1**2 * 0.03 - 0.03**3), at(x=0.03), 1e-4,
    ),
    "strip in SI units": Case(
        "symmetry", steel_strip, lambda: -7.15e-6, lambda s: float(s.predict({"x": 0.1, "y": 0.0})["v"]), 0.03
    ),
    "unknown source": Case(
        "symmetry", unknown_source, lambda: 6 * 0.8 - 2, at("f", x=0.8), 0.05
    ),
    "heat from a hat": Case("data", lambda: heated(hat), lambda: hat_heat(0.3, 0.1), at(x=0.3, t=0.1)),
    "plucked string": Case("data", plucked, lambda: hat_wave(0.3, 0.5), at(x=0.3, t=0.5)),
    "advected step": Case("data", step_advected, lambda: 1.0, at(x=0.4, t=0.4)),
    "hat on a wall": Case("data", hat_on_wall, lambda: hat_wall_series(0.5, 0.5), at(x=0.5, y=0.5)),
    "heat from a linear table": Case(
        "data", lambda: heated(tabulated),
        lambda: heat_series(lambda x: np.interp(x, _NODES, np.sin(pi * _NODES)), 0.5, 0.1),
        at(x=0.5, t=0.1),
    ),
    "heat from a spline of SciPy": Case(
        "derivatives", lambda: heated(splined), lambda: math.exp(-(pi**2) * 0.1), at(x=0.5, t=0.1)
    ),
    "cooling disc from a Bessel function": Case(
        "derivatives", cooling_disc, lambda: math.exp(-(2.404825557695773**2) * 0.2), at(r=0.0, t=0.2)
    ),
    "moment over 600": Case("scales", lambda: moment(600.0), lambda: 45_000.0, at("M", x=300.0), 1e-4),
    "moment over 6e6": Case("scales", lambda: moment(6e6), lambda: 4.5e12, at("M", x=3e6), 1e-4),
    "moment of size 1e-9": Case("scales", lambda: moment(1.0, 8e-9), lambda: 1e-9, at("M", x=0.5), 1e-4),
    "Earth's orbit": Case("scales", orbit, orbit_angle, at("x", t=1e7), 1e-3),
    "flow between plates, 1 mm": Case(
        "scales", poiseuille, lambda: 100 / 2e-3 * 0.25e-6, at("w", y=5e-4), 1e-4,
    ),
    "steel rod in kelvin": Case(
        "scales", warm_rod,
        lambda: warm_rod_series(0.01, 20.0) - 293, lambda s: at("T", x=0.01, t=20.0)(s) - 293
    ),
    "population of millions": Case(
        "scales", logistic, lambda: 5e6 / (1 + 49 * math.exp(-0.5 * 10)), at("n", t=10.0), 1e-3
    ),
    "doubled seam": Case("meshes", doubled_seam, lambda: rectangle_series(1.0, 0.5), at(x=1.0, y=0.5)),
    "square without a disc": Case(
        "faces", square_minus_disc, lambda: around_disc(0.35, 0.0), at(x=0.35, y=0.0),
    ),
    "zero solves it": Case("conditions", fokker_planck, None, at("p", x=0.0)),
    "backward heat": Case("conditions", backward_heat, None, at(x=0.5, t=0.5)),
    "no initial value": Case("conditions", no_start, None, at(x=0.5, t=0.1)),
    "no initial velocity": Case("conditions", no_velocity, None, at(x=0.5, t=0.5)),
    "a side without condition": Case("conditions", no_wall, None, at(x=0.5, y=0.9)),
}  # fmt: skip
