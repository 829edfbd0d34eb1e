"""Measured values in pictures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Generator

from ..problems import Problem
from .fields import Array

NEAR = 0.02  # of the extent: how far from a plane points are drawn on it
MOST = 1500  # points in a panel
DOTS = (1.2, 4.0)  # diameters in points, of as many as that and of a few


def observed(problem: Problem, unknown: str) -> list[tuple[dict[str, Array], Array]]:
    """Places by coordinate, and values, of each set of observations of an unknown."""
    found = []
    for condition in problem.conditions:
        data = condition.measurements()
        if data is not None and data.unknown == unknown:
            sites = condition.sites(problem.domain, data.count, Generator(), "uniform")
            assert sites.values is not None
            values = sites.values if sites.values.ndim == 1 else sites.values[:, 0]
            columns = sites.points.double().T.numpy()
            found.append((dict(zip(problem.domain.names, columns, strict=True)), values.double().numpy()))
    return found


def beside(problem: Problem, unknown: str, fixed: Mapping[str, float]) -> list[dict[str, Array]]:
    """Places of the observations that lie near a plane where some coordinates are fixed."""
    bounds = dict(zip(problem.domain.names, problem.domain.bounds.T.tolist(), strict=True))
    places = []
    for at, values in observed(problem, unknown):
        kept = np.ones(len(values), bool)
        for name, value in fixed.items():
            low, high = bounds[name]
            kept &= abs(at[name] - value) <= NEAR * (high - low)
        if kept.any():
            every = max(int(kept.sum()) // MOST, 1)
            places.append({name: column[kept][::every] for name, column in at.items()})
    return places


def dot_size(count: int) -> float:
    """Diameter of the dots of so many measurements: few have to be seen, and many leave room."""
    least, most = DOTS
    return float(np.clip(least * np.sqrt(MOST / max(count, 1)), least, most))
