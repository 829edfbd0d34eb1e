r"""The residual where training did not look: between the points, beside the faces, around its largest values.

Sizes are relative to the terms of the equation, T = rms over the domain of the largest term of the row, so
that |r| / T = 1 means that the terms do not cancel at all: nothing has been solved.

A layer.  Points p = b - d n at distances d that are uniform in log d, from a face point b with the inward
normal -n, give the integral of |r| along the normal decade by decade.  A false steady state is the typical
case: the values start as they must, jump to another solution of the steady equation within a time delta, and
satisfy the equation ever after.  Then r ~ U / delta in the layer, its integral over time is U, as large as
that of u_t in the layer, and a uniform sample hits the layer with probability delta / T only.  What is
compared is the integral over the layer with that of the residual everywhere else, and with that of T.

The integral over time is set against the size of the solution instead: integral |r| dt / |dF/du_t| is by how
much u may jump.

A spike.  Clouds of points of shrinking radius climb to local maxima; the cloud of half-width rho (of the
extent, in dim coordinates) gives the share mean(r^2) (2 rho)^dim of the mean square of the residual.

A pole.  Where the largest coefficient |dF/dq_c| grows without bound towards the places where the residual is,
as 1 / sin^2 theta does, mean squares are ruled by these places: the equation has to be multiplied by what
takes the pole away.  The order p of the pole is the slope of log |dF/dq| against log d beside the face.

A jump of the prescribed values, as where a hot wall meets a cold start, causes terms and a residual without
bound.  Nearby, T is the largest term at the point itself where that is more, and within `problems.jumps.ZONE`
the residual is left out of all this (`jumps.py` looks there).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..problems.jumps import ZONE
from . import rims
from .findings import Finding
from .state import State, Terms, rms, times

NEAR = 768  # points beside all faces together
DECADES = 6  # of distances from the face
THIN = 0.05  # of the extent: distances that count as a layer
CLOUDS, CLOUD, ROUNDS = 6, 40, 6  # climbs, points and radii of each
MUCH = 3.0  # ratio of the residual on fresh points to that in training
COUNTS = 0.03  # of the terms: a residual that is seen in the solution
UNSOLVED = 0.5  # of the terms: one that has solved nothing
DISAGREES = 0.1  # of the terms: one that measurements have caused, or a run too short
NEARBY = 0.25  # of the extent: around a jump of the prescribed values, where its terms are large
POLE = 30.0  # coefficient over its median where it counts as a pole


@dataclass(frozen=True)
class Beside:
    """Points [N, dim] beside a face, distances over the extent [N], residual [K, N], coefficient [N]."""

    face: str
    points: Tensor
    distance: Tensor
    residual: Tensor
    coefficient: Tensor


def check(state: State, points: Tensor) -> tuple[list[Finding], dict[str, float]]:
    """Judge the residual.

    Args:
        state: The trained function.
        points: Where it was trained, [N, dim].

    Returns:
        Objections, and the figures of `Audit`.
    """
    scale = state.scale.clamp(min=torch.finfo(torch.float64).tiny)[:, None]
    fresh = _over_terms(state, scale, state.interior, state.terms)
    trained = _relative(state, scale, points[~state.problem.jumps.near(points)])
    relative = rms(fresh)
    row = int(relative.argmax())
    beside = _beside(state, scale)
    known = torch.cat([state.interior, *(b.points for b in beside), state.breaks])
    values = torch.cat([fresh, *(b.residual for b in beside), _relative(state, scale, state.breaks)], 1)
    clouds = _Clouds(state, scale, known, values)
    figures = {
        "relative_residual": float(relative[row]),
        "train_residual": float(rms((trained * scale).reshape(-1))),
        "test_residual": float(rms((fresh * scale).reshape(-1))),
        "points": float(len(known) + clouds.count),
    }
    found = [f for f in (_not_finite(state, known, values),) if f]
    layers = _layer(state, beside, fresh)
    pole = _pole(state, beside, fresh, trained)
    if pole is not None:
        return [*found, pole], figures
    found += layers
    if not layers:
        found += _sampling(state, fresh, trained, clouds)
    return [*found, *_unsolved(state, float(relative[row]))], figures


def _relative(state: State, scale: Tensor, points: Tensor) -> Tensor:
    """The residual over the terms of the equation at points, [K, N]."""
    if not len(state.problem.jumps.places):
        return state.residual(points) / scale
    terms = state.taken_apart(points, state.around(points))
    return _over_terms(state, scale, points, terms)


def _over_terms(state: State, scale: Tensor, points: Tensor, terms: Terms) -> Tensor:
    """The residual over the terms, where the equation has been taken apart before, [K, N]."""
    distance = state.problem.jumps.distance(points)
    over = torch.where(distance < NEARBY, torch.maximum(scale, terms.largest), scale)
    return torch.where(distance > ZONE, terms.residual / over, 0.0)


def _unsolved(state: State, relative: float) -> list[Finding]:
    """A residual as large as the terms, or bent by measurements of unknown noise."""
    size = f"{times(relative)} of the largest"
    if relative > UNSOLVED:
        unsolved = f"the equation's terms do not balance yet (the residual is {size})"
        words = f"{unsolved}: a longer run goes on from here"
        return [Finding("residual", words, {"relative": relative})]
    measured = [c.measurements() for c in state.problem.conditions]
    if relative > DISAGREES and any(data is not None and data.noise is None for data in measured):
        words = (
            f"measurements and equation disagree (the residual of the equation is {size} of its terms): if "
            "the measurements are noisy, give their noise= or a smaller weight=, else train longer"
        )
        return [Finding("data", words, {"relative": relative})]
    return []


def _not_finite(state: State, points: Tensor, values: Tensor) -> Finding | None:
    bad = ~torch.isfinite(values).all(0)
    if not bad.any():
        return None
    return Finding(
        "singular",
        f"the equation gives NaN or infinity at {state.where(points[bad][0])}, inside the domain: multiply "
        "it by what takes the pole away",
        {"share": float(bad.double().mean())},
    )


def _beside(state: State, scale: Tensor) -> list[Beside]:
    """Points beside each face at distances uniform in the logarithm."""
    domain, generator = state.problem.domain, state.generator
    count = min(NEAR, state.count)
    drawn = [domain.boundary(max(count // len(domain.faces), 48), generator, on=f) for f in domain.faces]
    at, normals = torch.cat([d.points for d in drawn]), torch.cat([d.normals for d in drawn])
    face = torch.repeat_interleave(torch.arange(len(drawn)), torch.tensor([len(d.points) for d in drawn]))
    depth = 10 ** (-DECADES * torch.rand(len(at), generator=generator, dtype=torch.float64))
    points = at - (depth[:, None] * state.extent) * normals
    inside = domain.inside(points)
    points, depth, face = points[inside], depth[inside], face[inside]
    terms = state.taken_apart(points, state.around(points))
    coefficient = (terms.slopes / _usual(state)[:, :, None]).abs().amax((0, 1))
    residual = _over_terms(state, scale, points, terms)
    out = []
    for k, name in enumerate(domain.faces):
        of = face == k
        out.append(Beside(name, points[of], depth[of], residual[:, of], coefficient[of]))
    return out


def _usual(state: State) -> Tensor:
    """The median of each coefficient over the domain, [K, C]; infinite where it is zero."""
    median = state.terms.slopes.abs().median(-1).values
    return torch.where(median > 0, median, torch.inf)


def _layer(state: State, beside: list[Beside], fresh: Tensor) -> list[Finding]:
    """A residual that is concentrated in a layer at a face."""
    worst: tuple[float, float, str, Tensor] | None = None
    for b in beside:
        thin = b.distance < THIN
        if thin.sum() < 16:
            continue
        # The integral over d of |r|, drawn with density 1 / (d log 10 DECADES).
        weight = b.distance * (DECADES * 2.302585)
        weighted = torch.nan_to_num(b.residual[:, thin].abs(), posinf=0.0) * weight[thin]
        jumps = _jumps(state, b.face)
        inside = jumps * weighted.sum(1) / len(b.distance)
        for k in range(len(inside)):
            order = weighted[k].argsort(descending=True)
            spread = float(weighted[k].sum() / weighted[k][order[0]].clamp(min=1e-300))
            if spread > 6 and (worst is None or float(inside[k]) > worst[0]):
                middle = b.distance[thin][order[: max(len(order) // 10, 4)]].median()
                worst = (float(inside[k]), float(jumps[k] * _bulk(state, b.face, fresh[k])), b.face, middle)
    if worst is None or worst[0] < COUNTS or worst[0] < MUCH * worst[1]:
        return []
    inside_, _, face, width = worst
    timed = _timed_face(state, face)
    cure = "train in windows of time (windows=), or with more points" if timed else "take more points there"
    return [
        Finding(
            "layer",
            f"the residual sits in a layer at {face}, {float(width):.0e} of the extent thick, where few "
            f"points are: across it the solution may jump, by {inside_:.0%} of its size: "
            f"{cure}",
            {"integral": inside_, "bulk": worst[1], "width": float(width)},
        )
    ]


def _jumps(state: State, face: str) -> Tensor:
    """The jump of the solution, over its size, for an integral of one of the scaled residual, [K]."""
    out = torch.ones(len(state.scale), dtype=torch.float64)
    axes = [i for i in range(len(state.extent)) if _timed_face(state, face) and _pinned(state, face, i)]
    for i in axes:
        usual = state.terms.slopes.abs().median(-1).values  # [K, C]
        pull = torch.zeros_like(out)
        for c, (name, index) in enumerate(state.needs):
            if index == (i,):
                pull = torch.maximum(pull, usual[:, c] * state.sizes[name])
        there = pull > 0
        out = torch.where(there, state.scale * state.extent[i] / pull.clamp(min=1e-300), out)
    return out


def _timed_face(state: State, face: str) -> bool:
    return any(face in f.faces and f.is_time for f in state.problem.domain.factors())


def _bulk(state: State, face: str, fresh: Tensor) -> Tensor:
    """Mean |r| away from a face."""
    axes = [i for i in range(len(state.extent)) if _pinned(state, face, i)]
    points = (state.interior - state.lower) / state.extent
    away = torch.ones(len(points), dtype=torch.bool)
    for i in axes:
        away &= (points[:, i] > THIN) & (points[:, i] < 1 - THIN)
    kept = fresh[away] if away.any() else fresh
    return torch.nan_to_num(kept.abs(), posinf=0.0).mean()


def _pinned(state: State, face: str, axis: int) -> bool:
    """True for a face that belongs to the factor of a coordinate."""
    factor = next(f for f in state.problem.domain.factors() if state.problem.domain.names[axis] in f.names)
    return face in factor.faces


def _pole(state: State, beside: list[Beside], fresh: Tensor, trained: Tensor) -> Finding | None:
    """A residual that sits where a coefficient grows without bound."""
    inner = (state.terms.slopes / _usual(state)[:, :, None]).abs().amax((0, 1))
    square = torch.nan_to_num(fresh, posinf=0.0).square().sum(0)
    high = inner > POLE
    share = float(square[high].sum() / square.sum().clamp(min=1e-300))
    if share < 0.5 or float(high.double().mean()) > 0.3:
        return None
    orders = {b.face: _order(b) for b in beside}
    face = max(orders, key=lambda f: orders[f])
    if orders[face] < 0.5:
        return None
    order = round(orders[face])
    return Finding(
        "singular",
        f"a coefficient of the equation grows without bound towards {face} (like 1/d^{max(order, 1)} at the "
        f"distance d), and {share:.0%} of the squared residual lies there: multiply the equation by what "
        "takes the pole away (such as sin^2 of an angle, or the square of a radius)",
        {"share": share, "order": orders[face]},
    )


def _order(b: Beside) -> float:
    """The order of a coefficient's pole at a face: minus the slope of its logarithm."""
    kept = (b.coefficient > 0) & torch.isfinite(b.coefficient) & (b.distance < THIN)
    if kept.sum() < 16:
        return 0.0
    x, y = b.distance[kept].log(), b.coefficient[kept].log()
    x, y = x - x.mean(), y - y.mean()
    return -float((x * y).sum() / x.square().sum())


