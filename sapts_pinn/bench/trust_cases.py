"""Problems that users have written and that once came out wrong in silence, with their right answers.

Each case is a problem as somebody would write it, and a number to compare with that comes from a series or a
formula, never from a network.  `trust.py` runs them: a run is right, refused, told (wrong, and it says so) or
silent (wrong without a word), which is the defect.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import pi
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..geometry import Ball, Box, Interval, Mesh, Time
from ..problems import (
    BoundaryEquation,
    Dirichlet,
    Initial,
    Neumann,
    Observations,
    Problem,
    Unknown,
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A problem with a known answer.

    Attributes:
        kind: What it tries: "symmetry", "data", "derivatives", "scales", "meshes", "faces" or "conditions".
        build: Makes the problem.
        expected: The right value, or None where there is none and the run has to object or refuse.
        of: Computes the value to compare from the solution.
        tolerance: Relative deviation of a right answer.
        options: Arguments of `solve`.
    """

    kind: str
    build: Callable[[], Problem]
    expected: float | None
    of: Callable[[Any], float]
    tolerance: float = 0.01
    options: Mapping[str, Any] = field(default_factory=dict)


def at(unknown: str = "u", **point: float) -> Callable[[Any], float]:
    """The value of an unknown at a point."""

    def value(solution: Any) -> float:
        found = solution.predict(point)
        return float(found[unknown] if isinstance(found, dict) else found)

    return value


# -- symmetry ------------------------------------------------------------------------------------------------


def window_on_square(x0: float, y0: float, width: float) -> Problem:
    """-lap u = 1 on a small square about (x0, y0), 0 elsewhere; u = 0 around the unit square."""

    def source(x: Tensor, y: Tensor) -> Tensor:
        return ((x - x0).abs() < width / 2) & ((y - y0).abs() < width / 2)

    return Problem(
        Box((0, 0), (1, 1)), "u", lambda u, x, y: u.xx + u.yy + source(x, y) * 1.0, [Dirichlet("u", 0.0)]
    )


def window_series(x0: float, y0: float, width: float, x: float, y: float, terms: int = 400) -> float:
    """The solution of `window_on_square` by its double sine series."""
    n = np.arange(1, terms + 1)

    def part(centre: float) -> Array:
        return np.asarray(4 / (n * pi) * np.sin(n * pi * centre) * np.sin(n * pi * width / 2))

    a = part(x0)[:, None] * part(y0)[None] / (pi**2 * (n[:, None] ** 2 + n[None] ** 2))
    return float(np.sin(n * pi * x) @ a @ np.sin(n * pi * y))


def hot_spot(width: float) -> Problem:
    """Heat that starts from a narrow Gaussian off the middle."""
    return Problem(
        Interval(0, 1) * Time(0, 0.1),
        "u",
        lambda u: u.t - u.xx,
        [Dirichlet("u", 0.0, on="x"), Initial("u", lambda x: torch.exp(-(((x - 0.3) / width) ** 2)))],
    )


def heat_series(initial: Callable[[Array], Any], x: float, t: float, terms: int = 400) -> float:
    """Heat on (0, 1) with zero ends, by sine series; coefficients by Gauss-Legendre on 4,000 panels."""
    nodes, weights = np.polynomial.legendre.leggauss(4)
    edges = np.linspace(0, 1, 4_001)
    s = (edges[:-1, None] + (nodes + 1) / 2 * np.diff(edges)[:, None]).ravel()
    w = (weights / 2 * np.diff(edges)[:, None]).ravel()
    n = np.arange(1, terms + 1)
    b = 2 * np.sin(pi * n[:, None] * s) @ (w * initial(s))
    return float(np.sum(b * np.sin(pi * n * x) * np.exp(-((pi * n) ** 2) * t)))


def burst() -> Problem:
    """A source that is on for a short time, at one half of the rod."""
    return Problem(
        Interval(0, 1) * Time(0, 1),
        "u",
        lambda u, x, t: u.t - u.xx - torch.where((t > 0.5) & (t < 0.52) & (x < 0.5), 50.0, 0.0),
        [Dirichlet("u", 0.0, on="x"), Initial("u", 0.0)],
    )


