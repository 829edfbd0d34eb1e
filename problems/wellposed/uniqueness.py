"""Functions that the conditions leave free: those that can be added to a solution, and the solution zero.

A solution is unique up to the null space of the linearised equation and conditions.  Of that null space the
polynomials of first degree are looked for: q = c_0 + sum c_a x_a for each unknown, applied to every term at
random points and states.  The coefficients c that no term sees are the null vectors of a small matrix.  They
are the usual cases: a pressure known up to a constant, a pure Neumann problem, a body that may move or turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from ...derivatives.multi_index import MultiIndex
from ..conditions.base import Sites, family_names, time_names
from .findings import listed
from .linearised import linearise, states, values, zero

if TYPE_CHECKING:
    from ..description import Description
    from ..term import Term

POINTS = 64  # of a term for the null space
MANY = 4096  # of the equation, and a quarter of it of a condition, where it is evaluated at zero
ROUNDING = 1e-9  # of singular values, relative to the largest
BALANCINGS = 20  # of rows and columns
SMALL = 1e-4  # a coefficient of a null function that is smaller is rounding


def zero_solves(problem: Description) -> bool:
    """Test whether u = 0 satisfies the equation and all conditions exactly."""
    if problem.sources:
        return False
    generator = Generator().manual_seed(37)
    for term in (problem.equation_term, *problem.condition_terms):
        sites = term.sites(MANY if term is problem.equation_term else MANY // 4, generator, "sobol")
        try:
            if (values(problem, term, sites, zero) != 0).any():
                return False
        except (ValueError, RuntimeError):  # the equation cannot be evaluated at zero
            return False
    return True


def free_functions(problem: Description) -> str | None:
    """A sentence about the polynomials of first degree that can be added to a solution; None without any."""
    basis = _basis(problem)
    rows = [_applied(problem, term, basis) for term in (problem.equation_term, *problem.condition_terms)]
    matrix = np.concatenate([r for r in rows if r is not None])
    if not np.isfinite(matrix).all():
        return None
    matrix, unit = _without_units(matrix, [name for name, _ in basis])
    rank, vectors = 0, np.eye(len(basis))
    if len(matrix):
        _, singular, vectors = np.linalg.svd(matrix, full_matrices=len(matrix) < len(basis))
        rank = int((singular > ROUNDING * singular[0]).sum())
    if rank == len(basis):
        return None
    free = _reduced(vectors[rank:])
    free = np.where(np.abs(free) > SMALL, free, 0.0) * unit  # in the user's units again,
    first = np.take_along_axis(free, (free != 0).argmax(1)[:, None], 1)
    return _sentence(problem, free / first, basis)


def _without_units(
    matrix: NDArray[np.float64], unknowns: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and unknowns of a matrix brought to size one, without rows of zeros; and the unknowns' factors.

    Rows and columns take turns with the geometric mean of what is not zero, which does not depend on units
    (Curtis and Reid, J. Inst. Maths Applics 10 (1972) 118).  The columns of an unknown share a factor, so
    that relations between them stay as they are.
    """
    matrix = matrix[np.abs(matrix).max(1, initial=0.0) > 0]
    unit = np.ones(len(unknowns))
    if not len(matrix):
        return matrix, unit
    there = matrix != 0
    size = np.log(np.abs(np.where(there, matrix, 1.0)))
    members = [[i for i, of in enumerate(unknowns) if of == name] for name in dict.fromkeys(unknowns)]
    for _ in range(BALANCINGS):
        size -= np.where(there, size.sum(1, keepdims=True) / there.sum(1, keepdims=True), 0.0)
        for columns in members:
            mean = size[:, columns].sum() / max(there[:, columns].sum(), 1)
            size[:, columns] -= np.where(there[:, columns], mean, 0.0)
            unit[columns] *= np.exp(-mean)
    matrix = np.sign(matrix) * np.where(there, np.exp(size), 0.0)
    return matrix / np.abs(matrix).max(1, keepdims=True), unit


def _basis(problem: Description) -> list[tuple[str, int | None]]:
    """Unknown and coordinate of each polynomial; None for the constant."""
    names = problem.domain.names
    return [
        (u.name, axis)
        for u in problem.functions
        for axis in (None, *(i for i, n in enumerate(names) if u.of is None or n in u.of))
    ]


