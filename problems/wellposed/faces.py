"""Faces on which an unknown has more conditions than its equation takes.

An equation of order m across a face takes m/2 conditions there (rounded up): one for Laplace's, two for the
clamped plate's.  More of them over-determine the problem, and a least-squares solution that satisfies none
exactly is no solution.  Counted are conditions that say something new: a second one of the same kind whose
values agree says nothing.

Not reported: up to m conditions at one end of an interval whose other end is free (an initial value problem);
a system whose unknowns together have no more than the orders of its equations allow (stream function
and vorticity have two on the former and none on the latter); problems that look for coefficients or unknown
fields, which need more data than others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from ...derivatives.multi_index import MultiIndex
from ...geometry import Domain, Interval
from ..conditions.base import VALUE, Demand, Known, Value, value_at

if TYPE_CHECKING:
    from ..description import Description

AGREE = 1e-6  # values that differ by less, relative to their size, are the same
SAMPLES = 64


def overdetermined(problem: Description) -> list[str]:
    """Sentences about the faces on which too much is prescribed.

    Args:
        problem: The problem, with its terms traced.
    """
    names, needs = problem.unknown_names, problem.equation_term.needs
    searched = bool(problem.coefficients) or any(u.of is not None for u in problem.functions)
    if searched or problem.equation_term.rows != len(names):
        return []
    demands = _demands(problem)
    said: dict[str, list[str]] = {}
    for face in problem.domain.faces:
        here = {name: demands.get((name, face), []) for name in names}
        shared = demands.get(("", face), [])
        allowed = {name: _allowed(problem.domain, needs[name], face) for name in names}
        asked = sum(map(len, here.values())) + len(shared)
        many = asked > sum(allowed.values()) and not _starts(problem.domain, demands, face, needs)
        guilty = [name for name in names if many and len(here[name]) > allowed[name]]
        guilty += [name for name in names if name not in guilty and _repeated(here[name])]
        for name in guilty:
            if name not in problem.particular and all(d.kind == VALUE for d in here[name]):
                continue  # the ansatz says by how much values given twice differ
            said.setdefault(_sentence(problem, (name,), here[name], allowed[name]), []).append(face)
        if many and not guilty:
            every = [d for name in names for d in here[name]] + shared
            said.setdefault(_sentence(problem, names, every, sum(allowed.values())), []).append(face)
    return [f"on {', '.join(faces)} {what}" for what, faces in said.items()]


def _sentence(problem: Description, names: Sequence[str], demands: Sequence[Demand], takes: int) -> str:
    texts = "; ".join(dict.fromkeys(d.condition.describe(problem.domain) for d in demands))
    own, have = ("its equation takes", "has") if len(names) == 1 else ("their equations take", "have")
    return (
        f"{', '.join(names)} {have} {len(demands)} conditions ({texts}), but {own} {takes} there: the "
        "problem is over-determined; drop some, or name other faces in on="
    )


def _repeated(demands: Sequence[Demand]) -> bool:
    """Test whether something is prescribed twice, with other values."""
    kinds = [d.kind for d in demands if d.exclusive]
    return len(set(kinds)) < len(kinds)


def _demands(problem: Description) -> dict[tuple[str, str], list[Demand]]:
    """Requirements on each unknown on each face; those of boundary equations under the unknown ""."""
    out: dict[tuple[str, str], list[Demand]] = {}
    for condition, term in zip(problem.conditions, problem.condition_terms, strict=True):
        new = condition.demands(term.rows)
        of = condition.unknowns() or _only(term.needs)
        for face in condition.faces(problem.domain):
            for name in of:
                have = out.setdefault((name, face), [])
                have += [d for d in new if not any(_same(problem, face, d, e) for e in have)]
    return out


def _only(needs: Mapping[str, tuple[MultiIndex, ...]]) -> tuple[str, ...]:
    """Unknown of a condition that names none: the only one it reads, or "" when it reads several."""
    used = [name for name, indices in needs.items() if indices]
    return tuple(used) if len(used) == 1 else ("",)


def _same(problem: Description, face: str, a: Demand, b: Demand) -> bool:
    """Test whether two requirements of the same kind prescribe the same values."""
    if a.kind != b.kind or a.value is None or b.value is None:
        return False
    if a.factors != b.factors:
        return False
    if a.value is b.value or (not callable(a.value) and a.value == b.value):
        return True
    known: Known = problem.initial_coefficients
    points = problem.domain.boundary(SAMPLES, Generator().manual_seed(17), on=face).points

    def at(value: Value) -> Tensor:
        return value_at(value, points, problem.domain.names, f"a value on {face}", known)

    one, two = at(a.value), at(b.value)
    size = torch.maximum(one.abs().max(), two.abs().max())
    return bool((one - two).abs().max() <= AGREE * size)


def _order(names: Sequence[str], domain: Domain, needs: Sequence[MultiIndex]) -> int:
    """Highest derivative of an unknown in one of some coordinates."""
    axes = [domain.names.index(name) for name in names]
    return max((index.count(axis) for index in needs for axis in axes), default=0)


def _carrier(domain: Domain, face: str) -> Domain:
    """The factor that a face belongs to."""
    return next(f for f in domain.factors() if face in f.faces)


def _allowed(domain: Domain, needs: Sequence[MultiIndex], face: str) -> int:
    """Number of conditions an unknown may have on a face: half its order across it, and at least one."""
    return max(1, (_order(_across(domain, face), domain, needs) + 1) // 2)


def _across(domain: Domain, face: str) -> tuple[str, ...]:
    """The coordinates that vary across a face: one for a flat face, all of its factor's for others."""
    carrier = _carrier(domain, face)
    flat = tuple(name for name in carrier.names if face in carrier.flat_faces(name))
    return flat or carrier.names


def _starts(
    domain: Domain,
    demands: Mapping[tuple[str, str], list[Demand]],
    face: str,
    needs: Mapping[str, tuple[MultiIndex, ...]],
) -> bool:
    """Test whether the conditions at one end of an interval pose an initial value problem."""
    carrier = _carrier(domain, face)
    if not isinstance(carrier, Interval):
        return False
    here, there = (
        sum(len(d) for (_, f), d in demands.items() if f == end) for end in (face, _opposite(carrier, face))
    )
    return not there and here <= sum(_order(carrier.names, domain, indices) for indices in needs.values())


def _opposite(interval: Interval, face: str) -> str:
    return interval.faces[1 - interval.faces.index(face)]
