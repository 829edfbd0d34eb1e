"""Test for enough conditions, each where the equation asks for it, before any training.

On every face, and at the start and the end of time, the number of independent conditions that are given is
compared with the number that the equation needs there (`counting.py`).  Where the type of the equation
changes, or the sign of a velocity, nothing is said.  An unknown that the data leave free is found in
`uniqueness.py`, a coefficient that is infinite somewhere in `poles.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ..conditions.base import time_factor
from .counting import Counter, Face
from .faces import overdetermined
from .findings import ERROR, NOTE, TRIVIAL, WARNING, Finding, listed
from .linearised import states
from .poles import poles
from .uniqueness import free_functions, zero_solves

if TYPE_CHECKING:
    from ..description import Description

FEW = 8  # so many values pin a constant; more of them are data that make up for conditions
LARGEST = 8  # system of which determinants are expanded


def examine(problem: Description) -> tuple[Finding, ...]:
    """Examine a problem before it is solved; no findings where it seems well-posed."""
    return (*_Examination(problem).run(),)


@dataclass
class _Examination:
    problem: Description
    found: list[Finding] = field(default_factory=list)

    def run(self) -> list[Finding]:
        self._system()
        square = self.problem.equation_term.rows == len(self.names) <= LARGEST
        if square and not self.found:
            dim = len(self._count.own_axes)
            line = dim == 1 or dim - len(self._count.time_axes) == 1
            if not line or (self._count.evolves and dim > 1):
                self._faces()
            if line and not self.found:
                self._ends()
            if self._count.time_axes and dim > 1:
                self._time()
        if not self.found and not self.problem.conditions and self._differential:
            self._say(
                "conditions",
                f"nothing but the equation speaks of {listed(self.names)}: the problem has no conditions, "
                "and infinitely many solutions; add Dirichlet, Neumann, Initial or others",
            )
        self._seams()
        if not self.found:
            self._freedom()
        if not self.found:
            self._coefficients()
        self.found += poles(self.problem)
        return self.found

    # -- what there is ---------------------------------------------------------------------------------------

    @cached_property
    def _count(self) -> Counter:
        return Counter(self.problem)

    @property
    def names(self) -> tuple[str, ...]:
        return self.problem.unknown_names

    @cached_property
    def _differential(self) -> bool:
        return any(index for indices in self.problem.equation_term.needs.values() for index in indices)

    @cached_property
    def _observed(self) -> int:
        return sum(data.count for c in self.problem.conditions if (data := c.measurements()) is not None)

    @cached_property
    def _inside(self) -> int:
        return sum(c.requirements_inside(self.problem.domain) for c in self.problem.conditions)

    def _say(self, topic: str, sentence: str, severity: str = WARNING) -> None:
        if severity != NOTE and (self._observed > FEW or self.problem.estimates):
            severity, sentence = NOTE, f"{sentence} (the observations may make up for it)"
        self.found.append(Finding(severity, topic, sentence))

    # -- counting --------------------------------------------------------------------------------------------

    def _system(self) -> None:
        equations, unknowns = self.problem.equation_term.rows, len(self.names)
        equations += min(*self._on_faces())
        if equations < unknowns and not self._observed:
            few, free = _plural(equations, "equation"), _plural(unknowns, "unknown")
            self._say(
                "equations",
                f"{few} for {free} ({', '.join(self.names)}), and no observations: infinitely many "
                "solutions; add what is missing",
                ERROR,
            )

    def _on_faces(self) -> tuple[int, int]:
        """Unknowns of fewer coordinates, and equations on faces that speak of them, such as L.t = u.x."""
        fewer = [u.name for u in self.problem.functions if u.of is not None]
        spoken = [
            term
            for condition, term in zip(self.problem.conditions, self.problem.condition_terms, strict=True)
            if condition.expressed() is not None and any(term.needs[name] for name in fewer)
        ]
        starts = [p.unknown for c in self.problem.conditions if (p := c.prescribed()) and p.start]
        time = self._count.time_axes
        for name in fewer:
            moves = any(axis in index for term in spoken for index in term.needs[name] for axis in time)
            if moves and name not in starts:
                self._say("conditions", f"{name} has no initial value; add Initial({name!r}, ...)")
        return len(fewer), sum(term.rows for term in spoken)

    # -- faces -----------------------------------------------------------------------------------------------

    def _faces(self) -> None:
        """Compare what is given on each face in space with what is needed there."""
        missing: dict[tuple[int, int, tuple[tuple[str, ...], int]], list[str]] = {}
        excess: dict[tuple[int, int], list[str]] = {}
        for tag in self.problem.domain.spatial_faces:
            face = self._count.face(tag)
            verdict = None if face is None else self._count.compared(face)
            if face is not None and verdict is not None and verdict[0] > verdict[1]:
                key = (*verdict, self._lacking([face]))
                missing.setdefault(key, []).append(tag)
            elif face is not None and verdict is not None and self._exact and self._counted:
                if (over := self._count.excessive(face)) is not None:
                    excess.setdefault(over, []).append(tag)
        for (needed, given, lacking), tags in missing.items():
            self._missing(needed, given, lacking, tags)
        for (takes, has), tags in ({} if missing else excess).items():  # at the wrong end is told as missing
            self._excess(f"on {_tags(tags)}{'' if len(tags) == 1 else ' each'}", has, takes)

    def _lacking(self, faces: Sequence[Face]) -> tuple[tuple[str, ...], int]:
        """Unknowns without conditions on some faces, those of the highest order across them."""
        axis = int(faces[0].normals[0].abs().argmax())
        spoken = {
            name
            for face in faces
            for position in face.conditions
            for name, indices in self.problem.condition_terms[position].needs.items()
            if indices
        } | {name for face in faces for name in face.circle}
        orders = {name: self._count.order(name, axis) for name in self.names}
        silent = {name: order for name, order in orders.items() if order and name not in spoken}
        chosen = silent or orders
        top = max(chosen.values())
        return tuple(name for name, order in chosen.items() if order == top), top

    def _missing(
        self, needed: int, given: int, lacking: tuple[tuple[str, ...], int], tags: Sequence[str]
    ) -> None:
        names, order = lacking
        said = "nothing is" if not given else f"only {_plural(given, 'condition')} {_is(given)}"
        each = "" if len(tags) == 1 else " each"
        self._say(
            "conditions",
            f"{said} given on {_tags(tags)} where the equation needs {_plural(needed, 'condition')}{each}, "
            f"so that {listed(names)} {_is(len(names))} not determined; add one for {listed(names)} there, "
            f"such as {_example(names[0], tags[0], order)}",
        )

    @cached_property
    def _exact(self) -> bool:
        """Test whether a surplus condition can only contradict the others, and was not reported already."""
        searched = bool(self.problem.coefficients) or any(u.of is not None for u in self.problem.functions)
        return not searched and not overdetermined(self.problem)

    @property
    def _counted(self) -> bool:
        """Test whether a surplus on a face is reported: not for flows, whose outlets take p and du/dn = 0."""
        evolving = [n for t in self._count.time_axes for n in self.names if self._order_in_time(n, t)]
        return len(self.names) == 1 or len(evolving) == len(self.names)

    def _excess(self, where: str, given: int, takes: int) -> None:
        self._say(
            "conditions",
            f"{_plural(given, 'condition')} {_is(given)} given {where} where the equation takes "
            f"{takes or 'none'}: what comes from inside the domain contradicts them unless the solution "
            "happens to fit; drop some, or check the signs of the equation",
        )

    def _ends(self) -> None:
        """Compare the numbers for both ends of a single coordinate of space, or of time alone, together."""
        own, times = self._count.own_axes, self._count.time_axes
        axis, alone = next((i for i in own if i not in times), own[0]), len(own) == 1
        name = self.problem.domain.names[axis]
        factor = next(f for f in self.problem.domain.factors() if name in f.names)
        faces = [face for face in map(self._count.face, factor.faces) if face is not None]
        total = self._count.total(axis, faces)
        if total is None or not faces or all(set(face.circle) == set(self.names) for face in faces):
            return
        state = states()[0]
        given = sum(min(self._count.given(face, state)) for face in faces) + (self._inside if alone else 0)
        if given >= total:
            order = self._count.total(axis, faces, lost=False)
            set_here = sum(min(self._count.given(face, state)) for face in faces)
            if order is not None and set_here > order and alone and self._exact:
                self._excess(f"at the ends of {name}", set_here, order)
            return
        if axis in self._count.time_axes:
            self._start(total, given)
            return
        names, order = self._lacking(faces)
        bare = [face.tag for face in faces if not face.conditions] or [face.tag for face in faces]
        said = f"only {_plural(given, 'condition')} {_is(given)}" if given else "no condition is"
        self._say(
            "conditions",
            f"{said} given at the ends of {name} where the equation is of order {total} in {name}, so that "
            f"{listed(names)} {_is(len(names))} not determined; add one for {listed(names)}, such as "
            f"{_example(names[0], bare[0], order)}",
        )

    # -- time ------------------------------------------------------------------------------------------------

    def _time(self) -> None:
        """Compare what is given at the start and at the end of time with what the equation needs."""
        time = time_factor(self.problem.domain)
        assert time is not None
        axis = self._count.time_axes[0]
        circles = [c.circle() for c in self.problem.conditions]
        if not self._count.evolves or time.names[0] in circles:
            return
        start, end = (self._count.face(tag) for tag in time.faces)
        verdict = self._count.in_time(axis)
        if start is None or end is None or verdict is None:
            return
        (first, last), state = verdict, states()[0]
        at_start, at_end = min(self._count.given(start, state)), min(self._count.given(end, state))
        if last > at_end:
            waves = ", ".join(n for n in self.problem.domain.names if n not in time.names)
            self._say(
                "diffusion",
                f"short waves in {waves} grow without bound forward in time, the shorter the faster: the "
                f"equation is ill-posed from {start.tag} on, as backward diffusion is; check the signs of "
                "its highest derivatives (diffusion is u.t - D * u.xx with D > 0)",
                ERROR,
            )
            return
        pure = {name: self._order_in_time(name, axis) for name in self.names}
        if at_start < first:
            self._start(first, at_start, end if at_end else None)
        elif at_start < sum(pure.values()) and not last:
            silent = [n for n, order in pure.items() if order and n in self._lacking_start(start)]
            if silent:
                self._start(at_start + len(silent), at_start, end if at_end else None)
        if at_start >= first and at_end > last:
            self._say(
                "conditions",
                f"something is given on {end.tag} though the start of time determines the solution: the two "
                f"contradict each other unless the solution happens to end like that; drop that on {end.tag}",
            )

    def _order_in_time(self, name: str, axis: int) -> int:
        """The highest derivative of an unknown in time alone."""
        indices = self.problem.equation_term.needs[name]
        return max((len(index) for index in indices if set(index) == {axis}), default=0)

    def _lacking_start(self, start: Face) -> Iterator[str]:
        for name in self.names:
            if not any(self.problem.condition_terms[i].needs[name] for i in start.conditions):
                yield name

    def _start(self, needed: int, given: int, end: Face | None = None) -> None:
        """Report the initial conditions that are missing."""
        time = time_factor(self.problem.domain)
        assert time is not None
        start = self._count.face(time.faces[0])
        assert start is not None
        axis = self._count.time_axes[0]
        silent = [name for name in self._lacking_start(start) if self._order_in_time(name, axis)]
        t = time.names[0]
        if silent:
            orders = {name: self._order_in_time(name, axis) for name in silent}
            second = any(order > 1 for order in orders.values())
            example = f"Initial({silent[0]!r}, ...{', velocity=...' if second else ''})"
            what = "initial value and velocity" if second else "initial value"
            sentence = f"{listed(silent)} {'has' if len(silent) == 1 else 'have'} no {what}; add {example}"
        else:
            moving = [n for n in self.names if self._order_in_time(n, axis) > 1] or [*self.names]
            lacks = "lacks" if len(moving) == 1 else "lack"
            sentence = (
                f"{_plural(given, 'condition')} {_is(given)} given at {start.tag} but the equation is of "
                f"order {needed} in {t}: {listed(moving)} {lacks} the initial velocity; add it, "
                f"Initial({moving[0]!r}, value, velocity=...)"
            )
        if end is not None:
            sentence += f"; what is given on {end.tag} does not replace it: the equation runs forward in time"
        self._say("conditions", sentence)

    # -- the rest --------------------------------------------------------------------------------------------

    def _seams(self) -> None:
        """Report a value on a face across which the same unknown is periodic."""
        for tag in self.problem.domain.faces:
            circles = {
                name
                for c in self.problem.conditions
                if c.circle() is not None and tag in c.faces(self.problem.domain)
                for name in c.unknowns() or self.names
            }
            for c in self.problem.conditions:
                given = c.prescribed()
                if given is None or given.start or given.unknown not in circles:
                    continue
                if tag in c.faces(self.problem.domain):
                    self._say(
                        "conditions",
                        f"{given.unknown} is periodic across {tag} and prescribed there too: one condition "
                        "too many; drop one of the two",
                    )
                    return

    def _freedom(self) -> None:
        """Report functions that can be added to a solution, and the solution that is zero."""
        sentence = free_functions(self.problem)
        if sentence is not None:
            self._say("uniqueness", sentence)
        if self.problem.eigenvalue is None and zero_solves(self.problem):
            names = listed(self.names)
            self._say(
                TRIVIAL,
                f"{names} = 0 solves the equation with all conditions, because no data differ from zero; if "
                "another solution is meant (an eigenfunction, a density), add what fixes its size, such as "
                "a value at a point",
            )

    def _coefficients(self) -> None:
        """Report coefficients that neither observations nor surplus conditions determine."""
        names = [c.name for c in self.problem.coefficients]
        if self.problem.eigenvalue is None and names and not self._observed and not self._more_than_needed():
            self._say(
                "coefficients",
                f"nothing determines {listed(names)}: there are no observations, and no more conditions than "
                "the equation takes; add Observations, or a condition more",
            )

    def _more_than_needed(self) -> bool:
        """Test for conditions beyond those of the equation, which may determine a coefficient."""
        faces = [face for face in map(self._count.face, self.problem.domain.faces) if face is not None]
        state = states()[0]
        given = [min(self._count.given(face, state)) for face in faces]
        if len(self._count.own_axes) == 1:
            order = self._count.total(self._count.own_axes[0], faces, lost=False)
            return order is None or sum(given) + self._inside > order
        if any(c.integrates for c in self.problem.conditions):
            return True
        in_space = self.problem.domain.spatial_faces
        verdicts = [self._count.compared(face) for face in faces if face.tag in in_space]
        time = time_factor(self.problem.domain)
        last = None if time is None else time.faces[1]
        at_end = any(n for face, n in zip(faces, given, strict=True) if face.tag == last)
        return at_end or any(v is not None and v[1] > v[0] for v in verdicts)


def _tags(tags: Sequence[str]) -> str:
    return ", ".join(tags) if len(tags) <= 6 else f"{', '.join(tags[:5])} and {len(tags) - 5} more faces"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _example(name: str, tag: str, order: int) -> str:
    value = f"Dirichlet({name!r}, ..., on={tag!r})"
    return f"{value} or Neumann({name!r}, ..., on={tag!r})" if order > 1 else value
