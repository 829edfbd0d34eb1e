"""Search for poles of coefficients and sources of an equation, by zooming in on the largest values.

With constant numbers in place of the unknowns and their derivatives, an equation is a function of place
alone. Where it is largest among many points the search goes on in ever smaller boxes around the best
point.  Near a smooth peak, however narrow, the median over a box comes to an end; near a pole it grows like a
power of the size of the box, 1 / h^q.  Poles of a power of at least one half count: the mean square of such a
residual over random points has no limit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from ..curvilinear import centres
from .findings import WARNING, Finding
from .linearised import State, states, values, zero

if TYPE_CHECKING:
    from ..description import Description

POINTS, NEAR = 2048, 128  # points of the domain, and of a box
STARTS, TOP, APART = (
    6,
    64,
    0.1,
)  # searches for every equation, from the largest values, so far apart in extents
BOX, SHRINK, ROUNDS = 0.05, 0.25, 13  # half the width of the first box in extents
LAST, VERY_LAST = 6, 3  # rounds that have to show growth
STEEP = 5.0  # a search starts only where the largest value is so many times the median
CENTRE = 1e-3  # of a radius: so near the centre it is meant
POWER = 0.45  # of a pole that counts


def poles(problem: Description) -> list[Finding]:
    """Warnings of places where the equation has infinite coefficients or sources."""
    drawn = states(43)[0]

    def constant(channel: tuple[str, tuple[int, ...]], n: int) -> Tensor:
        return drawn(channel, 1).expand(n).clone()

    generator = Generator().manual_seed(47)
    points = problem.domain.interior(POINTS, generator)
    size = _sizes(problem, points, constant)
    out: dict[str, Finding] = {}
    for k, row in enumerate(size):
        if float(row.max()) <= STEEP * float(row.median()):
            continue
        for start in _starts(problem, points[row.argsort(descending=True)[:TOP]]):
            place = _zoom(problem, k, start, constant, generator)
            if place is not None and _at_centre(problem, place):  # of coordinates: sources alone count
                place = _zoom(problem, k, place, zero, generator)
            if place is not None:
                where = _where(problem, k, place, constant)
                sentence = (
                    f"a coefficient or a source of the equation is infinite at {where}: points near it rule "
                    "the loss; multiply the equation by what vanishes there, or leave that place out of "
                    "the domain"
                )
                out.setdefault(where, Finding(WARNING, "singular coefficient", sentence))
    return [*out.values()]


def _at_centre(problem: Description, place: Tensor) -> bool:
    """Test for the centre of a radius, where coefficients are infinite and the solution is smooth."""
    names, extent = problem.domain.names, problem.domain.bounds[1]
    axes = [names.index(name) for name in centres(problem.domain)]
    return any(float(place[i]) < CENTRE * float(extent[i]) for i in axes)


def _starts(problem: Description, points: Tensor) -> list[Tensor]:
    """The first of points [N, dim] and others that are not close to those before."""
    extent = problem.domain.bounds[1] - problem.domain.bounds[0]
    chosen: list[Tensor] = []
    for point in points:
        if len(chosen) < STARTS and all(float(((point - c) / extent).norm()) > APART for c in chosen):
            chosen.append(point)
    return chosen


def _sizes(problem: Description, points: Tensor, state: State) -> Tensor:
    """The equations' absolute values at points, [rows, N]; what is no number counts as zero."""
    found = values(problem, problem.equation_term, problem.at(points), state).abs()
    return torch.where(torch.isfinite(found), found, 0.0)


def _zoom(problem: Description, k: int, best: Tensor, state: State, generator: Generator) -> Tensor | None:
    """The place of a pole [dim], or None where the values come to an end."""
    lower, upper = problem.domain.bounds
    half, heights = BOX * (upper - lower), []
    for _ in range(ROUNDS):
        low, high = torch.maximum(best - half, lower), torch.minimum(best + half, upper)
        box = low + (high - low) * torch.rand(NEAR, len(best), generator=generator, dtype=torch.float64)
        box = torch.cat([best[None], box[problem.domain.inside(box)]])
        sizes = _sizes(problem, box, state)[k]
        best = box[sizes.argmax()]
        heights.append(float(sizes.median()))  # not the largest, which may be so by luck
        half = SHRINK * half
    if not min(heights) > 0:
        return None
    grown = [
        math.log(heights[-1] / heights[-1 - rounds]) / (rounds * -math.log(SHRINK))
        for rounds in (LAST, VERY_LAST)
    ]
    return best if min(grown) >= POWER else None


def _where(problem: Description, k: int, place: Tensor, state: State) -> str:
    """The coordinates of a pole without those along which it extends: moved there, the value stays large."""
    lower, upper = problem.domain.bounds
    peak = float(_sizes(problem, place[None], state)[k])
    fixed = []
    for axis, name in enumerate(problem.domain.names):
        moved = place.expand(3, -1).clone()
        moved[:, axis] = lower[axis] + (upper - lower)[axis] * torch.tensor(
            [0.21, 0.47, 0.83], dtype=torch.float64
        )
        if float(_sizes(problem, moved, state)[k].median()) < 1e-3 * peak:
            extent = float((upper - lower)[axis])
            fixed.append(f"{name}={round(float(place[axis]) / extent, 4) * extent + 0.0:.4g}")
    return ", ".join(fixed) or "many places"
