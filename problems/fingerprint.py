"""Fingerprint of a problem: values of equation, conditions and ansatz at fixed probes.

A name and a printed description do not tell `u.xx + 1` from `u.xx + 5`.  So the residual of every term is
evaluated at fixed points with fixed numbers c(j, i) in place of the derivatives i of the unknowns j: all of
them at once, none of them (what is left is the data: sources and prescribed values), and each one alone, so
that a small term does not vanish beside a large one.  Of the parts of the ansatz the values at fixed points
are taken, of the domain its bounds and its signed distance.

Each vector v [N] of values is kept as its first values and as inner products with fixed vectors of signs, in
which a change at any one point shows; two of them agree within `TOLERANCE` of sum |v|, so that another
processor or library may round differently.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypedDict

import torch
from torch import Generator, Tensor

from ..derivatives.multi_index import MultiIndex
from .conditions.base import Condition, Sites
from .fields import Field
from .problem import Problem
from .term import Term

VERSION = 1
POINTS = 2048  # of the equation, of each condition, and of the ansatz
SHOWN = 4  # values that are kept one by one
SUMS = 3  # inner products with signs
TOLERANCE = 1e-9  # of the sum of the absolute values
PARTS: Final = "parts of the problem"
KNOWN = "what is known of the unknowns"  # which the first fingerprints lacked

Channels = Callable[[str, MultiIndex], float]  # what stands for a derivative, a factor of the fixed numbers
Numbers = list[float | None]  # null stands for NaN
Rows = Sequence[str | Sequence[str] | Numbers]  # of words, or of numbers
Fingerprint = TypedDict("Fingerprint", {"version": int, "parts of the problem": dict[str, Rows]})


def fingerprint(problem: Problem) -> Fingerprint:
    """The values of a problem at fixed probes, as JSON.

    Args:
        problem: The problem.

    Returns:
        For each part, in words: rows of numbers (values, inner products, sum of absolute values), or a list
        of words.
    """
    parts: dict[str, Rows] = {
        "the coordinates": list(problem.domain.names),
        "the faces of the domain": list(problem.domain.faces),
        "the unknowns": list(problem.unknown_names),
        KNOWN: [str(u) for u in problem.functions],
        "the coefficients": [str(c) for c in problem.coefficients],
        "the bounds of the domain": [_summary(problem.domain.bounds.reshape(-1).double())],
    }
    if problem.obstacles:
        parts["the obstacles"] = [one.words for one in problem.obstacles]
    if problem.scales:
        given = torch.tensor([float(v) for v in problem.scales.values()], dtype=torch.float64)
        parts["the scales given"] = [list(problem.scales), _summary(given)]
    box = problem.domain.bounds.double()
    inside = box[0] + (box[1] - box[0]) * _uniform("box", POINTS, problem.domain.dim)
    with torch.no_grad():
        parts["the shape of the domain"] = [_summary(problem.domain.distance(inside).double())]
    points = problem.domain.interior(POINTS, Generator().manual_seed(VERSION))
    parts["the equation"] = list(_residuals(problem, problem.equation_term, problem.at(points)))
    for condition, term in zip(problem.conditions, problem.condition_terms, strict=True):
        sites = term.sites(POINTS, Generator().manual_seed(VERSION), "uniform")
        rows = list(_residuals(problem, term, sites))
        if condition.measurements() is not None:
            rows += [_summary(sites.points[:, i].double()) for i in range(problem.domain.dim)]
        parts[f"the condition on {term.name!r}"] = rows
        parts[f"the weight of {term.name!r}"] = [_summary(_weight(condition, term))]
    parts |= _ansatz(problem, points)
    return {"version": VERSION, PARTS: parts}


def difference(then: Fingerprint | None, now: Fingerprint | None) -> str | None:
    """The first part in which two problems differ, in words with a value then and now; None if they agree.

    Args:
        then: The fingerprint of the earlier problem; None, or one of another version, differs in nothing.
        now: The fingerprint of the present problem, likewise.
    """
    if then is None or now is None or not comparable(then):
        return None
    before, after = then[PARTS], now[PARTS]
    for part in [*after, *(name for name in before if name not in after)]:
        if part not in before:
            if part == KNOWN:
                continue
            return f"{part} is new"
        if part not in after:
            return f"{part} is gone"
        pairs = list(zip(before[part], after[part], strict=False))
        found = next((text for a, b in pairs if (text := _change(part, a, b))), None)
        if found or len(before[part]) != len(after[part]):
            return found or f"{part} has {len(after[part])} rows of values, not {len(before[part])}"
    return None


def comparable(then: Fingerprint | None) -> bool:
    """Test whether a recorded fingerprint is of the present version."""
    return then is not None and then.get("version") == VERSION and isinstance(then.get(PARTS), Mapping)


def _change(part: str, a: str | Sequence[str] | Numbers, b: str | Sequence[str] | Numbers) -> str | None:
    then, now = _numbers(a), _numbers(b)
    if then is None or now is None:
        return None if a == b else f"{part}: {b!r}, not {a!r}"
    if len(then) != len(now):
        return f"{part}: {len(now)} values, not {len(then)}"
    if not then:
        return None
    allowed = TOLERANCE * max(then[-1], now[-1])
    for p, q in zip(then, now, strict=True):
        if not (p == q or (math.isnan(p) and math.isnan(q)) or abs(p - q) <= allowed):
            return f"{part}: {q:.10g}, not {p:.10g}, at a fixed probe"
    return None


def _numbers(row: str | Sequence[str] | Numbers) -> list[float] | None:
    """The numbers of a row, NaN in place of null; None for words."""
    found: list[float] = []
    for value in row:
        if isinstance(value, str):
            return None
        found.append(math.nan if value is None else float(value))
    return found


def _uniform(name: str, *shape: int) -> Tensor:
    """Fixed numbers in [0, 1) that belong to a name, whatever else is drawn."""
    generator = Generator().manual_seed(zlib.crc32(name.encode()))
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def _summary(values: Tensor) -> Numbers:
    """Summary of values: the first ones, inner products with signs, number that is not finite, sum of |v|."""
    v = values.detach().to("cpu", torch.float64).reshape(-1)
    finite = torch.isfinite(v)
    v = torch.where(finite, v, torch.zeros_like(v))
    signs = [torch.where(_uniform(f"signs {k}", len(v)) < 0.5, -1.0, 1.0).double() for k in range(SUMS)]
    sums = [float(v @ s) for s in signs]
    shown = [float(x) if ok else None for x, ok in zip(v[:SHOWN], finite[:SHOWN], strict=True)]
    return [*shown, *sums, float(int((~finite).sum())), float(v.abs().sum())]


def _weight(condition: Condition, term: Term) -> Tensor:
    """Weight of a term as [1]; zero where it is balanced in training."""
    return torch.tensor([0.0 if term.balanced else term.weight], dtype=torch.float64)


def _residuals(problem: Problem, term: Term, sites: Sites) -> Iterator[Numbers]:
    """A term's residuals at its sites, a row for each of its requirements and each choice of channels."""
    read = [(name, index) for name, indices in term.needs.items() for index in indices]
    choices: list[tuple[str, Channels]] = [("all", lambda *_: 1.0), ("none", lambda *_: 0.0)]
    choices += [(f"{one}", lambda *key, one=one: float(key == one)) for one in read] if len(read) > 1 else []
    for _, share in choices:
        yield from _evaluated(problem, term, sites, share)


