r"""Times at which delays make derivatives jump, and inputs of the network that jump there.

Where the solution begins, its derivatives differ from those of its history.  u'(t) = f(u(g(t))) hands the
jump on to every t with g(t) = t_0, from there to g(t) = t_1, and so on, each time to a derivative one order
higher.  A smooth network has none.  So the network of an equation of order r gets the inputs

    ((t - t_k)_+)^m,    m = r + k - 1, and one more where the history leads into the initial value,

which are as smooth at t_k as the solution is; all other derivatives are those of a smooth function.
Source for the propagation: Bellen and Zennaro, Numerical Methods for Delay Differential Equations, 2003.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from ..conditions.base import Feature, Value, time_names, value_at

if TYPE_CHECKING:
    from ..description import Description

GRID = 4001  # times at which crossings are looked for
HALVINGS = 60
MOST = 8  # inputs
HIGHEST = 4  # power
NEAR = 1e-9  # of the extent, or of the values


def kinks(
    problem: Description, places: Callable[[Tensor], list[Tensor]], histories: Mapping[str, Value]
) -> tuple[Feature, ...]:
    """Inputs for the kinks of a problem.

    Args:
        problem: The problem.
        places: The places that its equation asks for at points [N, dim], each [N, dim].
        histories: Values before the start, by unknown.
    """
    (time,) = time_names(problem.domain)
    axis = problem.domain.names.index(time)
    start, end = problem.domain.bounds[:, axis].tolist()
    order = max((i.count(axis) for found in problem.equation_term.needs.values() for i in found), default=0)
    smooth = all(_leads_into(problem, unknown, value, axis) for unknown, value in histories.items())
    known, front, found = [start], [start], list[Feature]()
    for level in range(1, MOST + 1):
        front = [t for t in _crossings(problem, places, axis, front) if start < t < end]
        front = [t for t in front if all(abs(t - k) > NEAR * (end - start) for k in known)]
        power = min(max(order, 1) + level - 1 + smooth, HIGHEST)
        for t in front[: MOST - len(found)]:
            found.append(Feature(f"kink at {time}={t:.4g}", _ramp(axis, t, end - start, power), (time,)))
        known += front
        if not front or len(found) == MOST:
            break
    return tuple(found)


def _ramp(axis: int, at: float, length: float, power: int) -> Callable[[Tensor], Tensor]:
    return lambda points: (torch.relu(points[:, axis] - at) / length) ** power


def _leads_into(problem: Description, unknown: str, value: Value, axis: int) -> bool:
    """Test whether a history ends where the initial value begins."""
    domain = problem.domain
    points = domain.interior(64, Generator().manual_seed(5))
    points[:, axis] = domain.bounds[0, axis]
    for condition in problem.conditions:
        given = condition.prescribed()
        if given is not None and given.start and given.unknown == unknown and given.value is not None:
            known = problem.initial_coefficients
            first, last = (
                value_at(v, points, domain.names, f"the values of {unknown}", known)
                for v in (given.value, value)
            )
            return bool(((first - last).abs() <= NEAR * (1 + first.abs())).all())
    return False


def _crossings(
    problem: Description, places: Callable[[Tensor], list[Tensor]], axis: int, front: list[float]
) -> list[float]:
    """Times t with g(t) in `front` for one of the places g, where g depends on time alone."""
    domain = problem.domain
    start, end = domain.bounds[:, axis].tolist()
    aside = domain.interior(2, Generator().manual_seed(7))

    def times(t: Tensor, row: int) -> list[Tensor]:
        points = aside[row].repeat(len(t), 1)
        points[:, axis] = t
        return [p[:, axis] for p in places(points)]

    grid = torch.linspace(start, end, GRID, dtype=torch.float64)
    first, second = times(grid, 0), times(grid, 1)
    out: list[float] = []
    for number, (g, other) in enumerate(zip(first, second, strict=True)):
        if not torch.allclose(g, other):
            continue
        for level in front:
            sign = torch.sign(g - level)
            at = (sign[:-1] * sign[1:] <= 0) & (sign[:-1] != sign[1:]) & (sign[1:] != 0)
            for i in at.nonzero()[:, 0].tolist():
                a, b, left = grid[i], grid[i + 1], sign[i + 1]
                for _ in range(HALVINGS):
                    middle = (a + b) / 2
                    value = times(middle[None], 0)[number][0]
                    a, b = (a, middle) if torch.sign(value - level) == left else (middle, b)
                out.append(float(b))
    return sorted(set(round(t, 12) for t in out))
