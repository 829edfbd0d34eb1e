"""A solution on the points of a picture or of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ..geometry import Domain, Mesh
from .view import View

Array = NDArray[np.float64]

AT_ONCE = 4_096  # points at which residuals are computed at a time
ENOUGH = 0.05  # of the points: of a reference that is known at fewer, such as a table, there is no picture


@dataclass(frozen=True)
class Values:
    """A solution on points of one shape.

    Attributes:
        found: The unknowns.
        exact: The reference of those of which one is known at some of the points; None if of no unknown.
        residuals: Absolute residual of each equation; None if not asked for.
        inside: Which points lie in the domain; everything else is NaN elsewhere.
    """

    found: dict[str, Array]
    exact: dict[str, Array] | None
    residuals: list[Array] | None
    inside: NDArray[np.bool_]

    @property
    def residual(self) -> Array | None:
        """Largest absolute residual of the equations."""
        return None if self.residuals is None else np.max(self.residuals, axis=0)

    def compared(self, names: Iterable[str]) -> bool:
        """Test whether the reference of unknowns is known at enough of the points to draw it."""
        count = max(int(self.inside.sum()), 1)
        exact = self.exact or {}
        return all(n in exact and np.isfinite(exact[n]).sum() >= ENOUGH * count for n in names)


def evaluate(solution: View, points: Mapping[str, Array], residual: bool = False) -> Values:
    """A solution at points whose coordinates broadcast; the residual if asked for, or without a reference."""
    problem = solution.problem
    columns = np.broadcast_arrays(*(np.asarray(points[name], float) for name in problem.domain.names))
    shape = columns[0].shape
    flat = np.stack([c.reshape(-1) for c in columns], 1)
    span = (problem.domain.bounds[1] - problem.domain.bounds[0]).max().item()
    inside = (problem.domain.distance(torch.from_numpy(flat)).detach() <= 1e-9 * span).numpy()
    kept = flat[inside]
    at = {name: kept[:, i] for i, name in enumerate(problem.domain.names)}

    def spread(values: ArrayLike) -> Array:
        out = np.full(len(flat), np.nan)
        out[inside] = values
        return out.reshape(shape)

    found = unknowns_at(solution, at)
    exact = {name: v for name, v in (solution.reference(at) or {}).items() if np.isfinite(v).any()}
    values = Values(
        {name: spread(v) for name, v in found.items()},
        {name: spread(v) for name, v in exact.items()} or None,
        None,
        inside.reshape(shape),
    )
    if not residual and values.compared(found):
        return values
    rows = [
        np.abs(np.atleast_2d(solution.residual({name: c[i : i + AT_ONCE] for name, c in at.items()}, True)))
        for i in range(0, len(kept), AT_ONCE)
    ]
    return replace(values, residuals=[spread(row) for row in np.concatenate(rows, 1)] if rows else None)


def unknowns_at(solution: View, at: Mapping[str, Array], which: str = "") -> dict[str, Array]:
    """The unknowns, or a derivative, at points inside and outside the domain: complex ones by their parts."""
    problem = solution.problem
    if which:
        found = solution.derivative(at, which, extrapolate=True)
    else:
        found = solution.predict(at, extrapolate=True)
    for name, parts in problem.complex_parts.names.items():
        values = found.pop(name) if isinstance(found, dict) else found
        named = dict(zip(parts, (values.real, values.imag), strict=True))
        found = {**found, **named} if isinstance(found, dict) else named
    return found if isinstance(found, dict) else {problem.unknown_names[0]: found}


def ends(domain: Domain, name: str) -> tuple[float, float]:
    """Lower and upper bound of a coordinate."""
    low, high = domain.bounds[:, domain.names.index(name)].tolist()
    return low, high


def middle_of(domain: Domain) -> dict[str, float]:
    """A point well inside: of the box's centre and many others, the one farthest from the boundary."""
    centre = domain.bounds.mean(0, keepdim=True)
    if float(domain.distance(centre)) >= 0:
        trial = domain.interior(4096, torch.Generator().manual_seed(0), "sobol")
        centre = trial[domain.distance(trial).argmin()][None]
    step = 10 ** torch.log10((domain.bounds[1] - domain.bounds[0]) / 100).floor()
    short = (centre / step).round() * step + 0.0  # a number that reads well
    if float(domain.distance(short)) < 0:
        centre = short
    return dict(zip(domain.names, centre[0].tolist(), strict=True))


def time_name(domain: Domain) -> str | None:
    """The name of the time, or None."""
    return next((f.names[0] for f in domain.factors() if f.is_time), None)


def parameter_names(domain: Domain) -> list[str]:
    """Names of the parameters of a family."""
    return [f.names[0] for f in domain.factors() if f.is_parameter]


def coordinates_of(domain: Domain) -> list[str]:
    """Names of the coordinates of a picture: those of space; parameters where there are too few."""
    time, family = time_name(domain), parameter_names(domain)
    space = [name for name in domain.names if name != time and name not in family]
    return space + family[: max(0, 1 + (time is None) - len(space))]


def mesh_of(domain: Domain) -> Mesh | None:
    """The mesh of a domain that is one, or one times time."""
    space = [f for f in domain.factors() if not (f.is_time or f.is_parameter)]
    return space[0] if len(space) == 1 and isinstance(space[0], Mesh) else None
