"""The smallest length over which sources and coefficients vary, against the distance of the points of a run.

A function of place that goes from one value to another by D with a slope of at most S has a feature of length
D / S along that coordinate.  Differences along dense lines give it, for the equation with constant numbers in
place of the unknowns and their derivatives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from ..conditions.contact import regions_of
from .findings import NOTE, WARNING, Finding
from .linearised import states, values

if TYPE_CHECKING:
    from ..description import Description

LINES, STEPS = 64, 1024  # along each coordinate
POINTS, MOST = 8192, 1 << 20  # of the equation, by default and at most
SLIGHT = 1e-3  # a step that is a smaller share of the largest value does not matter
ENOUGH, FEW = 2.0, 0.5  # points in the length of a feature: below these there is a note, or a warning


def features(problem: Description) -> list[Finding]:
    """Findings about sources and coefficients of the equation that vary faster than the points can see."""
    given = problem.options.get("points", POINTS)
    points = given if isinstance(given, int) else POINTS
    drawn, domain = states(53)[0], problem.domain
    start = domain.interior(LINES, Generator().manual_seed(59))
    extent = domain.bounds[1] - domain.bounds[0]
    spacing = extent * points ** (-1 / domain.dim)

    def constant(channel: tuple[str, tuple[int, ...]], n: int) -> Tensor:
        return drawn(channel, 1).expand(n).clone()

    out = []
    for axis, name in enumerate(domain.names):
        line = start[:, None].repeat(1, STEPS + 1, 1)
        line[:, :, axis] = domain.bounds[0, axis] + extent[axis] * torch.linspace(
            0, 1, STEPS + 1, dtype=torch.float64
        )
        flat = line.reshape(-1, domain.dim)
        rows = values(problem, problem.equation_term, problem.at(flat), constant)
        rows = torch.where(domain.inside(flat) & torch.isfinite(rows), rows, torch.nan)
        rows = rows.reshape(len(rows), LINES, STEPS + 1)
        steps = rows.diff(dim=2).abs().nan_to_num(0.0)
        if problem.materials:  # they are meant to jump between regions
            region = regions_of(domain, "materials").of(domain, flat).reshape(LINES, STEPS + 1)
            steps = torch.where(region.diff(dim=1) == 0, steps, 0.0)
        for row, step in zip(rows, steps, strict=True):
            known = row[~row.isnan()]
            if not len(known) or float(step.max()) <= SLIGHT * float(known.abs().max()):
                continue
            number, place = divmod(int(step.argmax()), STEPS)
            length = float(known.max() - known.min()) / float(step.max()) * float(extent[axis]) / STEPS
            inside = length / float(spacing[axis])
            if inside < ENOUGH:
                at = float(line[number, place : place + 2, axis].mean())
                out.append(
                    Finding(
                        WARNING if inside < FEW else NOTE,
                        "resolution",
                        f"a source or coefficient of the equation varies over a length of {length:.2g} in "
                        f"{name}, near {name}={at:.3g}, where {points} points stand "
                        f"{float(spacing[axis]):.2g} apart: {_enough(points, inside, domain.dim)}",
                    )
                )
                break
    return out


def _enough(points: int, inside: float, dim: int) -> str:
    """Number of points that puts ENOUGH of them into the length of a feature, in words."""
    need, count = points * (ENOUGH / inside) ** dim, points
    while count < need:
        count *= 2
    return (
        f"points={count} or more would see it"
        if count <= MOST
        else "it is a jump to them; smooth it, or use Interface"
    )
