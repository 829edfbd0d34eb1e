"""Fields of a picture: unknowns, vectors of them, and fields computed of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .fields import Array, Values
from .planes import Plane
from .style import Limits, Meaning, colour_limits, meaning_of
from .vectors import flow_of, speed, vector_name
from .view import View

ALIKE = 2.0  # ratio of sizes up to which unknowns of one meaning share their limits


@dataclass(frozen=True)
class Shown:
    """A field of a picture.

    Attributes:
        name: Its title.
        unknowns: Those it consists of; empty where it is computed of them.
        meaning: Decides its colours.
        flow: The component along each coordinate, if it is the length of a vector.
        function: Computes it, written like an equation, if it is no unknown.
        displaces: Whether it is a displacement, which does not stream.
    """

    name: str
    unknowns: tuple[str, ...]
    meaning: Meaning
    flow: Mapping[str, str] = field(default_factory=dict)
    function: Callable[..., object] | None = None
    displaces: bool = False

    def found(self, solution: View, plane: Plane) -> Array:
        """Values on a plane."""
        if self.function is None:
            return self._of(plane.values.found)
        inside = plane.values.inside
        at = {name: np.broadcast_to(column, inside.shape)[inside] for name, column in plane.at.items()}
        values = np.full(inside.shape, np.nan)
        values[inside] = solution.evaluate(self.function, at, extrapolate=True)  # all of them are inside
        return values

    def exact(self, values: Values) -> Array | None:
        """The reference, where there is one to be drawn."""
        if self.function is not None or not values.compared(self.unknowns):
            return None
        assert values.exact is not None
        return self._of(values.exact)

    def error(self, values: Values) -> Array:
        """Absolute error against the reference."""
        assert values.exact is not None
        exact = values.exact
        total: Array = np.sqrt(sum((values.found[n] - exact[n]) ** 2 for n in self.unknowns))
        return total

    def _of(self, fields: Mapping[str, Array]) -> Array:
        return speed(fields, self.flow) if self.flow else fields[self.unknowns[0]]


def shown_of(solution: View) -> list[Shown]:
    """The fields of a solution, the main ones first.  Unknowns of one coordinate alone are none of them."""
    problem = solution.problem
    flow, profiles = flow_of(problem), profiles_of(solution)
    found = [Shown(name, (), Meaning.LEVEL, {}, f) for name, f in problem.derived.items()]
    if flow:
        name = f"|{vector_name(flow)}|"
        displaces = bool(problem.displacement)
        found.append(Shown(name, tuple(flow.values()), Meaning.MAGNITUDE, flow, displaces=displaces))
    single = [n for n in problem.unknown_names if n not in flow.values() and n not in profiles]
    return found + [Shown(name, (name,), meaning_of(solution, name)) for name in single]


def profiles_of(solution: View) -> dict[str, str]:
    """The coordinate of each unknown that depends on one of several."""
    problem = solution.problem
    return {
        u.name: u.of[0]
        for u in problem.functions
        if problem.domain.dim > 1 and u.of is not None and len(u.of) == 1
    }


def limits_of(shown: Sequence[Shown], fields: Mapping[str, Sequence[Array]]) -> dict[str, Limits]:
    """Limits of the colours of each field: those of one meaning that are alike in size share theirs.

    Args:
        shown: The fields.
        fields: All values of each that are drawn, by its name.
    """
    own = {s.name: colour_limits(fields[s.name], s.meaning) for s in shown}
    limits = dict(own)
    for a in shown:
        for b in shown:
            sizes = sorted(max(abs(v) for v in own[s.name]) for s in (a, b))
            if a.meaning is b.meaning and 0 < sizes[1] <= ALIKE * sizes[0]:
                low, high = limits[a.name]
                limits[a.name] = min(low, own[b.name][0]), max(high, own[b.name][1])
    return limits
