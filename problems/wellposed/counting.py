"""Number of independent conditions that a problem has on a face, and that its equation needs there.

What is given is the rank of the conditions' linearisation; what is needed is read off the linearised equation
at points of the face (`symbol.py`).  States and points are random, and only what all of them agree on counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Generator, Tensor

from ..conditions.base import Sites, family_names, time_factor
from .linearised import Linearisation, State, linearise, states
from .symbol import SIDEWAYS, Symbol

if TYPE_CHECKING:
    from ..description import Description

POINTS = 3  # of a face, or inside, at which the equation is frozen
DRAWN, MANY = 64, 16  # drawn of a face, and taken where too much seems to be given
INSIDE = 0.01  # how far inside the domain is a little, in extents
SIDE, SIDES = 300.0, (1e3, 1e4, 1e5)  # frequencies along a face, per extent, with and without time
GROWTHS = (1e6, 1e7, 1e8)  # and growths, per duration
TYPICAL, NOTHING = 16, 1e-14  # points inside, and what of a coefficient's size there counts as zero
WAVES = (1.0, 1e4)  # frequencies in space that are compared in time


@dataclass
class Face:
    """Points of a face with the conditions there.

    Attributes:
        tag: Its name.
        points: [n, dim].
        normals: [n, dim], outward.
        conditions: Positions of the conditions that hold there, without periodicity.
        circle: Unknowns that are periodic across it.
    """

    tag: str
    points: Tensor
    normals: Tensor
    conditions: list[int]
    circle: tuple[str, ...] = ()


@dataclass
class Counter:
    """Numbers of conditions of a problem, given and needed."""

    problem: Description

    @property
    def names(self) -> tuple[str, ...]:
        """The unknowns."""
        return self.problem.unknown_names

    @cached_property
    def time_axes(self) -> list[int]:
        """Position of time among the coordinates: a list of one number, or none."""
        time = time_factor(self.problem.domain)
        return [] if time is None else [self.problem.domain.names.index(time.names[0])]

    @cached_property
    def own_axes(self) -> list[int]:
        """Positions of the coordinates that are no parameters."""
        names, family = self.problem.domain.names, family_names(self.problem.domain)
        return [i for i, name in enumerate(names) if name not in family]

    @cached_property
    def evolves(self) -> bool:
        """Test whether the equation has a derivative in time."""
        needs = self.problem.equation_term.needs.values()
        return any(axis in index for indices in needs for index in indices for axis in self.time_axes)

    @cached_property
    def extent(self) -> Tensor:
        """Lengths of the domain's bounding box along the coordinates, [dim]."""
        return self.problem.domain.bounds[1] - self.problem.domain.bounds[0]

    def face(self, tag: str, count: int = POINTS) -> Face | None:
        """Draw at most `count` points of a face; None where a set operation has left nothing of it."""
        generator = Generator().manual_seed(17)
        drawn: list[tuple[Tensor, Tensor]] = []
        for patch in self.problem.domain.face_patches():
            if patch.tag == tag:
                u = torch.rand(DRAWN, len(patch.lengths), generator=generator, dtype=torch.float64)
                points, normals, keep = patch.draw(u)
                drawn.append((points[keep][:count], normals[keep][:count]))
        points, normals = torch.cat([p for p, _ in drawn])[:count], torch.cat([n for _, n in drawn])[:count]
        if not len(points):
            return None
        here = [
            i
            for i, c in enumerate(self.problem.conditions)
            if c.circle() is None and tag in c.faces(self.problem.domain)
        ]
        circle = [
            name
            for c in self.problem.conditions
            if c.circle() is not None and tag in c.faces(self.problem.domain)
            for name in c.unknowns() or self.names
        ]
        if any(tag == f.centre for f in self.problem.domain.factors()):
            circle = [*self.names]  # as many conditions: smooth by construction
        return Face(tag, points, normals, here, tuple(dict.fromkeys(circle)))

    def _symbols(self, points: Tensor, state: State) -> list[Symbol | None]:
        """The equation frozen at points; None where it is not finite."""
        frozen = linearise(self.problem, self.problem.equation_term, self.problem.at(points), state).local
        present = self._present(frozen, state)
        out: list[Symbol | None] = []
        slopes = torch.where(present, frozen.slopes, 0.0).permute(2, 0, 1).tolist()  # [point][row][channel]
        for rows, finite in zip(slopes, frozen.finite.tolist(), strict=True):
            entries = tuple(
                (k, self.names.index(name), index, value)
                for k, row in enumerate(rows)
                for (name, index), value in zip(frozen.channels, row, strict=True)
                if value != 0
            )
            out.append(Symbol(entries, len(self.names)) if finite else None)
        return out

    def _present(self, frozen: Linearisation, state: State) -> Tensor:
        """Test coefficients for being more than rounding, bool [rows, channels, n].

        sin(theta)^2 is 1.5e-32 at theta = pi, not zero.  So a coefficient is compared with its own size
        inside the domain, and the share that is left with that of the others in its row, whatever the units.
        """
        inner = self.problem.domain.interior(TYPICAL, Generator().manual_seed(53))
        inside = linearise(self.problem, self.problem.equation_term, self.problem.at(inner), state).local
        size = torch.where(torch.isfinite(inside.slopes), inside.slopes.abs(), 0.0).amax(2, keepdim=True)
        share = frozen.slopes.abs() / torch.where(size > 0, size, 1.0)
        return (share > 0) & (share >= NOTHING * share.amax(1, keepdim=True))

    def given(self, face: Face, state: State) -> list[int]:
        """The number of independent conditions at each point of a face."""
        blocks = []
        for position in face.conditions:
            term = self.problem.condition_terms[position]
            blocks.append(linearise(self.problem, term, Sites(face.points, face.normals), state))
        channels = [*dict.fromkeys(channel for found in blocks for channel in found.channels)]
        rows = sum(len(found.slopes) for found in blocks)
        matrix = np.zeros((len(face.points), max(rows, 1), max(len(channels), 1)))
        row = 0
        for found in blocks:
            columns = [channels.index(channel) for channel in found.channels]
            end = row + len(found.slopes)
            matrix[:, row:end, columns] = np.nan_to_num(found.slopes.permute(2, 0, 1).numpy())
            row = end
        axis = int(face.normals[0].abs().argmax())
        seam = sum(-(-self.order(name, axis) // 2) for name in face.circle)
        size = np.abs(matrix).max(2, keepdims=True)
        ranks = np.linalg.matrix_rank(matrix / np.where(size > 0, size, 1.0), tol=1e-9)
        return [int(rank) + seam for rank in ranks]

    def order(self, name: str, axis: int) -> int:
        """The highest derivative of an unknown in the equation along a coordinate."""
        return max((index.count(axis) for index in self.problem.equation_term.needs[name]), default=0)

    def _frequencies(self, normal: Tensor) -> list[np.ndarray]:
        """Waves along a face with this normal, [dim] each; with growth where there is time."""
        wave = torch.randn(len(self.extent), generator=Generator().manual_seed(19), dtype=torch.float64)
        wave = wave / self.extent
        wave[self.time_axes] = 0.0
        wave = wave - (wave @ normal) * normal
        size = float((wave * self.extent).norm()) or 1.0
        out = []
        pairs = [(SIDE, p) for p in GROWTHS] if self.evolves else [(side, 0.0) for side in SIDES]
        for side, growth in pairs:
            frequency = (1j * side / size * wave.to(torch.complex128)).numpy()
            for axis in self.time_axes:
                frequency[axis] = growth / float(self.extent[axis])
            out.append(frequency)
        return out

    def compared(self, face: Face) -> tuple[int, int] | None:
        """Conditions needed and given on a face, where all states and points agree that they differ."""
        verdicts = set()
        for state in states():
            symbols = self._symbols(face.points, state)
            for symbol, normal, given in zip(symbols, face.normals, self.given(face, state), strict=True):
                if symbol is None:
                    continue
                inward = -normal / float((normal.abs() * self.extent).sum())
                needed = symbol.needed(inward.numpy(), self._frequencies(normal))
                if needed is None or needed == given:
                    return None
                verdicts.add((needed, given))
        if not verdicts or len({needed > given for needed, given in verdicts}) > 1:
            return None
        return min(verdicts)

    def excessive(self, face: Face) -> tuple[int, int] | None:
        """Conditions needed and given on a face with too many of them, as many more points agree.

        Not where the equation takes more of them a little inside: a condition at the centre of polar
        coordinates, where the highest coefficient vanishes, tells the regular solution from the others.
        """
        verdict = self.compared(face)
        many = self.face(face.tag, MANY)
        if verdict is None or verdict[0] > verdict[1] or face.circle or many is None:
            return None
        inside = replace(many, points=many.points - INSIDE * self.extent * many.normals)
        for places in (many, inside):
            again = self.compared(places)
            if again is None or again[0] > again[1]:
                return None
        return verdict

    def total(self, axis: int, faces: Sequence[Face], lost: bool = True) -> int | None:
        """Conditions needed at both ends of a coordinate together, the least on which all states agree.

        For a boundary value problem that is the order, less what the equation loses where its highest
        coefficient vanishes at an end (`lost`).  In an evolution what decays from either end, and what is
        constant.
        """
        inner = self.problem.domain.interior(POINTS, Generator().manual_seed(23))
        time = self.evolves and axis not in self.time_axes
        totals = []
        for state in states():
            inside = self._degrees(inner, state, axis, time)
            ends = [self._degrees(face.points, state, axis, time, face.normals) for face in faces]
            if inside is None or any(end is None for end in ends):
                return None
            if time and min(inside):
                totals.append(sum(min(end) for end in ends if end) + min(inside))
            elif time:
                return None
            else:
                fewer = sum(max(0, min(inside) - min(end)) for end in ends if end)
                totals.append(min(inside) - lost * fewer)
        return min(totals)

    def _degrees(
        self, points: Tensor, state: State, axis: int, time: bool, normals: Tensor | None = None
    ) -> list[int] | None:
        """The order along a coordinate at points.

        In an evolution: the number of roots that are zero; on a face, of those that decay inwards.
        """
        direction = np.zeros(len(self.extent))
        direction[axis] = (1.0 if normals is None else -float(normals[0, axis])) / float(self.extent[axis])
        frequency = np.zeros(len(self.extent), dtype=np.complex128)
        for t in self.time_axes if time else ():
            frequency[t] = GROWTHS[-1] / float(self.extent[t])
        out = []
        for symbol in self._symbols(points, state):
            roots = None if symbol is None else symbol.roots(direction, frequency)
            if roots is None:
                return None
            still = np.abs(roots) == 0
            if not time:
                out.append(len(roots))
            elif (np.abs(roots.real) <= SIDEWAYS * np.abs(roots))[~still].any():
                return None
            else:
                out.append(int(still.sum()) if normals is None else int((roots.real < 0).sum()))
        return out

    def in_time(self, axis: int) -> tuple[int, int] | None:
        """Numbers of conditions at start and end on which all states and points agree."""
        points = self.problem.domain.interior(POINTS, Generator().manual_seed(29))
        wave = torch.randn(len(self.extent), generator=Generator().manual_seed(31), dtype=torch.float64)
        wave[axis] = 0.0
        unit = (1j * (wave / self.extent / wave.norm()).to(torch.complex128)).numpy()
        direction = np.zeros(len(self.extent))
        direction[axis] = 1 / float(self.extent[axis])
        counts = set()
        for state in states():
            for symbol in self._symbols(points, state):
                if symbol is not None:
                    counts.add(symbol.in_time(direction, WAVES[0] * unit, WAVES[1] * unit))
        return counts.pop() if len(counts) == 1 else None
