"""The zoo: problems by name, as the command line knows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from . import allen_cahn, burgers, poisson
from .base import Problem


@dataclass(frozen=True)
class Entry:
    """One problem of the zoo.

    Attributes:
        build: Makes the problem.
        summary: One line for lists.
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
}


def build(name: str) -> Problem:
    """The problem of that name.

    Raises:
        ValueError: There is none; the message names the nearest one, or all of them.
    """
    if name in ZOO:
        return ZOO[name].build()
    near = get_close_matches(name.lower().replace("_", "-").replace(" ", "-"), ZOO, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"the problems are {', '.join(ZOO)}"
    raise ValueError(f"there is no problem {name!r}; {hint}")
