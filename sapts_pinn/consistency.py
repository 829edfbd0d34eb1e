"""Whether the derivatives of a trained model are those of its values: kinks, jumps, and derivatives that lie.

An equation is tested at points, and what happens between them is not seen: a function that is built from a hat
has u_xx = 0 at every point, and one whose derivative autograd does not know has u_x = 0.  The fundamental
theorem of calculus sees both.  On every cell [a, a + h] of a line along coordinate i

    D_b u(a + h) - D_b u(a) = integral over the cell of D_b,i u,

for each derivative D_b,i u that the equation reads, with two Gauss points for the integral.  Where the
functions are smooth the two sides agree to O(h^5), so that halving a cell takes its defect down by 16 and
more; a jump of D_b u stays as it is.  Cells with the largest defects are halved until that is clear.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from .linearised import fields_of
from .model import Model
from .problems.fields import MultiIndex, spell
from .taylor import Channels
from .windows import Joined

LINES = 3  # along each coordinate
CELLS = 400  # of a line
WORST = 4  # cells of a line that are halved
HALVINGS = 10
TOLERANCE = 1e-3  # of the variation along the line
GAUSS = 0.5 / math.sqrt(3)


@dataclass(frozen=True)
class Defect:
    """A place where a derivative is not what the values say.

    Attributes:
        what: What jumps, such as "u.x".
        read: The derivative the equation reads there, such as "u.xx".
        where: The place, in words.
        size: The jump over the variation along the line.
    """

    what: str
    read: str
    where: str
    size: float

    @property
    def words(self) -> str:
        """A sentence for people."""
        return (
            f"{self.what} changes by {self.size:.0%} of its variation near {self.where}, "
            f"which {self.read} does not show"
        )


def worst_defect(model: Model | Joined, generator: Generator) -> Defect | None:
    """The largest inconsistency among all derivatives that the equation reads; None if there is none.

    Args:
        model: In float64.
        generator: Places the lines.
    """
    problem = model.problem
    needs = problem.equation_term.needs
    channels = Channels(index for indices in needs.values() for index in indices)
    lower, upper = problem.domain.bounds
    found: Defect | None = None
    for axis, coordinate in enumerate(problem.domain.names):
        pairs = [
            (j, index)
            for j, name in enumerate(problem.unknown_names)
            for index in Channels(needs[name]).indices
            if axis in index
        ]
        if not pairs:
            continue
        h = float(upper[axis] - lower[axis]) / CELLS
        for base in problem.domain.interior(LINES, generator):
            start = base.repeat(CELLS, 1)
            start[:, axis] = lower[axis] + h * torch.arange(CELLS, dtype=base.dtype)
            size = torch.full((CELLS,), h, dtype=base.dtype)
            inside = problem.domain.inside(_along(start, axis, 0 * size))
            inside &= problem.domain.inside(_along(start, axis, size))
            start, size = start[inside], size[inside]
            if not len(start):
                continue
            defects, values = _defects(model, start, size, axis, pairs, channels)
            if not bool(torch.isfinite(defects).all()):
                continue
            # Along the whole line, not in a cell: rounding is no defect of a constant.
            variation = defects.new_tensor([float(v.diff().abs().sum()) for v in values])
            variation += 1e-9 * values.abs().amax(1) * len(start) ** 0.5
            for k, (j, index) in enumerate(pairs):
                if variation[k] == 0:
                    continue
                where, defect = _halved(model, start, size, axis, (j, index), channels, defects[k])
                share = float(defect / variation[k])
                if share > TOLERANCE and (found is None or share > found.size):
                    name = problem.unknown_names[j]
                    rest = [*index]
                    rest.remove(axis)
                    lesser = spell(tuple(rest), problem.domain.names)
                    found = Defect(
                        f"{name}.{lesser}" if lesser else name,
                        f"{name}.{spell(index, problem.domain.names)}",
                        f"{coordinate} = {float(where):.4g}",
                        share,
                    )
    return found


def _along(points: Tensor, axis: int, by: Tensor) -> Tensor:
    out = points.clone()
    out[:, axis] += by
    return out


def _defects(
    model: Model | Joined,
    start: Tensor,
    size: Tensor,
    axis: int,
    pairs: list[tuple[int, MultiIndex]],
    channels: Channels,
) -> tuple[Tensor, Tensor]:
    """For each derivative the defects of the cells, and the values at their starts: [pairs, cells]."""
    places = [0 * size, size, (0.5 - GAUSS) * size, (0.5 + GAUSS) * size]
    found = fields_of(model, torch.cat([_along(start, axis, p) for p in places]), channels)
    defects, values = [], []
    for j, index in pairs:
        rest = [*index]
        rest.remove(axis)
        left, right, _, _ = found[j, channels.position[tuple(rest)]].chunk(4)
        _, _, first, second = found[j, channels.position[index]].chunk(4)
        defects.append((right - left - size * (first + second) / 2).abs())
        values.append(left)
    return torch.stack(defects), torch.stack(values)


def _halved(
    model: Model | Joined,
    start: Tensor,
    size: Tensor,
    axis: int,
    pair: tuple[int, MultiIndex],
    channels: Channels,
    defects: Tensor,
) -> tuple[Tensor, Tensor]:
    """The place and the defect that remains when the worst cells are halved again and again."""
    cells = defects.topk(min(WORST, len(defects))).indices
    start, size, defects = start[cells], size[cells], defects[cells]
    for _ in range(HALVINGS):
        start = torch.cat([start, _along(start, axis, size / 2)])
        size = torch.cat([size / 2, size / 2])
        defects = _defects(model, start, size, axis, [pair], channels)[0][0]
        cells = defects.topk(min(WORST, len(defects))).indices
        start, size, defects = start[cells], size[cells], defects[cells]
    return start[defects.argmax(), axis], defects.max()
