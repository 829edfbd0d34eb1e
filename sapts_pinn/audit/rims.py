r"""The error that begins where the initial values meet a face, in a corner that training points do not see.

Initial values whose derivatives do not fit the boundary conditions, such as a kink across the seam of a
periodic coordinate, cost every smooth function a residual of order one in a corner which is a thousandth of
the extent wide and shorter still in time.  Its mean square is nothing, and yet it moves the solution: with a
first derivative in time, dF/du_t e_t + ... = -r, by

    e(x) = integral of |r / (dF/du_t)| dt,   t from the start,

after which e is carried on.  Lines in time at distances d from the faces, uniform in log d, and points on
them uniform in log t give the mean square of e over space.  Faces count like those of a box: two for each
coordinate.  That e neither grows nor fades afterwards is a guess: a figure of the right order, no bound.

Equations without a first derivative in time are left out: a short residual only changes the velocity there.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .state import State

LINES, NODES = 192, 24  # in time, and points on each
DECADES = 6  # of distances, and of times
THIN, SHORT = 0.05, 0.05  # of the extent in space, and in time: beyond that, the points of training see it


def check(state: State) -> dict[str, float]:
    """Measure the relative L2 error from such corners, `at_rims`; nothing for a domain without a start."""
    domain = state.problem.domain
    start = next((f for f in domain.factors() if f.is_time), None)
    faces = [] if start is None else [f for f in domain.faces if f not in start.faces]
    if start is None or not faces:
        return {}
    time = domain.names.index(start.names[0])
    drawn = domain.boundary(LINES, state.generator, on=faces)
    depth = THIN * 10 ** (-DECADES * torch.rand(len(drawn.points), generator=state.generator).double())
    at = drawn.points.double() - depth[:, None] * state.extent * drawn.normals
    late = SHORT * torch.logspace(-DECADES, 0, NODES, dtype=torch.float64)
    points = at[:, None].repeat(1, NODES, 1)
    points[..., time] = state.lower[time] + late * state.extent[time]
    kept = domain.inside(points[:, -1]) & ~state.problem.jumps.near(points[:, 0])
    if not kept.any():
        return {}
    moved = _moved(state, points[kept], time, late)
    # Drawn with density 1 / (d log 10 DECADES) beside each of two faces a coordinate.
    spread = 2 * (domain.dim - 1) * DECADES * math.log(10) / len(depth)
    square = spread * (depth[kept] * moved.square()).sum(1)
    size = torch.tensor([state.sizes[name] for name in state.problem.unknown_names]).to(square)
    known = size > 0
    return {"at_rims": float((square[known] / size[known].square()).max().sqrt()) if known.any() else 0.0}


def covers(state: State, point: Tensor) -> bool:
    """True where `check` sees the residual at a point [dim]: near a face, soon after the start."""
    domain = state.problem.domain
    start = next((f for f in domain.factors() if f.is_time), None)
    if start is None or not any(index == (domain.names.index(start.names[0]),) for _, index in state.needs):
        return False
    time = domain.names.index(start.names[0])
    if point[time] > state.lower[time] + SHORT * state.extent[time]:
        return False
    steps = THIN * torch.diag(state.extent)[[axis for axis in range(domain.dim) if axis != time]]
    return not bool(domain.inside(torch.cat([point + steps, point - steps])).all())


def _moved(state: State, points: Tensor, time: int, late: Tensor) -> Tensor:
    """Integrate |r / (dF/du_t)| over time for each unknown, [m, lines], from points [lines, nodes, dim]."""
    lines, nodes, dim = points.shape
    flat = points.reshape(-1, dim)
    residual = state.taken_apart(flat, state.around(flat)).residual
    weight = late * state.extent[time] * (math.log(10) * DECADES / (nodes - 1))  # dt = t d log t
    weight[[0, -1]] *= 0.5
    names = state.problem.unknown_names
    out = torch.zeros(len(names), lines, dtype=torch.float64)
    for j, name in enumerate(names):
        if (name, (time,)) not in state.needs:
            continue
        pull = state.terms.slopes[:, state.needs.index((name, (time,)))].abs().median(-1).values  # [K]
        for k in pull.nonzero()[:, 0].tolist():
            rate = torch.nan_to_num(residual[k], posinf=0.0, neginf=0.0).abs() / pull[k]
            out[j] += (rate.view(lines, nodes) * weight).sum(1)
    return out