class _Clouds:
    """Clouds of points of shrinking radius around the largest residuals.

    Attributes:
        count: Points evaluated.
        square: The largest share of a cloud in the mean square of the residual (see above), over all rows.
        largest: The largest residual.
        at: Where.
    """

    def __init__(self, state: State, scale: Tensor, points: Tensor, values: Tensor) -> None:
        size = torch.nan_to_num(values, posinf=0.0, neginf=0.0).abs().amax(0)
        self.count, self.square = 0, 0.0
        centres = points[size.argsort(descending=True)[:CLOUDS]]
        self.largest, self.at = float(size.max()), points[size.argmax()]
        radius, dim = 0.02, points.shape[1]
        for _ in range(ROUNDS):
            steps = (
                2 * torch.rand(len(centres), CLOUD, dim, generator=state.generator, dtype=torch.float64) - 1
            )
            steps[:, 0] = 0.0  # the best so far
            cloud = (centres[:, None] + radius * steps * state.extent).reshape(-1, dim)
            inside = state.problem.domain.inside(cloud)
            r = torch.zeros(len(scale), len(cloud), dtype=torch.float64)
            if inside.any():
                r[:, inside] = torch.nan_to_num(
                    _relative(state, scale, cloud[inside]), posinf=0.0, neginf=0.0
                )
            self.count += int(inside.sum())
            grouped = r.reshape(len(scale), len(centres), CLOUD)
            share = (2 * radius) ** dim
            self.square = max(self.square, share * float(grouped.square().mean(-1).sum(0).max()))
            size, pick = grouped.abs().amax(0).max(1)
            centres = cloud.reshape(len(centres), CLOUD, dim)[torch.arange(len(centres)), pick]
            if float(size.max()) > self.largest:
                self.largest, self.at = float(size.max()), centres[size.argmax()]
            radius *= 0.25


