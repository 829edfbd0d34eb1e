"""Conditions on fresh points, from the user's own values; and the observations.

The size that a violation is measured against is what the condition would read if the solution were any other
function of its size: the data (the condition at u = 0), or the condition's own terms with the channels of
random points of the domain in place of those of its sites, whichever is larger.  So u = 0 on a wall is
measured by u inside, and du/dn = 0 by the slopes inside.

A condition that is exact by construction must hold to rounding.  A weighted one may be missed by what
training left, which its training points tell as well; missed by a large part of its size it is no condition.

Where the values of two conditions jump one of them is missed; places near to it are left out.

A wall that has the domain on both sides is a seam where the nodes of a mesh lie twice.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..problems import Sites, Term
from ..problems.fields import Field
from .findings import Finding
from .state import State, rms, times

POINTS = 512  # of each condition
EXACT = 1e-4  # of the size: more is no rounding
MISSED = 0.2  # of the size: a weighted condition that does not hold
MUCH = 5.0  # ratio of a violation on fresh points to that in training
COUNTS = 0.02  # of the size: one that is seen in the solution
ASIDE = 1e-6  # of the extent: a step across a wall
CHI = 2.0  # standard deviations of the data


def check(state: State, sites: Mapping[str, Sites]) -> tuple[list[Finding], dict[str, float]]:
    """Judge the conditions.

    Args:
        state: The trained function.
        sites: The points of training, by term.

    Returns:
        Objections, and the figures of `Audit`.
    """
    found: list[Finding] = []
    worst = 0.0
    problem = state.problem
    for condition, term in zip(problem.conditions, problem.condition_terms, strict=True):
        fresh = _away(state, term.sites(POINTS, state.generator, "uniform"))
        rows = rows_of(state, term, fresh)
        if (data := condition.measurements()) is not None:
            found += _data(data.noise, term.name, rows, fresh)
            continue
        size = _sizes(state, term, fresh).clamp(min=torch.finfo(torch.float64).tiny)
        violated = rms(rows) / size
        worst = max(worst, float(violated.max()))
        trained = None
        if term.name in sites:
            counts = float(violated.max()) > COUNTS
            trained = rms(rows_of(state, term, _away(state, sites[term.name]))) / size if counts else violated
        found += _judged(term.name, violated, trained, state, fresh, rows)
    found += _seam(state)
    return found, {"condition": worst}


def _judged(
    name: str, violated: Tensor, trained: Tensor | None, state: State, fresh: Sites, rows: Tensor
) -> list[Finding]:
    k = int(violated.argmax())
    value = float(violated[k])
    figures = {"violated": value}
    where = state.where(fresh.points[: rows.shape[1]][rows[k].abs().argmax()])
    if not torch.isfinite(rows).all():
        return [Finding("condition", f"{name} gives NaN or infinity on fresh points", {})]
    if trained is None:
        if value <= EXACT:
            return []
        words = (
            f"{name} is built in as exact and yet missed by {times(value)} of its size (most at {where}): "
            "give it hard=False"
        )
        return [Finding("condition", words, figures)]
    if value > MISSED:
        words = f"{name} is missed by {times(value)} of the solution's size (most at {where})"
        return [Finding("condition", f"{words}: the solution does not satisfy it", figures)]
    ratio = value / max(float(trained[k]), 1e-300)
    if value > COUNTS and ratio > MUCH:
        words = (
            f"{name} is missed {times(ratio)} times as much on fresh points as where it was trained, by "
            f"{times(value)} of its size (most at {where}): give more condition_points"
        )
        return [Finding("condition", words, {**figures, "ratio": ratio})]
    return []


def _away(state: State, sites: Sites) -> Sites:
    """The sites that are not near a jump of the prescribed values; all where none would be left."""
    near = state.problem.jumps.near(sites.points).unflatten(0, (sites.fold, -1)).any(0)
    return sites.of((~near).nonzero()[:, 0]) if near.any() and not near.all() else sites


def _needs(term: Term) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, index) for name, found in term.needs.items() for index in found]


def rows_of(state: State, term: Term, sites: Sites) -> Tensor:
    """Residuals of a condition at its sites, [rows, N]."""
    with torch.no_grad():
        double = Sites(
            sites.points.double().cpu(),
            None if sites.normals is None else sites.normals.double().cpu(),
            None if sites.values is None else sites.values.double().cpu(),
            sites.fold,
        )
        return _read(state, term, double, state.fields(state.channels(double.points, _needs(term))))


def _read(state: State, term: Term, sites: Sites, fields: Mapping[str, Field]) -> Tensor:
    rows = term.residual(fields, sites, state.parameters)
    n = len(sites.points) // sites.fold
    return torch.stack([row.double().expand(n) for row in rows])


def _sizes(state: State, term: Term, sites: Sites) -> Tensor:
    """Scale of each row, against which a violation is measured, [rows]."""
    needs = _needs(term)
    with torch.no_grad():
        zero = {key: torch.zeros(len(sites.points), dtype=torch.float64) for key in needs}
        data = _read(state, term, sites, state.fields(zero))
        pick = torch.randint(len(state.interior), (len(sites.points),), generator=state.generator)
        inner = {key: state.everything[key][pick] for key in needs}
        terms = _read(state, term, sites, state.fields(inner)) - data
    return torch.maximum(rms(data), rms(terms))


def _data(sigma: float | None, name: str, rows: Tensor, sites: Sites) -> list[Finding]:
    """Observations of known noise: missed by far more than it."""
    if sigma is None:
        return []
    chi = float(rms(rows[0])) / sigma
    if chi < CHI or rows.shape[1] < 8:
        return []
    words = (
        f"{name} are missed by {times(chi)} standard deviations of their noise: the equation does not hold "
        "for them, or the run has not reached them"
    )
    return [Finding("data", words, {"chi": chi})]


def _seam(state: State) -> list[Finding]:
    """Walls that have the domain on both sides."""
    domain = state.problem.domain
    if not domain.spatial_faces:
        return []
    drawn = domain.boundary(POINTS, state.generator, on=domain.spatial_faces)
    across = domain.inside(drawn.points + ASIDE * state.extent.max() * drawn.normals)
    beyond = domain.inside(drawn.points + 10 * ASIDE * state.extent.max() * drawn.normals)
    both = across & beyond
    if int(both.sum()) < 3:
        return []
    at = state.where(drawn.points[both][0])
    face = drawn.tags[int(drawn.index[both][0])]
    share = float(both.double().mean())
    words = (
        f"the wall {face!r} has the domain on both sides, as at {at} ({share:.0%} of the boundary): if "
        "nodes of a mesh lie there twice, merge them"
    )
    return [Finding("geometry", words, {"share": share})]
