"""Continuity between windows in time, as more terms of the error equation.

Between the windows [t_0, t_1], [t_1, t_2], ... the joined function u jumps by what training left of the
continuity, and an error of the jump's size is carried on from there.  As the solution is continuous, so is
u + e:

    e(t_k+) - e(t_k-) = -(u(t_k+) - u(t_k-)),

and the same for the velocity where it is given at the start.  So that features can jump there, and nowhere
else, one of their inputs is the number of the window.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from ..networks.time_windows import WindowedModel, time_of
from ..problems import Sites, Term
from ..problems.conditions.base import Fields, Known
from ..problems.term import Trace


def window_number(model: WindowedModel) -> Callable[[Tensor], Tensor]:
    """The number of the window of points [N, dim], scaled to [-1, 1], [N]."""
    axis = model.problem.domain.names.index(time_of(model.problem).names[0])
    edges = torch.tensor(model.edges, dtype=torch.float64)

    def column(points: Tensor) -> Tensor:
        number = torch.bucketize(points[:, axis].detach().contiguous(), edges)
        return 2.0 * number / len(edges) - 1 + 0 * points[:, axis]  # flat, and differentiable so

    return column


def continuity(model: WindowedModel) -> list[Term]:
    """The terms of all places where windows meet."""
    return [_at(model, edge) for edge in model.edges]


def _at(model: WindowedModel, edge: float) -> Term:
    domain, time = model.problem.domain, time_of(model.problem)
    axis = domain.names.index(time.names[0])
    given = [p for c in model.problem.conditions if (p := c.prescribed()) is not None]
    starts = [p for p in given if p.start]
    known = {(p.unknown, 0) for p in starts if p.value is not None}
    known |= {(p.unknown, 1) for p in starts if p.rate is not None}
    pairs = sorted(known) or [(name, 0) for name in model.problem.unknown_names]

    def sites(n: int, generator: Generator, sampler: str) -> Sites:
        before = domain.boundary(n, generator, on=time.faces[0], sampler=sampler).points.clone()
        after = before.clone()
        before[:, axis] = edge
        after[:, axis] = math.nextafter(edge, math.inf)  # belongs to the next window
        return Sites(torch.cat([before, after]), fold=2)

    def residual(fields: Fields, sites: Sites, known: Known) -> tuple[Tensor, ...]:
        out = []
        for name, order in pairs:
            before, after = fields[name].d(*(time.names[0],) * order).value.chunk(2)
            out.append(after - before)
        return tuple(out)

    needs = {
        name: tuple((axis,) * order for other, order in pairs if other == name)
        for name in dict.fromkeys(name for name, _ in pairs)
    }
    return Term(f"continuity at {time.names[0]}={edge:.4g}", 1.0, Trace(len(pairs), needs), sites, residual)