def _timed(state: State) -> bool:
    """True for a domain with a time and a space."""
    return state.problem.domain.dim > 1 and any(f.is_time for f in state.problem.domain.factors())


def _sampling(state: State, fresh: Tensor, trained: Tensor, clouds: _Clouds) -> list[Finding]:
    """A residual that is larger on fresh points, or has a spike between them."""
    uniform, train = float(rms(fresh.reshape(-1))), float(rms(trained.reshape(-1)))
    spike = clouds.square**0.5
    more = "more points, or windows of time (windows=)" if _timed(state) else "more points"
    test = max(uniform, spike)
    if test < MUCH * train or test < COUNTS:
        return []
    if spike > 2 * uniform:
        where = (
            f"a spike of the residual at {state.where(clouds.at)}, {times(clouds.largest)} of the terms high"
        )
        return [
            Finding(
                "sampling",
                f"{where}, lies between the points: take {more}",
                # What a spike beside the start and a face has moved is known better, by `rims.py`.
                {"spike": 0.0 if rims.covers(state, clouds.at) else spike, "train": train},
            )
        ]
    return [
        Finding(
            "sampling",
            f"the residual is {times(uniform / max(train, 1e-300))} times as large on fresh points as where "
            f"it was trained, and {times(uniform)} of the equation's terms: take {more}",
            {"test": uniform, "train": train},
        )
    ]