def _polynomial(points: Tensor, bounds: Tensor, axis: int | None, index: MultiIndex) -> Tensor:
    """Values [N] of a polynomial, or of a derivative of it; coordinates in extents from the middle."""
    if axis is None:
        return torch.full_like(points[:, 0], 0.0 if index else 1.0)
    extent = float(bounds[1, axis] - bounds[0, axis])
    if not index:
        return (points[:, axis] - bounds[:, axis].mean()) / extent
    return torch.full_like(points[:, 0], 1 / extent if index == (axis,) else 0.0)


def _applied(
    problem: Description, term: Term, basis: Sequence[tuple[str, int | None]]
) -> NDArray[np.float64] | None:
    """The linearised term applied to each polynomial, [rows * N * states, basis]."""
    generator = Generator().manual_seed(41)
    sites: Sites = term.sites(POINTS, generator, "uniform")
    if len(sites.points) > 8 * POINTS:  # observations
        block = len(sites.points) // sites.fold
        sites = sites.of(torch.randperm(block, generator=generator)[:POINTS])
    out = []
    for state in states()[:3]:
        found = linearise(problem, term, sites, state)
        if not found.finite.all():
            if not found.finite.any():
                continue
        columns = []
        for name, axis in basis:
            total = torch.zeros_like(found.rows)
            for c, (of, index) in enumerate(found.channels):
                if of == name and index in ((), (axis,)):  # all other derivatives of it are zero
                    part = found.slopes[:, c] * _polynomial(sites.points, problem.domain.bounds, axis, index)
                    total = total + sum(part.chunk(sites.fold, 1))
            columns.append(total[:, found.finite].reshape(-1))
        out.append(torch.stack(columns, 1).numpy())
    return np.concatenate(out) if out else None


def _reduced(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """A basis of the same space with as many zeros as possible: the reduced row echelon form."""
    rows, row = vectors.copy(), 0
    for column in range(rows.shape[1]):
        if row == len(rows):
            break
        pivot = row + int(np.abs(rows[row:, column]).argmax())
        if abs(rows[pivot, column]) < SMALL:
            continue
        rows[[row, pivot]] = rows[[pivot, row]]
        rows[row] /= rows[row, column]
        others = np.arange(len(rows)) != row
        rows[others] -= rows[others, column][:, None] * rows[row]
        row += 1
    return rows[:row]


def _sentence(
    problem: Description, vectors: NDArray[np.float64], basis: Sequence[tuple[str, int | None]]
) -> str:
    """Sentence on the free functions: a constant, a function of time, linear ones (rigid motions)."""
    names = problem.domain.names
    free = [{basis[i]: value for i, value in enumerate(v) if value} for v in vectors]
    whose = [*dict.fromkeys(name for function in free for name, _ in function)]
    middle = problem.domain.bounds.mean(0).tolist()
    times = (*time_names(problem.domain), *family_names(problem.domain))
    point = ", ".join(
        f"{n!r}: {'times' if n in times and len(free) > 1 else f'{v:g}'}"
        for n, v in zip(names, middle, strict=True)
    )
    mend = f"give values at points, such as Observations({whose[0]!r}, {{{point}}}, 0.0)"
    along = {axis for function in free for _, axis in function}
    if along == {None} and len(free) == len(whose):
        return (
            f"{listed(whose)} {'is' if len(whose) == 1 else 'are'} determined up to a constant only, as the "
            f"equation and the conditions see derivatives alone; {mend}"
        )
    if len(whose) == 1 and along <= {None, *(names.index(t) for t in times)}:
        return (
            f"{whose[0]} is determined up to a function of {listed(times)} only, as the equation and the "
            f"conditions see its derivatives in space alone; {mend}"
        )
    return (
        f"the solution is not unique, multiples of {'; of '.join(_words(problem, f) for f in free)} can be "
        f"added to it (coordinates in extents from the middle of the domain); {mend}"
    )


def _words(problem: Description, function: dict[tuple[str, int | None], float]) -> str:
    parts = []
    for name in dict.fromkeys(name for name, _ in function):
        terms = {axis: value for (of, axis), value in function.items() if of == name}
        text = " + ".join(
            f"{value:.3g}" if axis is None else f"{value:.3g} {problem.domain.names[axis]}".removeprefix("1 ")
            for axis, value in terms.items()
        )
        parts.append(f"{text} in {name}")
    return " with ".join(parts)
