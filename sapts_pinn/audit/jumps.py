"""The error near places where prescribed values jump, as where a hot wall meets a cold start.

No network is right there, and the question is how far around.  At the distance d from the jump, let q be the
residual over the largest term of the equation at the same point, and m what the conditions are missed by on
their faces.  Where q = 1 the terms do not cancel at all and the error is about the jump; m falls towards the
other face, about linearly.  So the error at d is about

    e(d)^2 = (q |jump|)^2 + m^2 / 3,

and its square is summed up to `problems.jumps.ZONE`.  Beyond that the error estimate sees for itself.

An error that the jump makes begins at the jump: where the terms cancel close by, as a known part of the
ansatz makes them do, a residual farther out is of the usual kind and says nothing about the jump.  So q at d
is the smallest of its mean squares, by half decades, from the jump to d.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..problems.jumps import ZONE
from .conditions import rows_of
from .state import State

POINTS = 2_000  # of the equation near jumps
DECADES = 5  # of their distances
SITES = 16_384  # of a condition on all of its faces
VOLUME = 65_536  # points that tell how large the surroundings are


def check(state: State) -> dict[str, float]:
    """Measure the relative L2 error near jumps, `around_jumps`; nothing where there are none."""
    jumps = state.problem.jumps
    if not len(jumps.places):
        return {}
    everywhere = state.problem.domain.interior(VOLUME, state.generator)
    volume = float(jumps.near(everywhere).double().mean())
    unbalanced, square = _unbalanced(state), 0.0
    for name, jump in jumps.sizes.items():
        size = max(state.sizes[name], 0.1 * jump)  # a solution may be frozen at zero
        square += (jump**2 * unbalanced + _missed(state, name)) / size**2
    return {"around_jumps": (volume * square) ** 0.5}


def _unbalanced(state: State) -> float:
    """Mean of q^2 near the jumps."""
    places, generator = state.problem.jumps.places, state.generator
    at = places[torch.randint(len(places), (POINTS,), generator=generator)]
    direction = 2 * torch.rand(at.shape, generator=generator, dtype=torch.float64) - 1
    depth = 10 ** (-DECADES * torch.rand(POINTS, generator=generator, dtype=torch.float64))
    unit = direction / direction.abs().amax(1, keepdim=True)
    points = at + ZONE * depth[:, None] * unit * state.extent
    inside = state.problem.domain.inside(points)
    if not inside.any():
        return 0.0
    points, depth = points[inside], depth[inside]
    terms = state.taken_apart(points, state.around(points))
    q = (terms.residual.abs() / terms.largest.clamp(min=1e-300)).amax(0).clamp(max=1.0)
    least = _from_the_jump_on(q.square(), depth)
    # What lies within d grows like d^2; the distances were drawn with density 1 / (d log 10 DECADES).
    return float((2 * DECADES * 2.302585 * depth.square() * least).mean())


def _from_the_jump_on(square: Tensor, depth: Tensor) -> Tensor:
    """For each point the smallest of the means by half decades of the distance up to its own, [N]."""
    decade = (-2 * depth.log10()).floor().clamp(0, 2 * DECADES - 1).long()  # 0 is the farthest
    count = torch.bincount(decade, minlength=2 * DECADES)
    mean = torch.bincount(decade, square, minlength=2 * DECADES) / count.clamp(min=1)
    mean = torch.where(count > 0, mean, torch.inf).flip(0).cummin(0).values.flip(0)
    return mean[decade]


def _missed(state: State, unknown: str) -> float:
    """Mean of m^2 / 3 near the jumps of an unknown, in the square of its unit."""
    problem, out = state.problem, 0.0
    for condition, term in zip(problem.conditions, problem.condition_terms, strict=True):
        given = condition.prescribed()
        if given is None or given.unknown != unknown or given.value is None:
            continue
        sites = term.sites(SITES, state.generator, "uniform")
        sites = sites.of(problem.jumps.near(sites.points).nonzero()[:, 0])
        if not len(sites.points):
            continue
        m: Tensor = rows_of(state, term, sites)[0]
        depth = problem.jumps.distance(sites.points) / ZONE
        out += float((2 * depth * m.square()).mean()) / 3
    return out