def burst_series(x: float, t: float) -> float:
    """Duhamel's formula for `burst`, after the source is off."""
    n = np.arange(1, 400)
    b = 50.0 * 2 / (n * pi) * (1 - np.cos(n * pi / 2))
    k = (n * pi) ** 2
    amount = (np.exp(-k * (t - 0.52)) - np.exp(-k * (t - 0.5))) / k
    return float(np.sum(b * amount * np.sin(n * pi * x)))


def steel_bar() -> Problem:
    """A bar in SI units, 0.1 m long, held at both ends, with a body force that grows along it."""
    return Problem(
        Interval(0, 0.1), "u", lambda u, x: 210e9 * u.xx + 7.85e4 * x / 0.1, [Dirichlet("u", 0.0, on="x")]
    )


def steel_strip() -> Problem:
    """A steel strip, 0.1 m by 0.01 m, clamped at x = 0, with 10 kPa on its top (plane stress, SI units)."""
    young, poisson = 210e9, 0.3
    a, b = young / (1 - poisson**2), young / (2 * (1 + poisson))

    def stress(u: Any, v: Any) -> tuple[Tensor, Tensor, Tensor]:
        return a * (u.x + poisson * v.y), a * (v.y + poisson * u.x), b * (u.y + v.x)

    def traction(pressure: float) -> Callable[..., tuple[Tensor, Tensor]]:
        def condition(u: Any, v: Any, n_x: Tensor, n_y: Tensor) -> tuple[Tensor, Tensor]:
            xx, yy, xy = stress(u, v)
            return xx * n_x + xy * n_y, xy * n_x + yy * n_y + pressure

        return condition

    return Problem(
        Box((0.0, -0.005), (0.1, 0.005)),
        ("u", "v"),
        lambda u, v: (
            a * u.xx + b * u.yy + (a * poisson + b) * v.xy,
            a * v.yy + b * v.xx + (a * poisson + b) * u.xy,
        ),
        [
            Dirichlet("u", 0.0, on="x=0"),
            Dirichlet("v", 0.0, on="x=0"),
            BoundaryEquation(traction(1e4), on="y=0.005"),
            BoundaryEquation(traction(0.0), on=("y=-0.005", "x=0.1")),
        ],
    )


def unknown_source() -> Problem:
    """Poisson in one dimension, u'' + f = 0, with an unknown f(x), u observed and given at both ends."""
    x = np.linspace(0.05, 0.95, 37)
    return Problem(
        Interval(0, 1),
        ("u", Unknown("f")),
        lambda u, f: u.xx + f,
        [
            Dirichlet("u", 0.0, on="x"),
            Observations("u", {"x": x}, x**2 * (1 - x)),
        ],
    )


# -- data ----------------------------------------------------------------------------------------------------


def hat(x: Tensor) -> Tensor:
    """A string plucked at 0.3, or the temperature of the same form."""
    return torch.where(x < 0.3, x / 0.3, (1 - x) / 0.7)


def hat_coefficients(terms: int = 2_000) -> tuple[Array, Array]:
    """n, and the sine coefficients of `hat`."""
    n = np.arange(1.0, terms + 1)
    return n, 2 * np.sin(0.3 * n * pi) / (n**2 * pi**2 * 0.3 * 0.7)


def hat_heat(x: float, t: float) -> float:
    """Heat from the hat, by its sine series."""
    n, b = hat_coefficients()
    return float(np.sum(b * np.sin(n * pi * x) * np.exp(-((n * pi) ** 2) * t)))


def hat_wave(x: float, t: float) -> float:
    """The plucked string, by d'Alembert: the mean of the odd periodic continuation at x - t and x + t."""

    def odd(s: float) -> float:
        s = (s + 1) % 2 - 1
        return math.copysign(abs(s) / 0.3 if abs(s) < 0.3 else (1 - abs(s)) / 0.7, s)

    return (odd(x - t) + odd(x + t)) / 2


