"""The zoo: problems by name, as the command line knows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

from ...catalogue import PROBLEMS
from ...errors import InputError
from ..problem import Problem
from . import (
    allen_cahn,
    burgers,
    composite,
    convection,
    delay,
    fokker_planck,
    gray_scott,
    green,
    heat,
    helmholtz,
    holes,
    integral_equations,
    inverse,
    kdv,
    kirsch,
    klein_gordon,
    kuramoto_sivashinsky,
    lorenz,
    lorenz_inverse,
    navier_stokes,
    obstacle,
    poisson,
    reaction,
    round,
    schroedinger,
    stefan,
    wave,
    wave_packet,
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


BUILDERS: dict[str, Callable[[], Problem]] = {  # `catalogue.PROBLEMS` says what each is
    "poisson-1d": poisson.poisson_1d,
    "poisson-multiscale": poisson.poisson_multiscale,
    "poisson-2d": poisson.poisson_2d,
    "poisson-2d-k4": partial(poisson.poisson_2d, k=4),
    "poisson-3d": poisson.poisson_3d,
    "poisson-5d": poisson.poisson_5d,
    "poisson-interface": poisson.poisson_interface,
    "composite-wall": composite.composite_wall,
    "composite-ring": composite.composite_ring,
    "conjugate": composite.conjugate,
    "poisson-source": green.poisson_source,
    "poisson-lshape": poisson.poisson_lshape,
    "obstacle": obstacle.obstacle,
    "burgers": burgers.burgers,
    "burgers-family": burgers.burgers_family,
    "allen-cahn": allen_cahn.allen_cahn,
    "allen-cahn-dirichlet": allen_cahn.allen_cahn_dirichlet,
    "allen-cahn-steady": allen_cahn.allen_cahn_steady,
    "poisson-holes": holes.poisson_holes,
    "poisson-boltzmann": holes.poisson_boltzmann,
    "helmholtz": helmholtz.helmholtz,
    "helmholtz-6-6": partial(helmholtz.helmholtz, 6, 6),
    "heat": heat.heat,
    "heat-cylinder": round.heat_cylinder,
    "heat-ball": round.heat_ball,
    "stefan": stefan.stefan,
    "convection": convection.convection,
    "reaction": reaction.reaction,
    "gray-scott": gray_scott.gray_scott,
    "fokker-planck": fokker_planck.fokker_planck,
    "wave": wave.wave,
    "wave-4": partial(wave.wave, 4),
    "klein-gordon": klein_gordon.klein_gordon,
    "schroedinger": schroedinger.schroedinger,
    "wave-packet": wave_packet.wave_packet,
    "kdv": kdv.kdv,
    "kuramoto-sivashinsky": kuramoto_sivashinsky.kuramoto_sivashinsky,
    "lorenz": lorenz.lorenz,
    "delay": delay.delay,
    "fredholm": integral_equations.fredholm,
    "volterra": integral_equations.volterra,
    "volterra-ide": integral_equations.volterra_ide,
    "kirsch": kirsch.kirsch,
    "kovasznay": navier_stokes.kovasznay,
    "cavity": navier_stokes.cavity,
    "cylinder": navier_stokes.cylinder,
    "burgers-inverse": inverse.burgers_inverse,
    "burgers-inverse-noise-1": partial(inverse.burgers_inverse, 0.01),
    "lorenz-inverse": lorenz_inverse.lorenz_inverse,
    "navier-stokes-inverse": inverse.navier_stokes_inverse,
    "diffusion-inverse": inverse.diffusion_inverse,
    "source-inverse": inverse.source_inverse,
}
ZOO: dict[str, Entry] = {
    name: Entry(make, PROBLEMS[name].summary, PROBLEMS[name].group) for name, make in BUILDERS.items()
}


def build(name: str) -> Problem:
    """Build the problem of a name: of the zoo, or of PINNacle ("pinnacle-burgers1d-c", ...).

    Raises:
        InputError: There is none; the message names the nearest one, or all of them.
    """
    if name in ZOO:
        return ZOO[name].build()
    from ..pinnacle import PINNACLE  # a benchmark, which few programs need

    if name in PINNACLE:
        return PINNACLE[name]()
    near = get_close_matches(name.lower().replace("_", "-").replace(" ", "-"), ZOO, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"the problems are {', '.join(ZOO)}"
    raise InputError(f"there is no problem {name!r}; {hint}")
