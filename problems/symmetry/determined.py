"""Problems whose equations and conditions have one solution, for any values of the coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from ...geometry import Domain
from ..conditions.base import Condition, Sites, time_names
from .probing import evaluate
from .requirements import SCREEN, TOLERANCE, Requirement


def is_determined(
    domain: Domain,
    unknowns: Sequence[str],
    equation: Requirement,
    conditions: Sequence[Condition],
    orders: Mapping[str, int],
) -> bool:
    """Test for a unique solution: enough equations and conditions, and linearity if the problem is steady.

    Args:
        domain: The domain.
        unknowns: Names of the unknowns.
        equation: The equation.
        conditions: All conditions.
        orders: Highest derivative of an unknown in the equation, by coordinate.
    """
    rows = equation.rows
    steady = not time_names(domain)
    complete = all(_is_complete(domain, name, conditions, orders) for name in unknowns)
    return rows >= len(unknowns) and complete and not (steady and not _is_linear(equation))


def _is_linear(equation: Requirement) -> bool:
    """Test whether the equation is affine in all that it reads."""
    probes, sites = equation.probes, Sites(equation.many.points[:SCREEN])
    zero, one, two = probes.broad[:1], probes.broad[-2:-1], probes.broad[-1:]
    rows = evaluate(
        equation.local,
        equation.names,
        probes.channels,
        torch.cat([zero, one, two, one + two, 1e3 * one]),
        sites,
    )
    base, a, b, both, far = rows - rows[:1]
    added = torch.stack([a + b - both, (1e3 * a - far) / 1e3])
    size = torch.stack([a, b, rows[0]]).abs().amax((0, 2), keepdim=True)
    return bool((added.abs() <= TOLERANCE * size).all()) and bool(torch.isfinite(base).all())


def _is_complete(
    domain: Domain, name: str, conditions: Sequence[Condition], orders: Mapping[str, int]
) -> bool:
    """Test whether an unknown has all the conditions that the orders of the equation ask for."""
    for face in domain.spatial_faces:
        here = [
            c for c in conditions if (name in c.unknowns() or not c.unknowns()) and face in c.faces(domain)
        ]
        shape = next(f for f in domain.factors() if face in f.faces)
        order = max(orders[coordinate] for coordinate in shape.names)
        closed = any(c.circle() is not None for c in here)
        if not closed and sum(c.boundary_conditions for c in here) < max(1, (order + 1) // 2):
            return False
    for time in time_names(domain):
        given = [p for c in conditions if (p := c.prescribed()) is not None]
        starts = [p for p in given if p.start and p.unknown == name]
        if not any(p.value is not None for p in starts):
            return False
        if orders[time] > 1 and not any(p.rate is not None for p in starts):
            return False
        if orders[time] > 2:
            return False
    return True