def heated(initial: Callable[[Tensor], Tensor]) -> Problem:
    """u_t = u_xx on (0, 1) to t = 0.2, u = 0 at the ends."""
    return Problem(
        Interval(0, 1) * Time(0, 0.2),
        "u",
        lambda u: u.t - u.xx,
        [Dirichlet("u", 0.0, on="x"), Initial("u", lambda x: initial(x))],
    )


def plucked() -> Problem:
    """u_tt = u_xx on (0, 1) from the hat at rest."""
    return Problem(
        Interval(0, 1) * Time(0, 1),
        "u",
        lambda u: u.tt - u.xx,
        [Dirichlet("u", 0.0, on="x"), Initial("u", hat, 0.0)],
    )


def step_advected() -> Problem:
    """u_t + u_x = 0 from a step at 0.2, which fills up from the left."""
    return Problem(
        Interval(0, 1) * Time(0, 0.5),
        "u",
        lambda u: u.t + u.x,
        [Dirichlet("u", 1.0, on="x=0"), Initial("u", lambda x: torch.where(x < 0.2, 1.0, 0.0))],
    )


def hat_on_wall() -> Problem:
    """Laplace on the unit square, a hat on one wall and zero on the others."""
    return Problem(
        Box((0, 0), (1, 1)),
        "u",
        lambda u: u.xx + u.yy,
        [
            Dirichlet("u", lambda x: 1 - (2 * x - 1).abs(), on="y=0"),
            Dirichlet("u", 0.0, on=("y=1", "x=0", "x=1")),
        ],
    )


def hat_wall_series(x: float, y: float) -> float:
    """`hat_on_wall` by its sine series."""
    n = np.arange(1, 100)
    b = 8 * np.sin(n * pi / 2) / (n * pi) ** 2
    decay = np.exp(-n * pi * y) * (1 - np.exp(-2 * n * pi * (1 - y))) / (1 - np.exp(-2 * n * pi))
    return float(np.sum(b * np.sin(n * pi * x) * decay))


def tabulated(x: Tensor) -> Tensor:
    """sin(pi x) from a table of eleven values, linearly interpolated."""
    nodes = torch.linspace(0, 1, 11, dtype=x.dtype)
    values = torch.sin(pi * nodes)
    i = (torch.searchsorted(nodes, x.detach().contiguous()) - 1).clamp(0, 9)
    s = (x - nodes[i]) / 0.1
    return (1 - s) * values[i] + s * values[i + 1]


def splined(x: Tensor) -> Tensor:
    """sin(pi x) by a cubic spline of SciPy, which PyTorch cannot differentiate."""
    from scipy.interpolate import CubicSpline

    nodes = np.linspace(0, 1, 41)
    spline = CubicSpline(nodes, np.sin(pi * nodes))
    return torch.as_tensor(spline(x.detach().numpy()), dtype=x.dtype)


