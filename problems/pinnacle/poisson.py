"""Poisson2d-C, Poisson2d-CG, Poisson2d-MS and Poisson3d-CG: holes, and coefficients that jump.

The first two are the zoo's.  The third has a coefficient for each of 5 x 5 blocks, outside of the
derivatives, as its published code reads: a Laplace u + f = 0, so that u is smooth but for jumps of its second
derivatives at the edges of the blocks.  Here it is divided by a, from 0.13 to 88: otherwise a squared, in the
mean square of the residual, has some blocks count 400,000 times as much as others.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache
from math import pi
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...geometry import Ball, Box, Domain
from ..conditions.boundary import Neumann, Robin
from ..fields import Field
from ..problem import Problem
from ..references import Array, _cell_basis, _grid, _reference, lobatto
from ..zoo import holes
from .stored import on_grid

# Numbers of the published poisson_a_coef and poisson_f_coef (MIT licence), a row for each block along x.
DIFFUSION = (
    (46.117281846004595, 0.5973282397508773, 0.2922707008032916, 1.2627643278519682, 0.1445619574453011),
    (12.718149378248704, 1.469752865936043, 82.58022927071507, 0.2361176441062403, 0.3212575290274077),
    (0.9870683201679841, 9.056933162287834, 87.93603552969871, 0.1319132004739979, 66.24847847880773),
    (6.940130414049874, 1.714366236984487, 1.8829439440403082, 0.4777548052929814, 12.26775752466596),
    (65.95315787500161, 22.765143221950005, 5.149506313776846, 10.517296776784882, 6.485008302512252),
)
CONSTANT = (
    (-0.5391451339174334, -0.37767988197220426, 0.9593886703936261, 0.23957922898978157, 0.5298502749299698),
    (-0.8754224820707621, 0.9200585931204495, 0.23021761805546537, 0.12641909980552346, -0.8055525847477567),
    (
        0.3118253907685582,
        -0.12397612647555611,
        0.7558861904907601,
        -0.056908056486426606,
        -0.9684977429591932,
    ),
    (-0.40548048860163144, 0.8928609403540844, 0.43945794587101306, -0.8037995611915099, 0.5087799884089677),
    (0.6356459773622063, -0.4348195748336037, -0.8323420891272051, -0.7788386072361289, 0.17857871151479476),
)
WAVE = (
    (-0.8293750991442563, 0.11428219640984527, 0.5864437428634874, -0.9370950282229811, 0.4247310664350792),
    (0.47791742194445397, -0.3690794062414746, 0.33962814440203126, 0.3241248028455903, 0.2652650222705293),
    (
        0.6630159896177754,
        -0.07972028704590484,
        -0.7603944602751065,
        0.10513150314588171,
        -0.05864701654304283,
    ),
    (
        0.07613801587080071,
        -0.18601996978475244,
        0.04905802665994141,
        -0.41341084017007623,
        0.22480583646046326,
    ),
    (-0.7825124246306441, -0.6358456144333433, 0.8846090061418594, 0.6774740623099118, -0.9848308394349559),
)
SIDE, SHIFT = 4.000004, 1e-5  # of a block, and of the first one's edge beyond -10
DEGREE = 20  # of the reference on each block
BALLS = ((0.4, 0.3, 0.6, 0.2), (0.6, 0.7, 0.6, 0.2), (0.2, 0.8, 0.7, 0.1), (0.6, 0.2, 0.3, 0.1))


def poisson_2d_c() -> Problem:
    """u_xx + u_yy = 0 on (-1/2, 1/2)^2 without four discs of radius 0.1; u = 0 on them and 1 outside."""
    return replace(holes.poisson_holes(), name="pinnacle-poisson2d-c")


def poisson_2d_cg() -> Problem:
    """-(u_xx + u_yy) + 64 u = f on (-1, 1)^2 without four discs, u = 1 on them and 0.2 outside."""
    return replace(holes.poisson_boltzmann(), name="pinnacle-poisson2d-cg")


def poisson_2d_ms() -> Problem:
    """u_xx + u_yy + f / a = 0 on [-10, 10]^2, du/dn = -u on the sides, a and f of 5 x 5 blocks."""
    a, constant, wave = (torch.tensor(rows, dtype=torch.float64) for rows in (DIFFUSION, CONSTANT, WAVE))

    def equation(u: Field, x: Tensor, y: Tensor) -> Tensor:
        along, across = (x + 10 + SHIFT) / SIDE, (y + 10 + SHIFT) / SIDE
        i, j = (c.detach().floor().long().clamp(0, 4) for c in (along, across))
        source = constant.to(x)[i, j] + wave.to(x)[i, j] * torch.sin(pi * (along - i)) * torch.sin(
            pi * (across - j)
        )
        out: Tensor = u.xx + u.yy + source / a.to(x)[i, j]
        return out

    return Problem(
        domain=Box((-10, -10), (10, 10)),
        unknowns="u",
        equation=equation,
        conditions=[Robin("u", 0.0)],
        reference=_reference(
            f"spectral elements of degree {DEGREE} on the blocks",
            1e-7,
            {"x": (-10, 10), "y": (-10, 10)},
            _blocks,
            lambda: _grid(x=np.linspace(-10, 10, 129), y=np.linspace(-10, 10, 129)),
        ),
        name="pinnacle-poisson2d-ms",
    )


def _blocks(x: Array, y: Array) -> Array:
    """The solution of Poisson2d-MS at points [M]."""
    breaks, nodes, values = _spectral_elements(DEGREE)
    (i, lx), (j, ly) = (_cell_basis(breaks, nodes, s) for s in (x, y))
    rows = i[:, None] * (nodes.size - 1) + np.arange(nodes.size)
    columns = j[:, None] * (nodes.size - 1) + np.arange(nodes.size)
    return np.asarray(np.einsum("mi,mij,mj->m", lx, values[rows[:, :, None], columns[:, None, :]], ly))


@cache
def _spectral_elements(degree: int) -> tuple[Array, Array, Array]:
    """Breaks, nodes of a block in [0, 1], and values by x and y: -Laplace u = f / a in weak form.

    The matrix is the Kronecker sum of one in x and the same in y, which its eigenvectors diagonalise.
    """
    breaks = np.array([-10, *(k * SIDE - 10 - SHIFT for k in range(1, 5)), 10])
    nodes, weights, d = lobatto(degree)
    size = 5 * degree + 1
    stiffness, mass = np.zeros((size, size)), np.zeros(size)
    stiffness[0, 0] = stiffness[-1, -1] = 1.0  # du/dn = -u
    places = [np.arange(k * degree, (k + 1) * degree + 1) for k in range(5)]
    x = [low + (high - low) * (1 + nodes) / 2 for low, high in itertools.pairwise(breaks)]
    halves = np.diff(breaks) / 2
    for k, at in enumerate(places):
        stiffness[np.ix_(at, at)] += d.T * weights @ d / halves[k]
        mass[at] += weights * halves[k]
    load = np.zeros((size, size))
    sines = [np.sin(pi * ((x[k] + 10 + SHIFT) / SIDE - k)) for k in range(5)]
    for i, rows in enumerate(places):
        for j, columns in enumerate(places):
            f = CONSTANT[i][j] + WAVE[i][j] * np.outer(sines[i], sines[j])
            area = np.outer(weights * halves[i], weights * halves[j])
            load[np.ix_(rows, columns)] += area * f / DIFFUSION[i][j]
    root = np.sqrt(mass)
    eigenvalues, vectors = np.linalg.eigh(stiffness / root[:, None] / root)
    vectors /= root[:, None]
    modes = vectors.T @ load @ vectors / (eigenvalues[:, None] + eigenvalues)
    return breaks, (1 + nodes) / 2, vectors @ modes @ vectors.T


def poisson_3d_cg() -> Problem:
    """-Laplace u + k^2 u = f in the unit cube without four balls, du/dn = 0 all around.

    k^2 jumps from 64 to 100 at z = 1/2, where u and its gradient do not: nothing is imposed there.
    """

    def equation(u: Field, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        square = torch.where(z < 0.5, 64.0, 100.0)
        out: Tensor = u.xx + u.yy + u.zz - square * u + source_3d(x, y, z, torch)
        return out

    shape: Domain = Box((0, 0, 0), (1, 1, 1))
    for x, y, z, radius in BALLS:
        shape = shape - Ball((x, y, z), radius, tag="ball")
    return Problem(
        domain=shape,
        unknowns="u",
        equation=equation,
        conditions=[Neumann("u", 0.0)],
        reference=on_grid("poisson3d_cg", "curved finite elements of degree 2", 2e-3),
        name="pinnacle-poisson3d-cg",
    )


def source_3d(x: Any, y: Any, z: Any, lib: ModuleType) -> Any:
    """The source f of Poisson3d-CG, of arrays or tensors."""
    s1, s2, s3 = lib.sin(pi * x), lib.sin(10 * pi * y), lib.sin(5 * pi * z)
    square = x**2 + y**2 + z**2
    return 20 * lib.exp(s1 + s2 + s3) * (square - 1) / (square + 1) + 100 * s1 * s2 * s3
