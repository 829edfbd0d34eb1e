r"""Sizes of an equation at every point, where its coefficients differ by orders of magnitude.

The mean square of a residual counts a point by the square of the equation's coefficients there: where a in
div(a grad u) = f is a thousand times as large, errors count a million times as much.  A row that is linear in
the unknowns is divided by

    m_k(x) = max_c |dr_k / dq_c (x)| rho_c,    over its root mean square,

q_c being the derivatives of the unknowns that it reads and rho_c the size of each for a function that varies
about once over the domain; but only where m varies by more than `VARIES`, so that usual problems stay what
they are.  It is a function of x alone: where the coefficients depend on the solution, the row is left alone.
Row scaling of least squares: Golub and Van Loan, Matrix Computations, 2013, section 6.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .conditions.base import Known, Sites
from .fields import Field
from .term import Term
from .trials import EACH, Key, Place

VARIES = 100.0  # ratio of the size at most points to that at few from which on it counts
MOST, FEW = 0.95, 0.05  # shares of the points
LEAST = 1e-6  # of the root mean square: a size that is nothing
LINEAR = 1e-9  # relative difference of coefficients at two functions that is rounding
DIGITS = 7  # that are kept, as last bits depend on where in memory numbers lie


@dataclass(frozen=True)
class Pointwise:
    """Sizes of the rows of a term at points.

    Attributes:
        term: The term.
        names: Of the coordinates.
        unknowns: Their names.
        known: Parameters of the coefficients.
        reach: rho_c by derivative.
        usual: Root mean square of m for each row; None where the row stays as it is.
    """

    term: Term
    names: tuple[str, ...]
    unknowns: tuple[str, ...]
    known: Known
    reach: Mapping[Key, float]
    usual: tuple[float | None, ...]

    def __call__(self, sites: Sites) -> Tensor:
        """Sizes [rows, n] at sites, one on the average."""
        slopes = self._slopes(sites)
        size = sizes(slopes, self.reach)
        rows = [
            torch.ones_like(row) if usual is None else (row / usual).clamp(LEAST, 1 / LEAST)
            for row, usual in zip(size, self.usual, strict=True)
        ]
        return torch.stack(rows)

    def _slopes(self, sites: Sites) -> dict[Key, Tensor]:
        points = sites.points
        leaves = {key: torch.zeros_like(points[:, 0]).requires_grad_() for key in self.reach}

        def field(name: str) -> Field:
            return Field(name, self.names, lambda index: leaves[name, index])

        with torch.enable_grad():
            found = self.term.residual({n: field(n) for n in self.unknowns}, sites, self.known)
            sums = [row.expand(len(points)).sum() for row in found]
        out: dict[Key, list[Tensor]] = {key: [] for key in leaves}
        for row in sums:
            slopes: tuple[Tensor, ...] = tuple(torch.zeros_like(leaf) for leaf in leaves.values())
            if row.requires_grad:
                slopes = torch.autograd.grad(
                    row, [*leaves.values()], retain_graph=True, materialize_grads=True
                )
            for key, slope in zip(leaves, slopes, strict=True):
                out[key].append(slope)
        return {key: torch.stack(slopes) for key, slopes in out.items()}


def sizes(slopes: Mapping[Key, Tensor], reach: Mapping[Key, float]) -> Tensor:
    """Sizes m [rows, n] from the coefficients dr / dq_c [rows, n]."""
    found = torch.stack([slope.abs() * reach[key] for key, slope in slopes.items()]).amax(0)
    return torch.nan_to_num(found, nan=1.0, posinf=1e300)


def pointwise(
    place: Place, names: tuple[str, ...], units: Mapping[str, float], known: Known
) -> Pointwise | None:
    """Find how a term varies in size; None where none of its rows does so by orders of magnitude.

    Args:
        place: The term at its sites, with trial functions.
        names: Of the coordinates.
        units: Sizes of the unknowns, relative to each other.
        known: Parameters of the coefficients.
    """
    if place.sites.fold > 1 or known:
        return None
    weights = {n: torch.ones(place.waves[n, ()].shape[1], dtype=torch.float64) for n in place.trials.unknowns}
    (_, here), (_, there) = place.look({}, known), place.look(weights, known)
    linear = torch.ones(place.term.rows, dtype=torch.bool)
    for key, slope in here.items():
        off = (there[key] - slope).abs().amax(1)
        linear &= off <= LINEAR * slope.abs().amax(1)
    reach = {
        key: _rounded(units.get(key[0], 1.0) * float(place.waves[key][:, :EACH].square().mean().sqrt()))
        for key in here
    }
    size = sizes(here, reach)
    most, few = (torch.quantile(size, q, dim=1) for q in (MOST, FEW))
    varies = linear & (most > VARIES * few)
    if not bool(varies.any()):
        return None
    usual = [
        _rounded(float(v)) if on else None for v, on in zip(place.size(size), varies.tolist(), strict=True)
    ]
    return Pointwise(place.term, names, place.trials.unknowns, known, reach, tuple(usual))


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS - 1}e}")
