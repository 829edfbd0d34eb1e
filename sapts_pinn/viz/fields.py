"""A solution on the points of a picture or of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ..geometry import Domain, Mesh
from .view import View

Array = NDArray[np.float64]

AT_ONCE = 4_096  # points at which residuals are computed at a time


@dataclass(frozen=True)
class Values:
    """A solution on points of one shape.

    Attributes:
        found: The unknowns.
        exact: Their reference, or None.
        residual: Absolute residual of the equations, the largest of a system's; None if not asked for.
        inside: Which points lie in the domain; everything else is NaN elsewhere.
    """

    found: dict[str, Array]
    exact: dict[str, Array] | None
    residual: Array | None
    inside: NDArray[np.bool_]

    def wrong(self, name: str) -> tuple[Array, str]:
        """The error of an unknown, or where that is not known the residual, and its name."""
        if self.exact is not None:
            return np.abs(self.found[name] - self.exact[name]), f"|error of {name}|"
        assert self.residual is not None
        return self.residual, "|residual|" if len(self.found) == 1 else "largest |residual|"


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

    found = solution.predict(at, extrapolate=True)  # all of them are inside
    found = found if isinstance(found, dict) else {problem.unknown_names[0]: found}
    exact = solution.reference(at)
    rows = [
        np.abs(solution.residual({name: c[i : i + AT_ONCE] for name, c in at.items()}, extrapolate=True))
        for i in range(0, len(kept) if residual or exact is None else 0, AT_ONCE)
    ]
    return Values(
        {name: spread(v) for name, v in found.items()},
        None if exact is None else {name: spread(v) for name, v in exact.items()},
        spread(np.concatenate([r.reshape(-1, r.shape[-1]).max(0) for r in rows])) if rows else None,
        inside.reshape(shape),
    )


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


def mesh_of(domain: Domain) -> Mesh | None:
    """The mesh of a domain that is one, or one times time."""
    space = [f for f in domain.factors() if f.names[0] != time_name(domain)]
    return space[0] if len(space) == 1 and isinstance(space[0], Mesh) else None
