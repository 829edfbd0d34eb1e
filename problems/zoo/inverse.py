"""Inverse problems: coefficients and a field from scattered, noisy values of the solution.

The data are made by exact solutions, which the problems do not know, with seeded noise.  What can be reached
is not zero error but the standard error that the noise implies; `solve` reports it.

Source of the first two as examples for PINNs: Raissi, Perdikaris and Karniadakis, J. Comput. Phys. 378
(2019), part II, with 2,000 and 5,000 scattered values; there the relative errors of the coefficients with 1 %
noise are 0.1 to 0.5 %, of the viscosity 4 to 6 %.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi

import numpy as np
import torch
from torch import Tensor

from ...geometry import Box, Interval, Time
from .. import references
from ..conditions.boundary import Dirichlet
from ..conditions.initial import Initial
from ..conditions.observations import Observations
from ..fields import Field
from ..problem import Problem
from ..unknowns import Coefficient, Unknown

Array = np.ndarray


def burgers_inverse(noise: float = 0.0, count: int = 2000, seed: int = 0, nu: float = 0.01 / pi) -> Problem:
    """The viscosity of the Burgers equation from values of its solution, by the Cole-Hopf formula.

    Args:
        noise: Standard deviation of the values' errors, relative to the root mean square of the solution.
        count: Number of values, uniform in space and time.
        seed: Seed of the random places and errors.
        nu: The viscosity to be found.
    """
    reference = references.burgers(nu)
    rng = np.random.default_rng(seed)
    points = {"x": rng.uniform(-1, 1, count), "t": rng.uniform(0, 1, count)}
    values, sigma = noisy(reference.evaluate(points)["u"], noise, rng)
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u, nu: u.t + u * u.x - nu * u.xx,
        conditions=[
            Dirichlet("u", 0.0, on="x"),
            Initial("u", lambda x: -torch.sin(pi * x)),
            Observations("u", points, values, noise=sigma),
        ],
        coefficients=[Coefficient("nu", init=0.1, positive=True)],
        reference=reference,
        name="burgers-inverse" + (f"-noise-{100 * noise:g}" if noise else ""),
    )


def noisy(values: Array, noise: float, rng: np.random.Generator) -> tuple[Array, float | None]:
    """Add normal errors to values; the noisy values, and the standard deviation of the errors."""
    if not noise:
        return values, None
    sigma = noise * float(np.sqrt((values**2).mean()))
    return values + sigma * rng.standard_normal(values.shape), sigma


def navier_stokes_inverse(noise: float = 0.01, count: int = 2000, seed: int = 0) -> Problem:
    """Convection and viscosity of a flow, lambda1 = 1 and lambda2 = 0.05, from scattered velocities.

        u_t + lambda1 (u u_x + v u_y) = -p_x + lambda2 (u_xx + u_yy),   the same for v,   u_x + v_y = 0

    The flow is a Taylor-Green vortex (Taylor and Green, Proc. R. Soc. A 158, 1937) that a wind (1, 0.5)
    carries along; without the wind its convection is a gradient, the pressure would make up for any lambda1,
    and there were nothing to find.  Nothing is known on the boundary, and the pressure at 20 times in one
    corner only: velocities determine it up to a function of time.

    Args:
        noise: Standard deviation of the velocities' errors, relative to the root mean square of each.
        count: Number of places and times.
        seed: Seed of the random places and errors.
    """
    viscosity = 0.05
    bounds = {"x": (0.0, 2.0), "y": (0.0, 2.0), "t": (0.0, 1.0)}

    def flow(x: Array, y: Array, t: Array) -> dict[str, Array]:
        a, b = pi * (x - t), pi * (y - 0.5 * t)
        decay = np.exp(-2 * pi**2 * viscosity * t)
        return {
            "u": 1.0 - np.cos(a) * np.sin(b) * decay,
            "v": 0.5 + np.sin(a) * np.cos(b) * decay,
            "p": -0.25 * (np.cos(2 * a) + np.cos(2 * b)) * decay**2,
        }

    def equation(u: Field, v: Field, p: Field, lambda1: Tensor, lambda2: Tensor) -> tuple[Tensor, ...]:
        return (
            u.t + lambda1 * (u * u.x + v * u.y) + p.x - lambda2 * (u.xx + u.yy),
            v.t + lambda1 * (u * v.x + v * v.y) + p.y - lambda2 * (v.xx + v.yy),
            u.x + v.y,
        )

    rng = np.random.default_rng(seed)
    points = {name: rng.uniform(*ends, count) for name, ends in bounds.items()}
    exact = flow(**points)
    data = []
    for name in ("u", "v"):
        values, sigma = noisy(exact[name], noise, rng)
        data.append(Observations(name, points, values, noise=sigma))
    tap = {"x": np.zeros(20), "y": np.zeros(20), "t": np.linspace(0, 1, 20)}
    pressure, sigma = noisy(flow(**tap)["p"], noise, rng)
    return Problem(
        domain=Box((0, 0), (2, 2)) * Time(0, 1),
        unknowns=("u", "v", "p"),
        equation=equation,
        conditions=[*data, Observations("p", tap, pressure, weight=1.0, noise=sigma)],
        coefficients=[Coefficient("lambda1", init=0.5), Coefficient("lambda2", init=0.5, positive=True)],
        reference=exact_formula(flow, bounds),
        name="navier-stokes-inverse",
        options={"points": 4096},
    )


def diffusion_inverse(noise: float = 0.01, count: int = 1000, seed: int = 0) -> Problem:
    """A diffusion coefficient k(x) = exp(sin(2 pi x) / 2) / 10, from noisy temperatures.

        u_t = (k u_x)_x + f,   u = x e^-t + sin(pi x) e^-2t / 5,   on (0, 1) x (0, 1)

    The source f, the values at both ends and those at the start are known.  k is determined wherever u_x is
    not zero, as here everywhere, because u is no product of a function of x and one of t.

    Args:
        noise: Standard deviation of the temperatures' errors, relative to their root mean square.
        count: Number of temperatures, uniform in space and time.
        seed: Seed of the random places and errors.
    """
    bounds = {"x": (0.0, 1.0), "t": (0.0, 1.0)}

    def fields(x: Array, t: Array) -> dict[str, Array]:
        u = x * np.exp(-t) + 0.2 * np.sin(pi * x) * np.exp(-2 * t)
        return {"u": u, "k": 0.1 * np.exp(0.5 * np.sin(2 * pi * x))}

    def source(x: Tensor, t: Tensor) -> Tensor:
        k = 0.1 * torch.exp(0.5 * torch.sin(2 * pi * x))
        slow, fast = torch.exp(-t), 0.2 * torch.exp(-2 * t)
        u_t = -x * slow - 2 * torch.sin(pi * x) * fast
        u_x = slow + pi * torch.cos(pi * x) * fast
        u_xx = -(pi**2) * torch.sin(pi * x) * fast
        return u_t - k * (pi * torch.cos(2 * pi * x) * u_x + u_xx)

    rng = np.random.default_rng(seed)
    points = {name: rng.uniform(*ends, count) for name, ends in bounds.items()}
    values, sigma = noisy(fields(**points)["u"], noise, rng)
    return Problem(
        domain=Interval(0, 1) * Time(0, 1),
        unknowns=("u", Unknown("k", of="x", positive=True, init=0.2)),
        equation=lambda u, k, x, t: u.t - (k.x * u.x + k * u.xx) - source(x, t),
        conditions=[
            Dirichlet("u", 0.0, on="x=0"),
            Dirichlet("u", lambda t: torch.exp(-t), on="x=1"),
            Initial("u", lambda x: x + 0.2 * torch.sin(pi * x)),
            Observations("u", points, values, noise=sigma),
        ],
        reference=exact_formula(fields, bounds),
        name="diffusion-inverse",
        options={"points": 4096},
    )


def source_inverse(noise: float = 0.01, count: int = 200, seed: int = 0) -> Problem:
    """A source s(x), from noisy displacements of a string: -u'' = s on (0, 1), u(0) = u(1) = 0.

    u = sin(pi x) + sin(2 pi x) / 4 and s = pi^2 (sin(pi x) + sin(2 pi x)).  Noise is differentiated twice, so
    that the data alone do not determine s, and its band is what counts.

    Args:
        noise: Standard deviation of the displacements' errors, absolute.
        count: Number of displacements, at uniform places.
        seed: Seed of the random places and errors.
    """

    def fields(x: Array) -> dict[str, Array]:
        first, second = np.sin(pi * x), np.sin(2 * pi * x)
        return {"u": first + second / 4, "s": pi**2 * (first + second)}

    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, count)
    values = fields(x)["u"] + noise * rng.standard_normal(count)
    return Problem(
        domain=Interval(0, 1),
        unknowns=("u", "s"),
        equation=lambda u, s: u.xx + s,
        conditions=[Dirichlet("u", 0.0), Observations("u", {"x": x}, values, noise=noise)],
        reference=exact_formula(fields, {"x": (0.0, 1.0)}),
        name="source-inverse",
        options={"points": 1024},
    )


def exact_formula(
    formula: Callable[..., dict[str, Array]], bounds: dict[str, tuple[float, float]]
) -> references.Reference:
    """The reference given by a formula for several unknowns, on a box."""

    def evaluate(points: Mapping[str, Array]) -> dict[str, Array]:
        columns = np.broadcast_arrays(*(np.asarray(points[name], float) for name in bounds))
        return formula(**dict(zip(bounds, columns, strict=True)))

    def test_points() -> dict[str, Array]:
        axes = [np.linspace(*ends, round(16_000 ** (1 / len(bounds)))) for ends in bounds.values()]
        return {n: a.ravel() for n, a in zip(bounds, np.meshgrid(*axes, indexing="ij"), strict=True)}

    return references.Reference("exact formula", 1e-15, evaluate, test_points)