def cooling_disc() -> Problem:
    """u_t = u_rr + u_r / r from the first Bessel mode, u = 0 at r = 1."""
    return Problem(
        Interval(0, 1, "r") * Time(0, 0.3),
        "u",
        lambda u, r: r * u.t - r * u.rr - u.r,
        [
            Dirichlet("u", 0.0, on="r=1"),
            Neumann("u", 0.0, on="r=0"),
            Initial("u", lambda r: torch.special.bessel_j0(2.404825557695773 * r)),
        ],
    )


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

    def equation(x: Any, y: Any) -> tuple[Tensor, Tensor]:
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
        "symmetry", lambda: window_on_square(0.2, 0.7, 0.1), window_series(0.2, 0.7, 0.1, 0.3, 0.6),
        at(x=0.3, y=0.6),
    ),
    "window in the source, width 0.05": Case(
        "symmetry", lambda: window_on_square(0.62, 0.27, 0.05), window_series(0.62, 0.27, 0.05, 0.5, 0.3),
        at(x=0.5, y=0.3),
    ),
    "window in the source, width 0.01": Case(
        "symmetry", lambda: window_on_square(0.31, 0.44, 0.01), window_series(0.31, 0.44, 0.01, 0.4, 0.5),
        at(x=0.4, y=0.5), 0.03,
    ),
    "hot spot of width 0.03": Case(
        "symmetry", lambda: hot_spot(0.03),
        heat_series(lambda x: np.exp(-(((x - 0.3) / 0.03) ** 2)), 0.3, 0.02), at(x=0.3, t=0.02),
    ),
    "burst in time": Case("symmetry", burst, burst_series(0.3, 0.6), at(x=0.3, t=0.6)),
    "bar in SI units": Case(
        "symmetry", steel_bar, 7.85e4 / (6 * 0.1 * 210e9) * (0.1**2 * 0.03 - 0.03**3), at(x=0.03), 1e-4,
    ),
    "strip in SI units": Case(
        "symmetry", steel_strip, -7.15e-6, lambda s: float(s.predict({"x": 0.1, "y": 0.0})["v"]), 0.03
    ),
    "unknown source": Case(
        "symmetry", unknown_source, 6 * 0.8 - 2, at("f", x=0.8), 0.05
    ),
    "heat from a hat": Case("data", lambda: heated(hat), hat_heat(0.3, 0.1), at(x=0.3, t=0.1)),
    "plucked string": Case("data", plucked, hat_wave(0.3, 0.5), at(x=0.3, t=0.5)),
    "advected step": Case("data", step_advected, 1.0, at(x=0.4, t=0.4)),
    "hat on a wall": Case("data", hat_on_wall, hat_wall_series(0.5, 0.5), at(x=0.5, y=0.5)),
    "heat from a linear table": Case(
        "data", lambda: heated(tabulated),
        heat_series(lambda x: np.interp(x, _NODES, np.sin(pi * _NODES)), 0.5, 0.1),
        at(x=0.5, t=0.1),
    ),
    "heat from a spline of SciPy": Case(
        "derivatives", lambda: heated(splined), math.exp(-(pi**2) * 0.1), at(x=0.5, t=0.1)
    ),
    "cooling disc from a Bessel function": Case(
        "derivatives", cooling_disc, math.exp(-(2.404825557695773**2) * 0.2), at(r=0.0, t=0.2)
    ),
    "moment over 600": Case("scales", lambda: moment(600.0), 45_000.0, at("M", x=300.0), 1e-4),
    "moment over 6e6": Case("scales", lambda: moment(6e6), 4.5e12, at("M", x=3e6), 1e-4),
    "moment of size 1e-9": Case("scales", lambda: moment(1.0, 8e-9), 1e-9, at("M", x=0.5), 1e-4),
    "Earth's orbit": Case("scales", orbit, orbit_angle(), at("x", t=1e7), 1e-3),
    "flow between plates, 1 mm": Case("scales", poiseuille, 100 / 2e-3 * 0.25e-6, at("w", y=5e-4), 1e-4),
    "steel rod in kelvin": Case(
        "scales", warm_rod, warm_rod_series(0.01, 20.0) - 293, lambda s: at("T", x=0.01, t=20.0)(s) - 293
    ),
    "population of millions": Case(
        "scales", logistic, 5e6 / (1 + 49 * math.exp(-0.5 * 10)), at("n", t=10.0), 1e-3
    ),
    "doubled seam": Case("meshes", doubled_seam, rectangle_series(1.0, 0.5), at(x=1.0, y=0.5)),
    "square without a disc": Case("faces", square_minus_disc, around_disc(0.35, 0.0), at(x=0.35, y=0.0)),
    "zero solves it": Case("conditions", fokker_planck, None, at("p", x=0.0)),
    "backward heat": Case("conditions", backward_heat, None, at(x=0.5, t=0.5)),
    "no initial value": Case("conditions", no_start, None, at(x=0.5, t=0.1)),
    "no initial velocity": Case("conditions", no_velocity, None, at(x=0.5, t=0.5)),
    "a side without condition": Case("conditions", no_wall, None, at(x=0.5, y=0.9)),
}  # fmt: skip
