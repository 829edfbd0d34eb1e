r"""Is the solution of the size that the equation asks for, and is it more than the trivial one?

Scale.  What is left of row k, of size R_k, has to be balanced by a change of the unknowns.  A change of u_j
by U makes a term of size U |dF_k/dq_c| / L_c in channel c = (j, multi-index), where L_c is the product of
the lengths that the derivative divides by: those over which the residual varies, at most the extent.  So the
equation asks for a change of

    U_j = max_k R_k / max_c (|dF_k/dq_c| / L_c)

in order of magnitude, over the rows k in which u_j is the unknown that has to change least for it.  The
network inside the ansatz u = g + l N gives |l| times a number of order one. Where the residual is still a
good part of its terms, and both are orders of magnitude apart, it is the missing scale that limits the run,
and nothing else.

Trivial.  Where the equation and all conditions hold for u = 0, zero is a solution, with a loss of exactly
nothing, and the run finds it.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from ..problems.functions.branches import explore
from .conditions import _read
from .findings import Finding
from .state import State, rms, times

PROBES = 512  # points at which it is looked how fast the residual varies
NEAR = 1e-4  # of the extent: a step for that
APART = 1e3  # ratio of the size that the equation asks for to what the network gives
LEFT = 0.1  # of the terms: a residual that is still there
NOTHING = 1e-12  # of the size of the terms of a row: zero to rounding
SMALL = 1e-2  # of the size that the ansatz suggests: a solution that is nearly zero
TINY = 1e-300
POINTS = 256


def check(state: State) -> list[Finding]:
    """Judge the size of the solution."""
    return [f for f in (_trivial(state), _scale(state)) if f is not None]


def wanted(state: State) -> dict[str, tuple[float, float]]:
    """The size of the change of each unknown that would balance the residual, at least and at most.

    At least: where the change varies as fast as the residual does; at most: once over the domain.  Unknowns
    that no row holds are absent.
    """
    left, names = rms(state.terms.residual), state.problem.unknown_names
    usual = state.terms.slopes.abs().median(-1).values
    asked = []
    for lengths in (_lengths(state), state.extent.expand(len(left), -1)):
        by_unknown = []
        for name in names:
            columns = [c for c, (n, _) in enumerate(state.needs) if n == name]
            if not columns:
                by_unknown.append(torch.full_like(left, torch.inf))
                continue
            reach = torch.stack([lengths[:, list(state.needs[c][1])].prod(1) for c in columns], 1)
            pull = (usual[:, columns] / reach.clamp(min=TINY)).amax(1)
            by_unknown.append(torch.where(pull > 0, left / pull.clamp(min=TINY), torch.inf))
        asked.append(torch.stack(by_unknown, 1))  # [K, m]
    # A row is balanced by the unknown that has to change least, measured by what the network gives.
    ours = given(state)
    cheapest = (asked[0] / torch.tensor([ours[n] for n in names]).clamp(min=TINY)).argmin(1)
    out: dict[str, tuple[float, float]] = {}
    for j, name in enumerate(names):
        low, high = (torch.where((cheapest == j) & torch.isfinite(u[:, j]), u[:, j], 0.0) for u in asked)
        if float(high.max()) > 0:
            out[name] = float(low.max()), float(high.max())
    return out


def _lengths(state: State) -> Tensor:
    """The length over which the residual of each row varies, along each coordinate, [K, dim]."""
    points = state.interior[:PROBES]
    here = state.terms.residual[:, :PROBES]
    out = []
    for i, extent in enumerate(state.extent.tolist()):
        step = NEAR * extent
        moved = points.clone()
        moved[:, i] -= step * (points[:, i] - state.lower[i] > 0.5 * extent).double() * 2 - step
        slope = rms(state.residual(moved) - here) / step
        out.append((rms(here) / slope.clamp(min=TINY)).clamp(max=extent))
    return torch.stack(out, 1)


def given(state: State) -> dict[str, float]:
    """The size of what the network adds to each unknown when its output is of order one."""
    ansatz = state.problem.ansatz
    out = {}
    for name in state.problem.unknown_names:
        factor = ansatz.factor.get(name)
        out[name] = 1.0 if factor is None else float(rms(factor(state.interior).detach().double()))
        if name in ansatz.positive:
            out[name] *= ansatz.positive[name]
    return out


def _scale(state: State) -> Finding | None:
    relative = float((rms(state.terms.residual) / state.scale.clamp(min=TINY)).max())
    if relative < LEFT:
        return None
    ours = given(state)
    asked = {n: (low / ours[n], high / ours[n]) for n, (low, high) in wanted(state).items() if ours[n] > 0}
    missing = {n: low for n, (low, _) in asked.items() if low > APART}
    # A small change of a solution that is of the network's size is none that it cannot make.
    small = {n for n in asked if state.sizes[n] < ours[n] / math.sqrt(APART)}
    missing |= {n: high for n, (_, high) in asked.items() if high < 1 / APART and n in small}
    if not missing:
        return None
    name = max(missing, key=lambda n: abs(math.log(missing[n])))
    ratio = missing[name]
    words = (
        f"the equation asks for {name} of the order of {ratio * ours[name]:.0e}, and the network gives "
        f"numbers of the order of {ours[name]:.0e}: write the problem in units in which {name} is of order "
        "one, or tell its scale"
    )
    return Finding("scale", words, {"ratio": ratio, "relative": relative})


def _trivial(state: State) -> Finding | None:
    scale = state.scale
    if (
        state.problem.sources
        or bool((rms(state.terms.source) > NOTHING * scale).any())
        or not bool((scale > 0).all())
    ):
        return None
    if _hidden_source(state):
        return None
    for condition, term in zip(state.problem.conditions, state.problem.condition_terms, strict=True):
        sites = term.sites(POINTS, state.generator, "uniform")
        needs = [(name, index) for name, found in term.needs.items() for index in found]
        with torch.no_grad():
            zero = {key: torch.zeros(len(sites.points), dtype=torch.float64) for key in needs}
            if bool((_read(state, term, sites, state.fields(zero)).abs() > 0).any()):
                return None
        if condition.measurements() is not None:
            return None
    ours = given(state)
    sizes = [state.sizes[name] / ours[name] for name in ours if ours[name] > 0]
    if max(sizes) > SMALL and not _linear(state):
        return None
    largest = max(state.sizes.values())
    words = (
        f"u = 0 satisfies the equation and every condition, and the solution found is of size "
        f"{times(largest)}: a condition that fixes its size is missing, such as a value at a point"
    ).replace("u = 0", f"{', '.join(state.problem.unknown_names)} = 0")
    return Finding("trivial", words, {"size": largest})


def _hidden_source(state: State) -> bool:
    """True for an equation with a source in windows or narrow peaks, which uniform points may miss."""
    lower, upper = state.problem.domain.bounds.double()

    def source(points: Tensor) -> Tensor:
        nothing = torch.zeros(state.fold * len(points), dtype=torch.float64)
        return state.equation(dict.fromkeys(state.needs, nothing), points)

    with torch.no_grad():
        found = explore(lambda p: source(p).sum(0), lower, upper, Generator().manual_seed(17), steep=True)
        places = torch.cat([*found, state.breaks])
        places = places[state.problem.domain.inside(places)]
        return bool((source(places).abs() > NOTHING * state.scale[:, None]).any())


def _linear(state: State) -> bool:
    """True for a linear homogeneous equation, whose solution has an arbitrary size."""
    with torch.no_grad():
        doubled = state.equation({key: 2 * value for key, value in state.inner.items()}, state.interior)
    off = rms(doubled - 2 * state.terms.residual)
    return bool((off <= 1e-9 * state.scale).all())
