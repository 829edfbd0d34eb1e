"""Whether the derivatives of a trained model are those of its values: kinks, jumps, and derivatives that lie.

An equation is tested at points, and what happens between them is not seen: a function that is built from a
hat has u_xx = 0 at every point, and one whose derivative autograd does not know has u_x = 0.  The fundamental
theorem of calculus sees both.  On every cell [a, a + h] of a line along coordinate i

    D_b u(a + h) - D_b u(a) = integral over the cell of D_b,i u,

for each derivative D_b,i u that the equation reads, with two Gauss points for the integral.  Where the
functions are smooth the two sides agree to O(h^5), so that halving a cell takes its defect down by 16 and
more; a jump of D_b u stays as it is.  Cells with the largest defects are halved until that is clear.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from .linearised import fields_of
from .model import Model
from .problems.fields import MultiIndex, spell
from .problems.singular import channels_of
from .taylor import Channels
from .windows import Joined, time_of

LINES = 3  # along each coordinate
CELLS = 300  # of a line
WORST = 4  # cells that are halved, of each derivative
HALVINGS = 10
TOLERANCE = 1e-3  # of the variation along the line
ASIDE = 1e-9  # from the faces, of the extent
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
    found: Defect | None = None
    for axis in range(problem.domain.dim):
        pairs = [
            (j, index)
            for j, name in enumerate(problem.unknown_names)
            for index in Channels(needs[name]).indices
            if axis in index
        ]
        if pairs:
            defect = _along_axis(model, axis, pairs, generator)
            if defect is not None and (found is None or defect.size > found.size):
                found = defect
    return found


Pair = tuple[int, MultiIndex]  # an unknown, and a derivative of it along the axis that the equation reads


def _along_axis(
    model: Model | Joined, axis: int, pairs: Sequence[Pair], generator: Generator
) -> Defect | None:
    """The largest defect on lines along one coordinate."""
    names, domain = model.problem.domain.names, model.problem.domain
    lower, upper = domain.bounds[:, axis].tolist()
    base = domain.interior(LINES, generator)
    nodes = _nodes(lower, upper, generator).to(base)
    start = base.repeat_interleave(CELLS, 0)
    start[:, axis] = nodes[:-1].repeat(LINES)
    size = nodes.diff().repeat(LINES)
    used = domain.inside(start) & domain.inside(_shifted(start, axis, size))
    if isinstance(model, Joined) and axis == names.index(time_of(model.problem).names[0]):
        for edge in model.edges:  # there u may jump by the misfit of the windows, which is known
            used &= (start[:, axis] > edge) | (start[:, axis] + size < edge)
    line = torch.arange(LINES).repeat_interleave(CELLS)[used]
    start, size = start[used], size[used]
    if not len(start):
        return None
    defects, values = _defects(model, start, size, axis, pairs)
    defects = torch.nan_to_num(defects, nan=0.0, posinf=0.0)
    # Of a whole line, not of a cell; and rounding is no defect of a constant.
    variation = torch.stack([_variation(values[:, line == k]) for k in range(LINES)])
    floor = 1e-9 * torch.nan_to_num(values).abs().amax(1) * math.sqrt(CELLS)
    unit = (variation.amax(0) + floor).clamp_min(1e-300)
    relative = defects / unit[:, None]
    suspects = [k for k in range(len(pairs)) if float(relative[k].max()) > TOLERANCE]
    if not suspects:
        return None
    cells = torch.cat([relative[k].topk(min(WORST, len(start))).indices for k in suspects]).unique()
    start, size = start[cells], size[cells]
    pairs, unit = [pairs[k] for k in suspects], unit[suspects]
    for _ in range(HALVINGS):
        start = torch.cat([start, _shifted(start, axis, size / 2)])
        size = torch.cat([size / 2, size / 2])
        relative = _defects(model, start, size, axis, pairs)[0] / unit[:, None]
        kept = torch.cat([row.topk(min(WORST, len(start))).indices for row in relative]).unique()
        start, size, relative = start[kept], size[kept], relative[:, kept]
    worst = int(relative.amax(1).argmax())
    share, cell = float(relative[worst].max()), int(relative[worst].argmax())
    if not share > TOLERANCE:
        return None
    j, index = pairs[worst]
    name, lesser = model.problem.unknown_names[j], spell(_without(index, axis), names)
    return Defect(
        f"{name}.{lesser}" if lesser else name,
        f"{name}.{spell(index, names)}",
        f"{names[axis]} = {float(start[cell, axis]):.4g}",
        share,
    )


def _nodes(lower: float, upper: float, generator: Generator) -> Tensor:
    """The ends of the cells of a line, [CELLS + 1].

    Not even, and not on the faces: where data jump, their value at the very place is of no account, and
    places such as 0.7 would be met by accident of decimals.
    """
    jitter = 0.4 * (torch.rand(CELLS + 1, generator=generator, dtype=torch.float64) - 0.5)
    share = (torch.arange(CELLS + 1, dtype=torch.float64) + jitter) / CELLS
    return lower + (upper - lower) * share.clamp(ASIDE, 1 - ASIDE)


def _variation(values: Tensor) -> Tensor:
    """The sum of all changes along a line, [pairs]."""
    return torch.nan_to_num(values).diff(dim=1).abs().sum(1)


def _without(index: MultiIndex, axis: int) -> MultiIndex:
    """The derivative of one order less along an axis."""
    at = index.index(axis)
    return index[:at] + index[at + 1 :]


def _shifted(points: Tensor, axis: int, by: Tensor) -> Tensor:
    out = points.clone()
    out[:, axis] += by
    return out


def _defects(
    model: Model | Joined, start: Tensor, size: Tensor, axis: int, pairs: Sequence[Pair]
) -> tuple[Tensor, Tensor]:
    """For each derivative the defects of the cells, and the values at their starts: [pairs, cells]."""
    channels = Channels(index for _, index in pairs)
    places = [0 * size, size, (0.5 - GAUSS) * size, (0.5 + GAUSS) * size]
    points = torch.cat([_shifted(start, axis, p) for p in places])
    found = fields_of(model, points, channels)
    known = channels_of(model.problem.singular, points, channels.indices)
    if known is not None:  # its kinks solve the equation
        found = found - torch.stack(known)
    defects, values = [], []
    for j, index in pairs:
        left, right, _, _ = found[j, channels.position[_without(index, axis)]].chunk(4)
        _, _, first, second = found[j, channels.position[index]].chunk(4)
        defects.append((right - left - size * (first + second) / 2).abs())
        values.append(left)
    return torch.stack(defects), torch.stack(values)
