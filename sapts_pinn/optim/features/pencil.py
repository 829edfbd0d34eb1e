r"""Linear eigenvalue problems F(lambda) u = A u - lambda B u = 0 in random units.

With columns of units, A and B are tall matrices, of the equation's rows and of those of weighted conditions,
in which B is zero.  For a shift sigma near the eigenvalues that are wanted,

    T = (A - sigma B)^+ B

solves the problem (L - sigma) v = u by least squares, for every u in the units.  T is as smooth as the
inverse of L, and its eigenvalues of largest modulus, mu = 1 / (lambda - sigma), belong to the lambda
nearest to sigma, multiple ones included.  The rank of the pseudoinverse is the one whose pairs leave the
smallest residual on other points (`tall.py`).
Source of the idea: shift and invert, Bai et al., Templates for the Solution of Algebraic Eigenvalue Problems,
2000, 3.3; of least squares for rectangular pencils, Boutry, Elad, Golub and Milanfar, SIAM J. Matrix Anal.
Appl. 27 (2005) 582.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...networks.random_units import Units
from ...objectives.tall import Spectrum, triangle
from .sample import Linear

CUTOFFS = tuple(10.0 ** (-k / 2) for k in range(18, 33, 2))
COMPLEX = 1e-4


@dataclass(frozen=True)
class Pairs:
    """Eigenvalues with their columns.

    Attributes:
        values: [k], in the order of their distance from the shift.
        columns: [K, k], real.
        residuals: [k], |A c - lambda B c| / |(lambda - sigma) B c| on other points.
        complex: Whether one of them has an imaginary part beyond rounding.
    """

    values: Tensor
    columns: Tensor
    residuals: Tensor
    complex: bool


@dataclass(frozen=True)
class Pencil:
    """An eigenvalue problem at points.

    Attributes:
        shifted: A - sigma B, linearised.
        other: A - (sigma + 1) B.
    """

    shifted: Linear
    other: Linear

    def rows(self, units: Units) -> tuple[Tensor, Tensor]:
        """A - sigma B and B in units, [N, K] each."""
        none = self.shifted.residual.new_empty(len(self.shifted.residual), 0)
        m = self.shifted.rows(units, none)
        return m, m - self.other.rows(units, none)


def pairs(units: Units, pencil: Pencil, check: Pencil, shift: float, count: int) -> Pairs:
    """Find the eigenvalues nearest to a shift.

    Args:
        units: The units.
        pencil: The problem at the points of the solution.
        check: It at others.
        shift: sigma.
        count: How many.
    """
    m, b = pencil.rows(units)
    found = Spectrum.of(triangle([torch.cat([m, b], 1)]), m.shape[1])
    m, b = check.rows(units)
    best: Pairs | None = None
    for rank in sorted({found.rank(cutoff) for cutoff in CUTOFFS}):
        if rank < count:
            continue
        tried = _at(found, rank, m, b, shift, count)
        if best is None or float(tried.residuals.max()) < float(best.residuals.max()):
            best = tried
    assert best is not None
    return best


def _at(found: Spectrum, rank: int, m: Tensor, b: Tensor, shift: float, count: int) -> Pairs:
    basis = found.vh[:rank].T / found.size[:, None]
    mu, y = torch.linalg.eig(found.along[:rank] @ basis)
    order = mu.abs().argsort(descending=True)[:count]
    mu, y = mu[order], y[:, order]
    off = mu.imag.abs() / mu.abs().clamp_min(1e-300)
    columns = basis @ torch.where((mu.imag < 0) & (off > 0), y.imag, y.real)
    inverse = mu.real / mu.abs().square()
    left, size = m @ columns - (b @ columns) * inverse, (b @ columns) * inverse
    residuals = left.norm(dim=0) / size.norm(dim=0).clamp_min(1e-300)
    return Pairs(shift + inverse, columns, residuals.nan_to_num(torch.inf), bool((off > COMPLEX).any()))
