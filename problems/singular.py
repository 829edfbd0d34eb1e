"""Where a coefficient or a source of an equation is infinite, found by zooming in on the largest values.

With constant numbers in place of the unknowns and their derivatives, an equation is a function of place alone.
Where it is largest among many points the search goes on in ever smaller boxes around the best point.  Near a
smooth peak, however narrow, the values come to an end; near a pole they grow like a power of the size of the
box, 1 / h^q, and the search stops at it.  Poles of a power of at least one half count: the mean square of such
a residual over random points has no limit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from .conditions import Sites
from .findings import WARNING, Finding
from .linearised import State, states, values

if TYPE_CHECKING:
    from .base import Problem

POINTS, NEAR = 2048, 128  # points of the domain, and of a box
STARTS = 3  # of the search, for every equation
BOX, SHRINK, ROUNDS, LAST = 0.05, 0.25, 13, 4  # half the width of the first box in extents; rounds that judge
STEEP = 5.0  # a search starts only where the largest value is so many times the median
POWER = 0.45  # of a pole that counts


def poles(problem: Problem) -> list[Finding]:
    """Warnings of places where the equation has infinite coefficients or sources."""
    drawn = states(43)[0]

    def constant(channel: tuple[str, tuple[int, ...]], n: int) -> Tensor:
        return drawn(channel, 1).expand(n).clone()

    generator = Generator().manual_seed(47)
    points = problem.domain.interior(POINTS, generator)
    size = _sizes(problem, points, constant)
    out: dict[str, Finding] = {}
    for k, row in enumerate(size):
        order = row.argsort(descending=True)
        if float(row[order[0]]) <= STEEP * float(row.median()):
            continue
        for start in order[:STARTS].tolist():
            found = _zoom(problem, k, points[start], constant, generator)
            if found is not None:
                sentence = _sentence(problem, *found)
                out.setdefault(sentence, Finding(WARNING, "singular coefficient", sentence))
    return [*out.values()]


def _sizes(problem: Problem, points: Tensor, state: State) -> Tensor:
    """The equations' absolute values at points, [rows, N]; what is no number counts as zero."""
    found = values(problem, problem.equation_term, Sites(points), state).abs()
    return torch.where(torch.isfinite(found), found, 0.0)


def _zoom(
    problem: Problem, k: int, best: Tensor, state: State, generator: Generator
) -> tuple[Tensor, float] | None:
    """The place of a pole and its power, or None where the values come to an end."""
    lower, upper = problem.domain.bounds
    half, peak, heights = BOX * (upper - lower), 0.0, []
    for _ in range(ROUNDS):
        low, high = torch.maximum(best - half, lower), torch.minimum(best + half, upper)
        box = low + (high - low) * torch.rand(NEAR, len(best), generator=generator, dtype=torch.float64)
        box = torch.cat([best[None], box[problem.domain.inside(box)]])
        sizes = _sizes(problem, box, state)[k]
        best, peak = box[sizes.argmax()], max(peak, float(sizes.max()))
        heights.append(peak)
        half = SHRINK * half
    powers = [
        math.log(heights[-1 - i] / heights[-2 - i]) / -math.log(SHRINK) if heights[-2 - i] > 0 else 0.0
        for i in range(LAST)
    ]
    mean = sum(powers) / LAST
    return (best, mean) if mean >= POWER and min(powers) > 0 else None


def _sentence(problem: Problem, place: Tensor, power: float) -> str:
    extent = problem.domain.bounds[1] - problem.domain.bounds[0]
    near = (place / extent * 1e4).round() / 1e4 * extent + 0.0
    where = ", ".join(f"{n}={v:.4g}" for n, v in zip(problem.domain.names, near.tolist(), strict=True))
    order = max(round(2 * power) / 2, 0.5)
    return (
        f"a coefficient or a source of the equation is infinite near {where}, like 1 / distance^{order:g}: points "
        "there rule the loss; multiply the equation by what vanishes there, or leave that place out of the domain"
    )
