"""The zoo: problems by name, as the command line knows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from ...errors import InputError
from ..problem import Problem
from . import (
    allen_cahn,
    burgers,
    convection,
    gray_scott,
    heat,
    helmholtz,
    holes,
    inverse,
    kdv,
    kirsch,
    klein_gordon,
    kuramoto_sivashinsky,
    lorenz,
    lorenz_inverse,
    navier_stokes,
    poisson,
    reaction,
    schroedinger,
    wave,
)


@dataclass(frozen=True)
class Entry:
    """A problem of the zoo.

    Attributes:
        build: Makes the problem.
        summary: Description of one line, for lists.
        group: The equation it belongs to.
    """

    build: Callable[[], Problem]
    summary: str
    group: str


ZOO: dict[str, Entry] = {
    "poisson-1d": Entry(poisson.poisson_1d, "1D, u = sin(pi x)", "Poisson"),
    "poisson-multiscale": Entry(
        poisson.poisson_multiscale, "1D, u = sin(2 pi x) + 0.1 sin(50 pi x)", "Poisson"
    ),
    "poisson-2d": Entry(poisson.poisson_2d, "unit square, u = sin(pi x) sin(pi y)", "Poisson"),
    "poisson-2d-k4": Entry(
        lambda: poisson.poisson_2d(k=4), "unit square, u = sin(4 pi x) sin(4 pi y)", "Poisson"
    ),
    "poisson-3d": Entry(poisson.poisson_3d, "unit cube, u = sin(pi x) sin(pi y) sin(pi z)", "Poisson"),
    "poisson-5d": Entry(poisson.poisson_5d, "5D cube, u = sum of cos(pi x_i)", "Poisson"),
    "poisson-interface": Entry(
        poisson.poisson_interface, "a coefficient that jumps by 100 across a circle", "Poisson"
    ),
    "poisson-lshape": Entry(
        poisson.poisson_lshape, "L-shape with f = 1, gradient infinite at the corner", "Poisson"
    ),
    "burgers": Entry(
        burgers.burgers, "viscosity 0.01/pi, from -sin(pi x) to a layer of that width", "Burgers"
    ),
    "allen-cahn": Entry(
        allen_cahn.allen_cahn, "D = 1e-4, periodic, from x^2 cos(pi x) to thin layers", "Allen-Cahn"
    ),
    "allen-cahn-dirichlet": Entry(
        allen_cahn.allen_cahn_dirichlet, "D = 1e-3, u = -1 at both ends (DeepXDE's example)", "Allen-Cahn"
    ),
    "allen-cahn-steady": Entry(
        allen_cahn.allen_cahn_steady, "steady, 1D, from u = 1 to u = -1", "Allen-Cahn"
    ),
    "poisson-holes": Entry(holes.poisson_holes, "a square with four round holes (PINNacle's)", "Poisson"),
    "poisson-boltzmann": Entry(
        holes.poisson_boltzmann, "k = 8, four different holes close to each other (PINNacle's)", "Poisson"
    ),
    "helmholtz": Entry(helmholtz.helmholtz, "k = 1, u = sin(pi x) sin(4 pi y) on [-1, 1]^2", "Helmholtz"),
    "helmholtz-6-6": Entry(
        lambda: helmholtz.helmholtz(6, 6), "k = 1, u = sin(6 pi x) sin(6 pi y) on [-1, 1]^2", "Helmholtz"
    ),
    "heat": Entry(heat.heat, "u_t = 0.4 u_xx from sin(pi x)", "Heat, convection, reaction"),
    "convection": Entry(
        convection.convection, "u_t + 40 u_x = 0 from sin x, periodic", "Heat, convection, reaction"
    ),
    "reaction": Entry(
        reaction.reaction, "u_t = 5 u (1 - u) from a bump, no derivative in x", "Heat, convection, reaction"
    ),
    "gray-scott": Entry(
        gray_scott.gray_scott, "two substances, one pulse divides, periodic", "Heat, convection, reaction"
    ),
    "wave": Entry(wave.wave, "c = 2, from sin(pi x) + sin(5 pi x) / 2 at rest", "Waves"),
    "wave-4": Entry(lambda: wave.wave(4), "c = 2, from sin(pi x) + sin(4 pi x) / 2 at rest", "Waves"),
    "klein-gordon": Entry(klein_gordon.klein_gordon, "cubic, u = x cos(5 pi t) + (x t)^3", "Waves"),
    "schroedinger": Entry(
        schroedinger.schroedinger, "cubic, from 2 sech x, period 10: a kink at the seam", "Waves"
    ),
    "kdv": Entry(kdv.kdv, "Korteweg-de Vries, cos(pi x) breaks up into solitons", "Waves"),
    "kuramoto-sivashinsky": Entry(
        kuramoto_sivashinsky.kuramoto_sivashinsky, "fourth order, from -sin(pi x), periodic", "Waves"
    ),
    "lorenz": Entry(
        lorenz.lorenz, "three equations in time alone, t to 3", "Ordinary differential equations"
    ),
    "kirsch": Entry(kirsch.kirsch, "a plate with a hole under tension: stress factor 3", "Elasticity"),
    "kovasznay": Entry(navier_stokes.kovasznay, "Re = 40, exact solution behind a grid", "Navier-Stokes"),
    "cavity": Entry(
        navier_stokes.cavity, "driven by its lid, Re = 100 (Ghia, Ghia and Shin)", "Navier-Stokes"
    ),
    "cylinder": Entry(
        navier_stokes.cylinder, "drag in a channel at Re = 20 (Schaefer-Turek 2D-1)", "Navier-Stokes"
    ),
    "burgers-inverse": Entry(
        inverse.burgers_inverse, "viscosity of burgers from 2,000 exact values", "Inverse"
    ),
    "burgers-inverse-noise-1": Entry(
        lambda: inverse.burgers_inverse(0.01), "the same with 1 % noise", "Inverse"
    ),
    "lorenz-inverse": Entry(
        lorenz_inverse.lorenz_inverse, "sigma, rho, beta from 25 points of a trajectory", "Inverse"
    ),
    "navier-stokes-inverse": Entry(
        inverse.navier_stokes_inverse, "convection and viscosity from 2,000 velocities, 1 % noise", "Inverse"
    ),
    "diffusion-inverse": Entry(
        inverse.diffusion_inverse, "a diffusion coefficient k(x) from 1,000 values, 1 % noise", "Inverse"
    ),
}


def build(name: str) -> Problem:
    """Build the problem of a name.

    Raises:
        InputError: There is none; the message names the nearest one, or all of them.
    """
    if name in ZOO:
        return ZOO[name].build()
    near = get_close_matches(name.lower().replace("_", "-").replace(" ", "-"), ZOO, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"the problems are {', '.join(ZOO)}"
    raise InputError(f"there is no problem {name!r}; {hint}")
