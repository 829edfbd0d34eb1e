"""Statement of a problem in formulas: what vanishes inside the domain, and what holds on its boundary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NotRequired, TypedDict

import torch
from torch import Generator

from ..conditions.base import NORMAL as COMPONENT
from ..conditions.base import VALUE, Condition, Demand, Expressed, space_names, time_names
from ..expressions import in_space
from .formulas import Words, formulas

if TYPE_CHECKING:
    from ..description import Description
    from ..elsewhere.integral import Integral

POINTS = 7  # at which formulas are tried
NORMAL = "normal"  # normal(u) is the outward normal derivative
INTEGRAL = "integral"  # integral(f, (s, a, b)) is that of f over s from a to b
JUMP = "jump"  # jump(k*u.x) is the difference of the values on both sides of a surface
SPELLED = 6  # faces that are named


class Written(TypedDict):
    """A condition: words, and a formula where there is one.

    Attributes:
        words: Short name, such as "u on x=0".
        left: What is prescribed, such as `u`, `u.t`, `normal(u)` or `jump(k*u.x)`.
        right: Its value, a formula of the coordinates.
        on: Where, such as "x=-1, x=1"; empty inside the domain.
        surface: Formula of the coordinates that vanishes where the condition holds inside the domain.
        at: Where the unknowns of an integral are taken, such as "u at x=s".
    """

    words: str
    left: NotRequired[str]
    right: NotRequired[str]
    on: NotRequired[str]
    surface: NotRequired[str]
    at: NotRequired[str]


class Statement(TypedDict):
    """A problem in formulas in the syntax of Python, as in config.json.

    Attributes:
        equations: What must vanish; None where the function has no formula.
        conditions: The conditions.
        where: Integrals that the equations use by their names, and sources.
    """

    equations: list[str] | None
    conditions: list[Written]
    where: list[Written]


def place(row: Mapping[str, str]) -> str:
    """Words for the place of a condition in formulas; none for one that has a surface."""
    jumps = row.get("left", "").startswith(f"{JUMP}(")
    known = [f"on {row['on']}"] if row.get("on") else ["across the interface"] * jumps
    return " ".join([*known, *(f"with {row['at']}" for _ in range("at" in row))])


def statement_of(problem: Description) -> Statement:
    """Formulas of a problem's equations and conditions."""
    drawn = problem.domain.interior(POINTS, Generator().manual_seed(3))
    points = {name: drawn[:, i].contiguous() for i, name in enumerate(problem.domain.names)}
    numbers = (*(c.name for c in problem.coefficients), *problem.materials)
    words = Words(points, problem.unknown_names, numbers, problem.complex_parts)
    of_equation = replace(words, numbers=(*numbers, *(i.name for i in problem.integrals)))
    with in_space(space_names(problem.domain)):
        conditions = [
            row for condition in problem.conditions for row in _condition(problem, condition, words)
        ]
        conditions += [{"words": one.words} for one in problem.obstacles]
        equations = formulas(problem.equation, of_equation)
        where = [_integral(problem, integral, words) for integral in problem.integrals]
    where += [{"words": f"source of strength {s.describe(problem.domain)}"} for s in problem.sources]
    return {"equations": equations, "conditions": conditions, "where": where}


def _integral(problem: Description, integral: Integral, words: Words) -> Written:
    """An integral that the equation uses by its name."""
    domain, names = problem.domain, words.names
    inside = dict(words.points)
    ends = [domain.bounds[:, names.index(axis)].tolist() for axis in integral.axes]
    for variable, (lower, upper) in zip(integral.variables, ends, strict=True):
        inside.setdefault(variable, lower + (upper - lower) * torch.linspace(0.2, 0.9, POINTS).double())
    found = formulas(integral.integrand, replace(words, points=inside))
    limits = []
    for variable, (lower, upper) in zip(integral.variables, ends, strict=True):
        a, b = (
            _value(usual if given is None else given, words)
            for given, usual in ((integral.lower, lower), (integral.upper, upper))
        )
        limits.append(None if a is None or b is None else f"({variable}, {a}, {b})")
    named: Written = {"words": f"{integral.name}, an integral over {', '.join(integral.axes)}"}
    if found is None or len(found) != 1 or None in limits:
        return named
    right = f"{INTEGRAL}({', '.join([found[0], *map(str, limits)])})"
    moved = [f"{a}={v}" for a, v in zip(integral.axes, integral.variables, strict=True) if a != v]
    named |= {"left": integral.name, "right": right, "on": ""}
    if moved:
        named["at"] = f"{', '.join(problem.unknown_names)} at {', '.join(moved)}"
    return named


