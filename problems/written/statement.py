"""Statement of a problem in formulas: what vanishes inside the domain, and what holds on its boundary."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NotRequired, TypedDict

from torch import Generator

from ..conditions.base import NORMAL as COMPONENT
from ..conditions.base import VALUE, Condition, Demand, Expressed, space_names, time_names
from ..expressions import in_space
from .symbols import formulas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ..description import Description

POINTS = 7  # at which formulas are tried
NORMAL = "normal"  # normal(u) is the outward normal derivative
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
    """

    words: str
    left: NotRequired[str]
    right: NotRequired[str]
    on: NotRequired[str]
    surface: NotRequired[str]


class Statement(TypedDict):
    """A problem in formulas in the syntax of Python, as in config.json.

    Attributes:
        equations: What must vanish; None where the function has no formula.
        conditions: The conditions.
    """

    equations: list[str] | None
    conditions: list[Written]


def statement_of(problem: Description) -> Statement:
    """Formulas of a problem's equations and conditions."""
    drawn = problem.domain.interior(POINTS, Generator().manual_seed(3))
    points = {name: drawn[:, i].contiguous() for i, name in enumerate(problem.domain.names)}
    names = (*(c.name for c in problem.coefficients), *problem.materials)
    with in_space(space_names(problem.domain)):
        written = [
            row for condition in problem.conditions for row in _condition(problem, condition, points, names)
        ]
        written += [{"words": one.words} for one in problem.obstacles]
        equations = formulas(problem.equation, problem.unknown_names, points, names)
    return {"equations": equations, "conditions": written}


def _condition(
    problem: Description, condition: Condition, points: Mapping[str, Tensor], names: tuple[str, ...]
) -> list[Written]:
    """A condition, or each of the two requirements of an initial value and velocity."""
    words = condition.describe(problem.domain)
    unknowns, where = condition.unknowns(), condition.place(problem.domain, SPELLED)
    expressed = condition.expressed()
    if expressed is not None:
        return _expressed(problem, expressed, {"words": words, "on": where}, points, names)
    demands = condition.demands(1)
    lefts = [_left(problem, demand, unknowns, points, names) for demand in demands]
    if len(unknowns) != 1 or not demands or None in lefts:
        return [{"words": words}]
    rows: list[Written] = []
    for demand, left in zip(demands, lefts, strict=True):
        right = _value(demand.value, points, names)
        row: Written = {"words": words}
        if left is not None and right is not None:
            row |= {"left": left, "right": right, "on": where}
        rows.append(row)
    return rows if all("left" in row for row in rows) else [{"words": words}]


def _expressed(
    problem: Description,
    expressed: Expressed,
    row: Written,
    points: Mapping[str, Tensor],
    names: tuple[str, ...],
) -> list[Written]:
    """Rows of a condition that is an expression, one for each of its parts."""
    known = (*names, *(COMPONENT + name for name in space_names(problem.domain)))
    found = formulas(expressed.function, problem.unknown_names, points, known)
    if found is None:
        return [{"words": row["words"]}]
    if expressed.surface is None:
        return [{**row, "left": left, "right": "0"} for left in found]
    surface = formulas(expressed.surface, (), points)
    place: Written = {"words": row["words"], "on": "", "right": "0"}
    if surface is not None:
        place["surface"] = surface[0]
    return [{**place, "left": f"{JUMP}({left})"} for left in found]


def _left(
    problem: Description,
    demand: Demand,
    unknowns: tuple[str, ...],
    points: Mapping[str, Tensor],
    names: tuple[str, ...],
) -> str | None:
    """Left side of a demand; None where it is not one of the usual kinds."""
    if len(unknowns) != 1:
        return None
    (u,) = unknowns
    time = next(iter(time_names(problem.domain)), None)
    if demand.kind == "Robin":
        alpha, beta = (_value(factor, points, names) for factor in demand.factors)
        if alpha is None or beta is None:
            return None
        return " + ".join(_times(factor, of) for factor, of in ((alpha, u), (beta, f"{NORMAL}({u})")))
    return {VALUE: u, "normal derivative": f"{NORMAL}({u})", "velocity": time and f"{u}.{time}"}.get(
        demand.kind
    )


def _times(factor: str, of: str) -> str:
    """A product, without a factor of one."""
    return of if factor in ("1", "1.0") else f"({factor})*{of}"


def _value(
    value: float | Callable[..., object] | None, points: Mapping[str, Tensor], names: tuple[str, ...]
) -> str | None:
    """Formula of a prescribed value."""
    if value is None:
        return None
    given = value if callable(value) else (lambda: value)
    found = formulas(given, (), points, names)
    return found[0] if found is not None and len(found) == 1 else None
