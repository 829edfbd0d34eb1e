"""Whether a problem has enough conditions, each where the equation asks for it: examined before any training.

On every face the number of independent conditions that are given, the rank of their linearisation, is compared
with the number needed, which `symbol.py` reads off the linearised equation at points of the face; so are the
start and the end of time.  States and points are random, and only what all of them agree on is said: where the
type of the equation changes, or the sign of a velocity, nothing is.  An unknown that the data leave free is
found in `uniqueness.py`, a coefficient that is infinite somewhere in `singular.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Generator, Tensor

from .conditions import Condition, Dirichlet, Periodic, Sites, time_factor
from .fields import MultiIndex, spell
from .findings import NOTE, WARNING, Finding, listed
from .linearised import Channel, State, linearise, states
from .observations import Observations
from .symbol import Symbol
from .singular import poles
from .uniqueness import free_functions, zero_solves

if TYPE_CHECKING:
    from .base import Problem

POINTS = 3  # of a face, or inside, at which the equation is frozen
DRAWN = 64  # of a face, of which those are taken
NUDGE = 1e-3  # so far inside, relative to the extent, where a coefficient is infinite on the face
SIDE, SIDES = 300.0, (1e3, 1e4, 1e5)  # frequencies along a face, per extent, with and without time
GROWTHS = (1e6, 1e7, 1e8)  # and growths, per duration
WAVES = (1.0, 1e4)  # frequencies in space that are compared in time
FEW = 8  # so many values pin a constant; more of them are data that make up for conditions
LARGEST = 8  # system of which determinants are expanded


def examine(problem: Problem) -> tuple[Finding, ...]:
    """What can be said of a problem before it is solved; nothing of one that seems well-posed."""
    return (*_Examination(problem).run(),)


@dataclass
class _Face:
    """Points of a face with the conditions there."""

    tag: str
    points: Tensor
    normals: Tensor
    conditions: list[tuple[int, Condition]]  # with their positions
    circle: tuple[str, ...] = ()  # unknowns that are periodic across it


@dataclass
class _Examination:
    problem: Problem
    found: list[Finding] = field(default_factory=list)

    def run(self) -> list[Finding]:
        self._system()
        square = self.problem.equation_term.rows == len(self.names) <= LARGEST
        if square and not self.found:
            if self.problem.domain.dim - len(self._time_axes) == 1 or self.problem.domain.dim == 1:
                self._ends()
            else:
                self._faces()
            if self._time_axes and self.problem.domain.dim > 1:
                self._time()
        if not self.found and not self.problem.conditions and self._differential:
            self._say(
                "conditions",
                f"nothing but the equation speaks of {listed(self.names)}: the problem has no conditions, and "
                "infinitely many solutions; add Dirichlet, Neumann, Initial or others",
            )
        self._seams()
        if not self.found:
            self._freedom()
        self.found += poles(self.problem)
        return self.found

    # -- what there is ---------------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        return self.problem.unknown_names

    @cached_property
    def _time_axes(self) -> list[int]:
        time = time_factor(self.problem.domain)
        return [] if time is None else [self.problem.domain.names.index(time.names[0])]

    @cached_property
    def _evolves(self) -> bool:
        needs = self.problem.equation_term.needs.values()
        return any(axis in index for indices in needs for index in indices for axis in self._time_axes)

    @cached_property
    def _differential(self) -> bool:
        return any(index for indices in self.problem.equation_term.needs.values() for index in indices)

    @cached_property
    def _observed(self) -> int:
        return sum(c.count for c in self.problem.conditions if isinstance(c, Observations))

    @cached_property
    def _extent(self) -> Tensor:
        return self.problem.domain.bounds[1] - self.problem.domain.bounds[0]

    def _say(self, topic: str, sentence: str, severity: str = WARNING) -> None:
        if self._observed > FEW and severity == WARNING:
            severity, sentence = NOTE, f"{sentence} (the observations may make up for it)"
        self.found.append(Finding(severity, topic, sentence))

    # -- counting --------------------------------------------------------------------------------------------

    def _system(self) -> None:
        equations, unknowns = self.problem.equation_term.rows, len(self.names)
        if equations < unknowns and not self._observed:
            few, free = _plural(equations, "equation"), _plural(unknowns, "unknown")
            self._say(
                "equations",
                f"{few} for {free} ({', '.join(self.names)}), and no observations: infinitely many solutions; "
                "add what is missing",
            )

    def _face(self, tag: str) -> _Face | None:
        """Points of a face; None where a set operation has left nothing of it."""
        generator = Generator().manual_seed(17)
        drawn: list[tuple[Tensor, Tensor]] = []
        for patch in self.problem.domain.face_patches():
            if patch.tag == tag:
                u = torch.rand(DRAWN, len(patch.lengths), generator=generator, dtype=torch.float64)
                points, normals, keep = patch.draw(u)
                drawn.append((points[keep][:POINTS], normals[keep][:POINTS]))
        points, normals = torch.cat([p for p, _ in drawn])[:POINTS], torch.cat([n for _, n in drawn])[:POINTS]
        if not len(points):
            return None
        here = [
            (i, c)
            for i, c in enumerate(self.problem.conditions)
            if not isinstance(c, Periodic) and tag in c.faces(self.problem.domain)
        ]
        circle = [
            name
            for c in self.problem.conditions
            if isinstance(c, Periodic) and tag in c.faces(self.problem.domain)
            for name in c.unknowns() or self.names
        ]
        return _Face(tag, points, normals, here, tuple(dict.fromkeys(circle)))

    def _symbols(self, points: Tensor, state: State, inward: Tensor | None = None) -> list[Symbol | None]:
        """The equation frozen at points; None where it is not finite."""
        frozen = linearise(self.problem, self.problem.equation_term, Sites(points), state)
        if inward is not None and not frozen.finite.all():
            inside = points + NUDGE * inward * self._extent.max()
            return self._symbols(inside, state)
        out: list[Symbol | None] = []
        for i, finite in enumerate(frozen.finite.tolist()):
            entries = [
                (k, self.names.index(name), index, float(frozen.slopes[k, c, i]))
                for k in range(len(frozen.slopes))
                for c, (name, index) in enumerate(frozen.channels)
                if frozen.slopes[k, c, i] != 0
            ]
            out.append(Symbol(entries, len(self.names)) if finite else None)
        return out

    def _given(self, face: _Face, state: State) -> list[int]:
        """The number of independent conditions at each point of a face."""
        slopes: list[dict[tuple[int, int], Tensor]] = [{} for _ in face.points]
        channels: dict[Channel, int] = {}
        rows = 0
        for position, _ in face.conditions:
            term = self.problem.condition_terms[position]
            found = linearise(self.problem, term, Sites(face.points, face.normals), state)
            for c, channel in enumerate(found.channels):
                column = channels.setdefault(channel, len(channels))
                for i in range(len(face.points)):
                    for k in range(len(found.slopes)):
                        slopes[i][rows + k, column] = found.slopes[k, c, i]
            rows += len(found.slopes)
        axis = int(face.normals[0].abs().argmax())
        seam = sum(-(-self._order(name, axis) // 2) for name in face.circle)
        out = []
        for entries in slopes:
            matrix = np.zeros((max(rows, 1), max(len(channels), 1)))
            for place, value in entries.items():
                matrix[place] = np.nan_to_num(float(value))
            size = np.abs(matrix).max(1, keepdims=True)
            matrix = matrix / np.where(size > 0, size, 1.0)
            out.append(int(np.linalg.matrix_rank(matrix, tol=1e-9)) + seam)
        return out

    def _order(self, name: str, axis: int) -> int:
        """The highest derivative of an unknown in the equation along a coordinate."""
        return max((index.count(axis) for index in self.problem.equation_term.needs[name]), default=0)

    def _frequencies(self, normal: Tensor) -> list[np.ndarray]:
        """Waves along a face with this normal, [dim] each; with growth where there is time."""
        wave = torch.randn(len(self._extent), generator=Generator().manual_seed(19), dtype=torch.float64)
        wave = wave / self._extent
        wave[self._time_axes] = 0.0
        wave = wave - (wave @ normal) * normal
        size = float((wave * self._extent).norm()) or 1.0
        out = []
        pairs = [(SIDE, p) for p in GROWTHS] if self._evolves else [(side, 0.0) for side in SIDES]
        for side, growth in pairs:
            frequency = (1j * side / size * wave.to(torch.complex128)).numpy()
            for axis in self._time_axes:
                frequency[axis] = growth / float(self._extent[axis])
            out.append(frequency)
        return out

    # -- faces -----------------------------------------------------------------------------------------------

    def _faces(self) -> None:
        """Compare what is given on each face with what is needed, in two and more dimensions of space."""
        missing: dict[tuple[int, int, tuple[str, ...]], list[str]] = {}
        for tag in self.problem.domain.spatial_faces:
            face = self._face(tag)
            verdict = None if face is None else self._compared(face)
            if face is not None and verdict is not None and verdict[0] > verdict[1]:
                key = (*verdict, self._lacking(face, int(face.normals[0].abs().argmax())))
                missing.setdefault(key, []).append(tag)
        for (needed, given, lacking), tags in missing.items():
            self._missing(needed, given, lacking, tags)

    def _compared(self, face: _Face) -> tuple[int, int] | None:
        """Conditions needed and given on a face, where all states and points agree that they differ."""
        verdicts = set()
        for state in states():
            symbols = self._symbols(face.points, state, -face.normals)
            for symbol, normal, given in zip(symbols, face.normals, self._given(face, state), strict=True):
                if symbol is None:
                    continue
                inward = -normal / float((normal.abs() * self._extent).sum())
                needed = symbol.needed(inward.numpy(), self._frequencies(normal))
                if needed is None or needed == given:
                    return None
                verdicts.add((needed, given))
        if not verdicts or len({needed > given for needed, given in verdicts}) > 1:
            return None
        return min(verdicts)

    def _lacking(self, face: _Face, axis: int) -> tuple[str, ...]:
        """The unknowns to name: of highest order across the face, if possible not spoken of there."""
        spoken = {
            name
            for position, _ in face.conditions
            for name, indices in self.problem.condition_terms[position].needs.items()
            if indices
        } | set(face.circle)
        axes = [i for i in range(len(self._extent)) if i not in self._time_axes] if axis < 0 else [axis]
        orders = {name: max(self._order(name, a) for a in axes) for name in self.names}
        silent = {name: order for name, order in orders.items() if order and name not in spoken}
        chosen = silent or {name: order for name, order in orders.items() if order}
        top = max(chosen.values(), default=0)
        return tuple(name for name, order in chosen.items() if order == top) or self.names

    def _missing(self, needed: int, given: int, lacking: Sequence[str], tags: Sequence[str]) -> None:
        said = "nothing is" if not given else f"only {_plural(given, 'condition')} {_is(given)}"
        each = "" if len(tags) == 1 else " each"
        where = ", ".join(tags) if len(tags) <= 6 else f"{', '.join(tags[:5])} and {len(tags) - 5} more faces"
        self._say(
            "conditions",
            f"{said} given on {where} where the equation needs {_plural(needed, 'condition')}{each}, so that "
            f"{listed(tuple(lacking))} {'is' if len(lacking) == 1 else 'are'} not determined; add one for "
            f"{listed(tuple(lacking))} there, such as {_example(lacking[0], tags[0])}",
        )

    def _ends(self) -> None:
        """One dimension of space, or time alone: first the number for both ends together, then for each."""
        axis = next(
            (i for i in range(len(self._extent)) if i not in self._time_axes), self._time_axes[0] if self._time_axes else 0
        )
        tags = [f for s in self.problem.domain.factors() if axis in self._axes_of(s.names) for f in s.faces]
        faces = [face for face in map(self._face, tags) if face is not None]
        total = self._total(axis)
        if total is None or not faces:
            return
        if all(face.circle for face in faces) and set(faces[0].circle) == set(self.names):
            return
        state = states()[0]
        alone = self.problem.domain.dim == 1
        given = sum(min(self._given(face, state)) for face in faces) + (self._observed if alone else 0)
        if given < total:
            if self._time_axes and alone:
                self._start(total, given)
                return
            lacking = self._lacking(_Face("", faces[0].points, faces[0].normals, [c for f in faces for c in f.conditions]), axis)
            bare = [face.tag for face in faces if not face.conditions] or tags
            said = f"only {_plural(given, 'condition')} {_is(given)}" if given else "no condition is"
            name = self.problem.domain.names[axis]
            self._say(
                "conditions",
                f"{said} given at the ends of {name} where the equation is of order {total} in {name} and needs "
                f"{total}, so that {listed(lacking)} {'is' if len(lacking) == 1 else 'are'} not determined; "
                f"add one for {listed(lacking)}, such as {_example(lacking[0], bare[0])}",
            )
        elif not alone:
            self._faces()

    def _axes_of(self, names: Sequence[str]) -> list[int]:
        return [self.problem.domain.names.index(name) for name in names]

    def _total(self, axis: int) -> int | None:
        """The order of the system along a coordinate: the degree of its determinant, the least that is found."""
        points = self.problem.domain.interior(POINTS, Generator().manual_seed(23))
        direction = np.zeros(len(self._extent))
        direction[axis] = 1 / float(self._extent[axis])
        frequency = np.zeros(len(self._extent), dtype=np.complex128)
        if axis not in self._time_axes:
            for time in self._time_axes:
                frequency[time] = GROWTHS[0] / float(self._extent[time])
        counts = []
        for state in states():
            for symbol in self._symbols(points, state):
                roots = None if symbol is None else symbol.roots(direction, frequency)
                if symbol is not None and roots is None:
                    return None
                counts += [] if roots is None else [len(roots)]
        return min(counts, default=None)

    # -- time ------------------------------------------------------------------------------------------------

    def _time(self) -> None:
        """Compare what is given at the start and at the end of time with what the equation needs."""
        time = time_factor(self.problem.domain)
        assert time is not None
        axis = self._time_axes[0]
        if not self._evolves or any(isinstance(c, Periodic) and c.on == time.names[0] for c in self.problem.conditions):
            return
        start, end = (self._face(tag) for tag in time.faces)
        verdict = self._in_time(axis)
        if start is None or end is None or verdict is None:
            return
        (first, last), state = verdict, states()[0]
        at_start, at_end = min(self._given(start, state)), min(self._given(end, state))
        if last > at_end:
            waves = ", ".join(n for n in self.problem.domain.names if n not in time.names)
            rising = "u.t - u.xx" if self.names == ("u",) else "the highest derivatives in space"
            self._say(
                "diffusion",
                f"short waves in {waves} grow without bound forward in time, the faster the shorter they are: "
                f"the equation is ill-posed from {start.tag} on (backward diffusion?); check the sign of "
                f"{rising}" + (" (diffusion is u.t - D * u.xx with D > 0)" if rising != "u.t - u.xx" else " (not u.t + u.xx)"),
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
                f"contradict each other unless the solution happens to end like that; drop the condition on {end.tag}",
            )

    def _in_time(self, axis: int) -> tuple[int, int] | None:
        """Numbers of conditions at start and end on which all states and points agree."""
        points = self.problem.domain.interior(POINTS, Generator().manual_seed(29))
        wave = torch.randn(len(self._extent), generator=Generator().manual_seed(31), dtype=torch.float64)
        wave[axis] = 0.0
        unit = (1j * (wave / self._extent / wave.norm()).to(torch.complex128)).numpy()
        direction = np.zeros(len(self._extent))
        direction[axis] = 1 / float(self._extent[axis])
        counts = set()
        for state in states():
            for symbol in self._symbols(points, state):
                if symbol is not None:
                    counts.add(symbol.in_time(direction, WAVES[0] * unit, WAVES[1] * unit))
        return counts.pop() if len(counts) == 1 else None

    def _order_in_time(self, name: str, axis: int) -> int:
        """The highest derivative of an unknown in time alone."""
        indices = self.problem.equation_term.needs[name]
        return max((len(index) for index in indices if set(index) == {axis}), default=0)

    def _lacking_start(self, start: _Face) -> Iterator[str]:
        for name in self.names:
            if not any(self.problem.condition_terms[i].needs[name] for i, _ in start.conditions):
                yield name

    def _start(self, needed: int, given: int, end: _Face | None = None) -> None:
        """Say what lacks at the start of time."""
        time = time_factor(self.problem.domain)
        assert time is not None
        start = self._face(time.faces[0])
        assert start is not None
        axis = self._time_axes[0]
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
            sentence = (
                f"{_plural(given, 'condition')} {_is(given)} given at {time.faces[0]} but the equation is of order "
                f"{needed} in {t}: {listed(moving)} {'lacks' if len(moving) == 1 else 'lack'} the initial velocity; "
                f"add it, Initial({moving[0]!r}, value, velocity=...)"
            )
        if end is not None:
            sentence += f"; what is given on {end.tag} does not replace it: the equation runs forward in time"
        self._say("conditions", sentence)

    # -- the rest --------------------------------------------------------------------------------------------

    def _seams(self) -> None:
        """A value on a face across which the same unknown is periodic."""
        for tag in self.problem.domain.faces:
            circles = {
                name
                for c in self.problem.conditions
                if isinstance(c, Periodic) and tag in c.faces(self.problem.domain)
                for name in c.unknowns() or self.names
            }
            for c in self.problem.conditions:
                if isinstance(c, Dirichlet) and c.unknown in circles and tag in c.faces(self.problem.domain):
                    self._say(
                        "conditions",
                        f"{c.unknown} is periodic across {tag} and prescribed there too: one condition too many; "
                        "drop one of the two",
                    )
                    return

    def _freedom(self) -> None:
        """What can be added to a solution, and the solution that is zero."""
        for sentence in free_functions(self.problem):
            self._say("uniqueness", sentence)
        if zero_solves(self.problem):
            names = listed(self.names)
            self._say(
                "trivial solution",
                f"{names} = 0 solves the equation with all conditions, because no data differ from zero; if another "
                "solution is meant (an eigenfunction, a density), add what fixes its size, such as a value at a point",
            )


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _example(name: str, tag: str) -> str:
    return f"Dirichlet({name!r}, ..., on={tag!r}) or Neumann({name!r}, ..., on={tag!r})"