def _condition(problem: Description, condition: Condition, words: Words) -> list[Written]:
    """A condition, or each of the two requirements of an initial value and velocity."""
    name = condition.describe(problem.domain)
    unknowns, where = condition.unknowns(), condition.place(problem.domain, SPELLED)
    expressed = condition.expressed()
    if expressed is not None:
        return _expressed(problem, expressed, {"words": name, "on": where}, words)
    demands = condition.demands(1)
    lefts = [_left(problem, demand, unknowns, words) for demand in demands]
    if len(unknowns) != 1 or not demands or None in lefts:
        return [{"words": name}]
    rows: list[Written] = []
    for demand, left in zip(demands, lefts, strict=True):
        right = _value(demand.value, words)
        row: Written = {"words": name}
        if left is not None and right is not None:
            row |= {"left": left, "right": right, "on": where}
        rows.append(row)
    before, start = _value(condition.before_start(), words), problem.domain.bounds[0].tolist()
    if before is not None:
        (time,) = time_names(problem.domain)
        early = f"{time} < {start[problem.domain.names.index(time)]:g}"
        rows.append({"words": name, "left": unknowns[0], "right": before, "on": early})
    return rows if all("left" in row for row in rows) else [{"words": name}]


def _expressed(problem: Description, expressed: Expressed, row: Written, words: Words) -> list[Written]:
    """Rows of a condition that is an expression, one for each of its parts."""
    normal = tuple(COMPONENT + name for name in space_names(problem.domain))
    found = formulas(expressed.function, replace(words, numbers=(*words.numbers, *normal)))
    if found is None:
        return [{"words": row["words"]}]
    if expressed.integrated:
        value, over = _value(expressed.value, words), expressed.over or space_names(problem.domain)
        if value is None or len(found) != 1:
            return [{"words": row["words"]}]
        return [{**row, "left": f"{INTEGRAL}({found[0]}, {', '.join(over)})", "right": value}]
    if not expressed.jumps:
        return [{**row, "left": left, "right": "0"} for left in found]
    place: Written = {"words": row["words"], "on": row["on"], "right": "0"}
    surface = None if expressed.surface is None else formulas(expressed.surface, Words(words.points))
    if surface is not None:
        place["surface"] = surface[0]
    return [{**place, "left": f"{JUMP}({left})"} for left in found]


def _left(problem: Description, demand: Demand, unknowns: tuple[str, ...], words: Words) -> str | None:
    """Left side of a demand; None where it is not one of the usual kinds."""
    if len(unknowns) != 1:
        return None
    (u,) = unknowns
    time = next(iter(time_names(problem.domain)), None)
    if demand.kind == "Robin":
        alpha, beta = (_value(factor, words) for factor in demand.factors)
        if alpha is None or beta is None:
            return None
        return " + ".join(_times(factor, of) for factor, of in ((alpha, u), (beta, f"{NORMAL}({u})")))
    return {VALUE: u, "normal derivative": f"{NORMAL}({u})", "velocity": time and f"{u}.{time}"}.get(
        demand.kind
    )


def _times(factor: str, of: str) -> str:
    """A product, without a factor of one."""
    return of if factor in ("1", "1.0") else f"({factor})*{of}"


def _value(value: float | Callable[..., object] | None, words: Words) -> str | None:
    """Formula of a prescribed value."""
    if value is None:
        return None
    given = value if callable(value) else (lambda: value)
    found = formulas(given, replace(words, unknowns=()))
    return found[0] if found is not None and len(found) == 1 else None
