"""Conditions that an ansatz can satisfy exactly: those that ask for no more than there are constructions for.

Others are refused: they become weighted terms, and a message gives the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import InputError
from ...geometry import Ball, Interval
from ..conditions.base import Condition, Prescribed, time_names
from ..symmetry.symmetry import Symmetry
from .ansatz import Coordinate
from .data import PrescribedData
from .outline import Outline

if TYPE_CHECKING:
    from ..description import Description

Candidate = tuple[Condition, Prescribed]


class Candidates:
    """The conditions of a problem that may be built into its ansatz.

    Args:
        problem: The problem.
        data: The data of its conditions.

    Attributes:
        outline: Factors and holes of the domain.
        periodic: Conditions that close a coordinate to a circle, and are built in.
        coordinates: Interval coordinates by name.
        messages: Decisions against the usual choice, with reasons.
        contradictions: The messages about conditions that no solution can satisfy.
    """

    def __init__(self, problem: Description, data: PrescribedData) -> None:
        self.domain, self.functions = problem.domain, problem.functions
        self.unknowns = problem.unknown_names
        self.conditions = tuple(problem.conditions)
        self.data = data
        self.messages = [part.note for part in problem.singular]
        self.contradictions: list[str] = []
        self._refused: list[Condition] = []
        self.outline = Outline.of(self.domain)
        self.periodic = self._circles()
        circles = {circle for c in self.periodic if (circle := c.circle()) is not None}
        self.coordinates: dict[str, Coordinate] = {
            shape.names[0]: Coordinate(
                shape,
                self.domain.names.index(shape.names[0]),
                shape.names[0] in circles,
                problem.symmetries.get(shape.names[0], Symmetry()),
                problem.scales.get(shape.names[0]),
            )
            for shape in self.outline.factors
            if isinstance(shape, Interval)
        }
        for name in circles - self.coordinates.keys():  # of a set operation or a mesh
            axis = self.domain.names.index(name)
            low, high = self.domain.bounds[:, axis].tolist()
            shape = Interval(low, high, name)
            self.coordinates[name] = Coordinate(shape, axis, periodic=True)

    def _circles(self) -> list[Condition]:
        """Periodic conditions to build in: all unknowns share the embedding, so all have to be periodic."""
        wanted = [c for c in self.conditions if c.circle() is not None and c.hard is not False]
        out = []
        for condition in wanted:
            same = [c for c in wanted if c.circle() == condition.circle()]
            together = {name for c in same for name in c.unknowns() or self.unknowns}
            if together == set(self.unknowns):
                out.append(condition)
            else:
                others = ", ".join(name for name in self.unknowns if name not in together)
                self.messages.append(
                    f"{condition.describe(self.domain)}: nothing says that {others} is periodic too, and all "
                    "unknowns share one embedding: it is a weighted term"
                )
        return out

    def prescribing(self) -> list[Candidate]:
        """Conditions that prescribe values, each with these values."""
        return [(c, given) for c in self.conditions if (given := c.prescribed()) is not None]

    def refuse(self, condition: Condition, message: str) -> None:
        """Leave a condition out of the ansatz."""
        self._refused.append(condition)
        self.messages.append(message)

    def refuse_as_unsmooth(self, condition: Condition, reason: str) -> None:
        """Leave a condition out whose data are not smooth enough.

        Raises:
            InputError: It has hard=True.
        """
        what = condition.describe(self.domain)
        if condition.hard:
            raise InputError(
                f"{what}: hard=True, but {reason}, and a solution built on that would be frozen there; "
                "leave hard out to make it a weighted term"
            )
        self.refuse(condition, f"{what}: {reason}: it is a weighted term")

    def may(self, condition: Condition) -> bool:
        """Test whether a condition may be built in, apart from a construction for its faces."""
        return (
            condition.hard is not False
            and self.data.is_fixed(condition)
            and not any(u.positive or u.of for u in self.functions if u.name in condition.unknowns())
            and not any(condition is c for c in self._refused)
        )

    def possible(self, condition: Condition, given: Prescribed) -> bool:
        """Test whether a condition may be built in and every one of its faces has a construction."""
        if not self.may(condition) or given.start:
            return self.may(condition)
        reachable = {
            face
            for c in self.coordinates.values()
            if not c.shape.is_time and not c.periodic
            for face in c.shape.faces
        }
        if not callable(given.value):
            reachable |= {
                face for shape in self.outline.factors if isinstance(shape, Ball) for face in shape.faces
            }
            circles = {c.circle() for c in self.periodic}  # no factor of a hole is periodic
            holes = [hole for hole in self.outline.holes if not circles & set(hole.names)]
            reachable |= {face for hole in holes for face in hole.faces}
            reachable -= {face for hole in holes if not self.outline.is_free(hole) for face in hole.faces}
        else:
            reachable -= {face for hole in self.outline.holes for face in hole.faces}
        return set(condition.faces(self.domain)) <= reachable

    def on_face(self, name: str, face: str) -> Candidate | None:
        """The condition to build in that prescribes the values of an unknown on a face."""
        for c, given in self.prescribing():
            if (
                not given.start
                and given.unknown == name
                and face in c.faces(self.domain)
                and self.possible(c, given)
            ):
                return c, given
        return None

    def at_start(self, name: str) -> Candidate | None:
        """The initial condition to build in for an unknown; a velocity alone fixes nothing pointwise."""
        for c, given in self.prescribing():
            if given.start and given.unknown == name and given.value is not None and self.may(c):
                if not any(p.circle() in time_names(self.domain) for p in self.periodic):
                    return c, given
        return None