def _evaluated(problem: Problem, term: Term, sites: Sites, share: Channels) -> list[Numbers]:
    n = sites.points.shape[0]

    def channels(name: str) -> Callable[[MultiIndex], Tensor]:
        return lambda index: share(name, index) * (0.5 + _uniform(f"{name} {index}", n))

    names = problem.domain.names
    fields = {name: Field(name, names, channels(name)) for name in problem.unknown_names}
    known = {name: value.detach() for name, value in problem.initial_parameters.items()}
    try:
        return [_summary(row) for row in term.residual(fields, sites, known)]
    except Exception:  # a user's function may refuse numbers such as zero: that tells problems apart, too
        return [[] for _ in range(term.rows)]


def _ansatz(problem: Problem, points: Tensor) -> dict[str, Rows]:
    """Values of the features, extensions and factors of the ansatz at some points."""
    ansatz = problem.ansatz
    with torch.no_grad():
        features = [_summary(column(points)) for column in ansatz.columns]
        parts: dict[str, Rows] = {"the inputs of the network": features}
        for name in problem.unknown_names:
            extension, factor = ansatz.extension.get(name), ansatz.factor.get(name)
            for part, function in (
                (f"the part of {name} that is built in", extension),
                (f"the factor of the network in {name}", factor),
            ):
                parts[part] = [] if function is None else [_summary(function(points))]
    return parts
