"""Which conditions are built into the ansatz, so that no training is spent on them.

A construction that would be worse than a weighted term is not used: data that contradict each other in a
corner, and data that are not smooth (`given.py`), or not on the circle which a periodic coordinate closes:
their kink would stay in u for ever.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ...errors import InputError
from ...geometry import Ball, Domain, Interval, Mesh, Polygon, Time
from ..conditions.base import Condition, Feature, Known, Prescribed, time_names, value_at
from ..fields import derivatives, parameter_names
from ..functions.given import OPAQUE, Slice, is_opaque, spline_of, unsmooth
from ..symmetry.symmetry import Symmetry, smooth_across
from ..unknowns import Unknown
from .ansatz import Ansatz, Coordinate, Function, from_start, interpolant, product, total
from .corners import corner_features
from .outline import Outline, away_from, joined
from .singular import Singularity

SMOOTH = 1e-7  # a relative jump below this is rounding
COMPATIBLE = 1e-9  # so is a relative difference below this between two conditions,
TOLERABLE = 1e-6  # and below this it does less harm than a weighted term
CLOSE = (1e-9, 1e-12)  # distances from a corner, of the way there, at which two conditions are compared
STAYS = 0.5  # what is left at the second of a difference that is one in the limit, at least
INSIDE = 0.01  # so far from the walls, in lengths, a known part has to be smooth
NUDGE = 1e-9  # so far from a corner, in half lengths, a part that jumps there is evaluated
VALUE, RATE = 0, 1  # positions of what a condition prescribes
BLENDED = 3  # coordinates between whose faces varying data are interpolated


class AnsatzBuilder:
    """Decides which conditions are built in, and builds.

    Args:
        domain: The domain.
        unknowns: The unknowns.
        conditions: The conditions.
        symmetries: What `symmetry.Finder` found, by coordinate.
        known: Values of the coefficients.
        orders: Highest derivative of an unknown in the equation, by coordinate.
        particular: Known parts of unknowns; the rest of this class is about what is missing.
        scales: Half lengths by which features of coordinates are scaled, where they are given.
        singular: Known parts of the only unknown that kinks and jumps in the data start.
    """

    def __init__(
        self,
        domain: Domain,
        unknowns: tuple[Unknown, ...],
        conditions: tuple[Condition, ...],
        symmetries: Mapping[str, Symmetry],
        known: Known,
        orders: Mapping[str, int],
        particular: Mapping[str, Callable[..., Tensor]] | None = None,
        scales: Mapping[str, float] | None = None,
        singular: tuple[Singularity, ...] = (),
    ) -> None:
        self.domain, self.conditions = domain, conditions
        self.functions, self.unknowns = unknowns, tuple(u.name for u in unknowns)
        self.known, self.orders = known, orders
        self.particular = particular or {}
        self.known_parts = {name: self._as_given(name) for name in self.particular}
        if singular:
            self.known_parts[self.unknowns[0]] = _sum([part.function for part in singular])
        self.messages = [part.note for part in singular]
        self.contradictions: list[str] = []
        self.refused: list[Condition] = []
        self.replaced: dict[tuple[int, int], Function] = {}  # by identity of the condition, and VALUE or RATE
        self.outline = Outline.of(domain)
        self.periodic = self._circles()
        circles = {c.circle() for c in self.periodic}
        self.coordinates = {
            shape.names[0]: Coordinate(
                shape,
                domain.names.index(shape.names[0]),
                shape.names[0] in circles,
                symmetries.get(shape.names[0], Symmetry()),
                (scales or {}).get(shape.names[0]),
            )
            for shape in self.outline.factors
            if isinstance(shape, Interval)
        }

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

    def build(self) -> Ansatz:
        """The ansatz.

        Raises:
            InputError: A condition with hard=True has no exact construction.
        """
        self._refuse_what_is_dear()
        self._judge_data()
        self._refuse_what_is_not_smooth()
        self._refuse_contradictions()
        exact: list[Condition] = [*self.periodic]
        extension: dict[str, Function | None] = {}
        factor: dict[str, Function | None] = {}
        for j, name in enumerate(self.unknowns):
            extension[name], factor[name], built = self._unknown(j, name)
            if name in self.known_parts:
                extension[name] = total(self._part(name), extension[name])
            exact += built
        for condition in self.conditions:
            if condition.hard and not any(condition is c for c in exact):
                raise InputError(
                    f"{condition.describe(self.domain)}: hard=True, but there is no exact construction for "
                    f"it on {self.domain!r}; leave hard out to make it a weighted term"
                )
        columns = self._features()
        inputs = {
            u.name: tuple(i for i, (*_, of) in enumerate(columns) if u.reads(of)) for u in self.functions
        }
        return Ansatz(
            tuple(function for _, function, _ in columns),
            tuple(name for name, *_ in columns),
            inputs,
            {u.name: u.init for u in self.functions if u.positive},
            extension,
            factor,
            tuple(exact),
            tuple(dict.fromkeys(self.messages)),
            tuple(self.contradictions),
        )

    def _features(self) -> list[tuple[str, Function, tuple[str, ...]]]:
        """What the network sees: name, function, and the coordinates that this depends on."""
        columns: list[tuple[str, Function, tuple[str, ...]]] = []
        for axis, name in enumerate(self.domain.names):
            if name in self.coordinates:
                columns += [(*feature, (name,)) for feature in self.coordinates[name].features()]
            else:
                columns.append((name, self._scaled(axis), (name,)))
        for shape in self.domain.factors():
            if not isinstance(shape, (Mesh, Polygon)) or shape.dim != 2:
                continue
            if all(self.orders.get(name, 0) >= 2 for name in shape.names):
                axes = [self.domain.names.index(name) for name in shape.names]
                corners = corner_features(shape, axes, self.conditions, lambda c: c.faces(self.domain))
                columns += [(*feature, shape.names) for feature in corners]
        own = [feature for c in self.conditions if (feature := c.feature(self.domain)) is not None]
        return columns + [self._checked(feature) for feature in own]

    def _checked(self, feature: Feature) -> Feature:
        """The feature of a condition, which must not undo what is built in.

        Raises:
            InputError: It is not periodic in a periodic coordinate.
        """
        circles = (circle for c in self.periodic if (circle := c.circle()) in feature.coordinates)
        for circle in circles:
            axis = self.domain.names.index(circle)
            if smooth_across(feature.function, self.domain, axis, 1) > SMOOTH:
                raise InputError(
                    f"Interface: at= is not periodic in {circle}, though the solution is; write it with that "
                    "period, such as sin(2 pi x) for x - 0.5"
                )
        return feature

    def _scaled(self, axis: int) -> Function:
        lower, upper = self.domain.bounds[:, axis].tolist()
        return lambda points: (2 * points[:, axis] - (lower + upper)) / (upper - lower)

    def _data(
        self, condition: Condition, which: int = VALUE, axis: int | None = None, known_part: bool = True
    ) -> Function:
        """Data that a condition prescribes, less the known part of its unknown.

        Args:
            condition: Prescribes them.
            which: VALUE or RATE.
            axis: The coordinate whose face they are for.
            known_part: Whether the known part is subtracted.
        """
        what = f"the value of {condition.describe(self.domain)}"
        prescribed = condition.prescribed()
        assert prescribed is not None
        value = prescribed.both[which]
        assert value is not None

        def as_written(points: Tensor) -> Tensor:
            return value_at(value, points, self.domain.names, what, self.known)

        given = self.replaced.get((id(condition), which), as_written)
        if not known_part or prescribed.unknown not in self.known_parts:
            return given
        part = self._part(prescribed.unknown, axis)
        if which == RATE:
            return lambda points: given(points) - self._rate(part)(points)
        return lambda points: given(points) - part(points)

    def _part(self, name: str, axis: int | None = None) -> Function:
        """The known part of an unknown; on a face, in the corners its limit along the face."""
        whole, middle = self.known_parts[name], self.domain.bounds.mean(0)
        shrink = torch.full_like(middle, 0.0 if axis is None else NUDGE)
        if axis is not None:
            shrink[axis] = 0.0

        def function(points: Tensor) -> Tensor:
            return whole(points + shrink.to(points) * (middle.to(points) - points))

        return function

    def _as_given(self, name: str) -> Function:
        what = f"the particular part of {name}"
        return lambda points: value_at(self.particular[name], points, self.domain.names, what)

    def _fixed(self, condition: Condition) -> bool:
        """Whether its values are known before training: the ansatz cannot follow coefficients."""
        return not any(name in self.known for name in condition.asks_for())

    def _may(self, condition: Condition) -> bool:
        return (
            condition.hard is not False
            and self._fixed(condition)
            and not any(u.positive or u.of for u in self.functions if u.name in condition.unknowns())
            and not any(condition is c for c in self.refused)
        )

    def _prescribing(self) -> list[tuple[Condition, Prescribed]]:
        """The conditions that prescribe values, with what they prescribe."""
        return [(c, given) for c in self.conditions if (given := c.prescribed()) is not None]

    def _dirichlet(self, name: str, face: str) -> tuple[Condition, Prescribed] | None:
        """The Dirichlet condition to build in for an unknown on a face."""
        for c, given in self._prescribing():
            if (
                not given.start
                and given.unknown == name
                and face in c.faces(self.domain)
                and self._possible(c, given)
            ):
                return c, given
        return None

    def _possible(self, condition: Condition, given: Prescribed) -> bool:
        """Whether every face of a condition has a construction (half a condition is not built in)."""
        if not self._may(condition) or given.start:
            return self._may(condition)
        reachable = {
            face
            for c in self.coordinates.values()
            if not isinstance(c.shape, Time) and not c.periodic
            for face in c.shape.faces
        }
        if not callable(given.value):
            reachable |= {
                face for shape in self.outline.factors if isinstance(shape, Ball) for face in shape.faces
            }
            holes = self.outline.holes
            reachable |= {face for hole in holes for face in hole.faces}
            reachable -= {face for hole in holes if not self.outline.is_free(hole) for face in hole.faces}
        else:
            reachable -= {face for hole in self.outline.holes for face in hole.faces}
        return set(condition.faces(self.domain)) <= reachable

    def _unknown(self, j: int, name: str) -> tuple[Function | None, Function | None, list[Condition]]:
        """Extension and factor of unknown j, and the conditions that they satisfy."""
        g: Function | None = None
        factors: list[Function] = []
        held: list[tuple[Condition, str]] = []  # with the face
        for shape in self.outline.factors:
            if isinstance(shape, Ball) and (found := self._dirichlet(name, shape.faces[0])) is not None:
                g = self._data(found[0])
                factors.append(self._ball_factor(shape))
                held.append((found[0], shape.faces[0]))
        for coordinate in self.coordinates.values():
            if isinstance(coordinate.shape, Time):
                continue
            faces = coordinate.shape.faces
            at = [self._dirichlet(name, face) for face in faces]
            if coordinate.symmetry.ends is not None and not coordinate.periodic:
                # The features see to it, and to a derivative that vanishes as well.
                held += [
                    (c, face)
                    for c in self.conditions
                    for face in faces
                    if c.mirror_sign() is not None and name in c.unknowns() and face in c.faces(self.domain)
                ]
            else:
                if coordinate.symmetry.centre is not None and None in at:
                    at = [None, None]  # one end alone would spoil the symmetry
                data = [None if c is None else self._data(c[0], VALUE, coordinate.axis) for c in at]
                varies = name in self.known_parts
                values = [c[1].value for c in at if c is not None]
                if varies or g is not None or any(callable(value) or value != 0 for value in values):
                    g = interpolant(g, coordinate, (data[0], data[1])) or g
                held += [(c[0], face) for c, face in zip(at, faces, strict=True) if c is not None]
            parity = coordinate.factor(j, (at[0] is not None, at[1] is not None))
            if parity is not None:
                factors.append(parity)
        holes = [(hole, self._dirichlet(name, hole.faces[0])) for hole in self.outline.holes]
        cut = [(hole, *found) for hole, found in holes if found is not None]
        if cut:
            axes = [[self.domain.names.index(n) for n in hole.names] for hole, *_ in cut]
            given = [
                (hole, a, self.outline.depth(hole), float(prescribed.value))  # type: ignore[arg-type]
                for (hole, _, prescribed), a in zip(cut, axes, strict=True)
            ]
            g = joined(g, product(list(factors)), given)
            factors += [away_from(hole, a) for hole, a, *_ in given]
            held += [(condition, hole.faces[0]) for hole, condition, _ in cut]
        initial = self._initial(name)
        if initial is not None:
            axis = self.domain.names.index(time_names(self.domain)[0])
            start, end = self.domain.bounds[:, axis].tolist()
            condition, prescribed = initial
            velocity = None if prescribed.rate is None else self._data(condition, RATE)
            g = from_start(g, axis, start, self._data(condition), velocity)
            power = 1 if velocity is None else 2
            factors.append(lambda p: ((p[:, axis] - start) / (end - start)) ** power)
            held.append((condition, condition.faces(self.domain)[0]))
        built = [
            c
            for c in self.conditions
            if c.faces(self.domain)
            and all(any(c is d and face == f for d, f in held) for face in c.faces(self.domain))
        ]
        return g, product(factors), built

    def _initial(self, name: str) -> tuple[Condition, Prescribed] | None:
        """The initial condition to build in for an unknown; a velocity alone fixes nothing pointwise."""
        for c, given in self._prescribing():
            if given.start and given.unknown == name and given.value is not None and self._may(c):
                if not any(p.circle() in time_names(self.domain) for p in self.periodic):
                    return c, given
        return None

    def _ball_factor(self, shape: Ball) -> Function:
        lower, upper = shape.bounds
        centre, radius = (lower + upper) / 2, float(upper[0] - lower[0]) / 2
        axes = [self.domain.names.index(name) for name in shape.names]
        return lambda p: 1 - ((p[:, axes] - centre.to(p)) ** 2).sum(1) / radius**2

    def _judge_data(self) -> None:
        """Refuse data with kinks and jumps, and replace those that autograd does not see through."""
        whole = Slice(self.domain, tuple(range(self.domain.dim)), ())
        orders = {name: max(self.orders.get(name, 0), 1) for name in self.domain.names}
        for name in self.particular:
            if is_opaque(self._part(name), whole, orders):
                raise InputError(f"the particular part of {name}: {OPAQUE}; write it with torch functions")
            reason = unsmooth(self._part(name), replace(whole, inset=INSIDE), self.orders)
            if reason:
                message = (
                    f"the particular part of {name}: {reason} inside the domain, where it stays in the "
                    "solution as if a source sat there"
                )
                self.messages.append(message)
                self.contradictions.append(message)
        for condition, given in self._prescribing():
            if not self._possible(condition, given):
                continue
            for which, value in enumerate(given.both):
                if callable(value):
                    self._judge(condition, given.unknown, which, value)

    def _judge(self, condition: Condition, unknown: str, which: int, value: Callable[..., Tensor]) -> None:
        what, names = condition.describe(self.domain), self.domain.names
        asked = {names.index(name) for name in parameter_names(value, what)}
        as_written = self._data(condition, which, known_part=False)
        parts = self._slices(condition, asked)
        if any(is_opaque(as_written, part, self.orders) for part in parts.values()):
            common = set(parts.values())
            whole = common.pop() if len(common) == 1 else Slice(self.domain, tuple(sorted(asked)), ())
            spline = spline_of(as_written, whole, self.orders)
            if isinstance(spline, str):
                self._refuse(condition, spline)
                return
            self.replaced[id(condition), which] = spline
            self.messages.append(f"{what}: {OPAQUE}: a spline through it, accurate to 1e-10, is built in")
        if unknown in self.known_parts:
            parts = self._slices(condition, set(range(len(names))))
        for part in set(parts.values()):
            axis = next((i for i, _ in part.pinned), None)
            reason = unsmooth(
                self._data(condition, which, axis),
                part,
                self.orders,
                self._data(condition, which, known_part=False),
            )
            if reason:
                self._refuse(condition, reason)
                return

    def _slices(self, condition: Condition, asked: set[int]) -> dict[str, Slice]:
        """Where functions of some coordinates, by position, matter to a condition, by face."""
        parts = {}
        for face in condition.faces(self.domain):
            shape = next(s for s in self.outline.factors if face in s.faces)
            axis = self.domain.names.index(shape.names[0])
            end = float(shape.bounds[shape.faces.index(face), 0])
            pinned = ((axis, end),) if axis in asked else ()
            parts[face] = Slice(self.domain, tuple(sorted(asked - {axis})), pinned)
        return parts

    def _refuse(self, condition: Condition, reason: str) -> None:
        what = condition.describe(self.domain)
        if condition.hard:
            raise InputError(
                f"{what}: hard=True, but {reason}, and a solution built on that would be frozen there; "
                "leave hard out to make it a weighted term"
            )
        self.refused.append(condition)
        self.messages.append(f"{what}: {reason}: it is a weighted term")

    def _refuse_what_is_not_smooth(self) -> None:
        for coordinate in self.coordinates.values():
            if not coordinate.periodic:
                continue
            name = coordinate.shape.names[0]
            orders = max(self.orders.get(name, 0), 2) + 1
            for condition, given in self._prescribing():
                for which, value in enumerate(given.both) if condition.hard is not False else ():
                    if not callable(value) or not self._may(condition):
                        continue
                    jump = smooth_across(self._data(condition, which), self.domain, coordinate.axis, orders)
                    if jump > SMOOTH:
                        what = condition.describe(self.domain)
                        self.messages.append(
                            f"{what} is not smooth across the seam of the periodic coordinate {name} "
                            f"(a derivative of order up to {orders} jumps by {jump:.2g} relative to "
                            "its size): "
                            + (
                                "built in all the same, as hard=True asks"
                                if condition.hard
                                else "it is a weighted term"
                            )
                        )
                        if not condition.hard:
                            self.refused.append(condition)

    def _refuse_what_is_dear(self) -> None:
        """The boolean sum over k coordinates looks up its data 3^k times, at every point and channel."""
        for name in self.unknowns:
            data = [
                c
                for c, given in self._prescribing()
                if not given.start
                and given.unknown == name
                and callable(given.value)
                and self._possible(c, given)
            ]
            faces = {face for c in data for face in c.faces(self.domain)}
            count = sum(bool(faces & set(c.shape.faces)) for c in self.coordinates.values())
            if count > BLENDED:
                for condition in data:
                    if condition.hard is None:
                        self.refused.append(condition)
                        self.messages.append(
                            f"{condition.describe(self.domain)} varies over the faces of {count} "
                            f"coordinates, more than the {BLENDED} that an exact construction is worth: "
                            "it is a weighted term"
                        )

    def _refuse_contradictions(self) -> None:
        """Find values that disagree where two conditions meet; of the two, one cannot be built in."""
        pairs = itertools.combinations([(c, p) for c, p in self._prescribing() if self._fixed(c)], 2)
        for (c1, p1), (c2, p2) in pairs:
            if p1.unknown != p2.unknown:
                continue
            if p1.unknown in self.particular:
                continue  # it may jump where faces meet, which is what it is for
            worst = (0.0, 0.0, "", "", "")
            for f1, f2 in itertools.product(c1.faces(self.domain), c2.faces(self.domain)):
                jump, size, of = self._jump(c1, f1, c2, f2)
                if jump > COMPATIBLE * size:
                    worst = max(worst, (jump / size, jump, f1, f2, of))
            relative, jump, f1, f2, of = worst
            if not relative:
                continue
            where = f"on {f1} and on {f2} differ by {jump:.3g} where they meet"
            if f1 == f2:
                where = f"is prescribed twice on {f1}, the values differ by {jump:.3g}"
            message = f"contradictory conditions: {of}{p1.unknown} {where}"
            # What happens on a face in space lasts; the start is forgotten.
            candidates = sorted(((c2, p2), (c1, p1)), key=lambda pair: not pair[1].start)
            weaker = next((c for c, _ in candidates if c.hard is None), None)
            possible = self._possible(c1, p1) and self._possible(c2, p2)
            if relative > TOLERABLE and weaker is not None and possible:
                self.refused.append(weaker)
                message += f"; {weaker.describe(self.domain)} is a weighted term"
            self.messages.append(message)
            self.contradictions.append(message)

    def _jump(self, c1: Condition, f1: str, c2: Condition, f2: str) -> tuple[float, float, str]:
        """How far two conditions differ where their faces meet, their size, and of which values."""
        shapes = (*self.outline.factors, *self.outline.holes)
        k1, k2 = (next(k for k, shape in enumerate(shapes) if f in shape.faces) for f in (f1, f2))
        a_hole = max(k1, k2) >= len(self.outline.factors)  # touches nothing else where it is built in
        timed = isinstance(shapes[k1], Time) or isinstance(shapes[k2], Time)
        if f1 != f2 and (k1 == k2 or (a_hole and not timed)):
            return (
                0.0,
                1.0,
                "",
            )  # opposite ends; at the corners of a polygon a jump is common and nothing is built in
        inner = self.domain.interior(64, torch.Generator().manual_seed(11))
        on1, on2 = self._moved(inner, k1, f1), self._moved(inner, k2, f2)
        corner = self._moved(on1, k2, f2)
        differences, sizes, kinds = [], [], []
        given = [(c, p) for c in (c1, c2) if (p := c.prescribed()) is not None]
        for which, kind in ((VALUE, ""), (RATE, "the velocity of ")):
            if all(p.both[which] is None for _, p in given):
                continue
            at: list[Function] = []
            for condition, prescribed in given:
                if prescribed.both[which] is not None:
                    at.append(self._data(condition, which))
                elif not prescribed.start and k1 != k2:  # its rate of change meets the other's velocity
                    at.append(self._rate(self._data(condition)))
            if len(at) < 2:
                continue
            kinds.append(kind)
            differences.append(
                max((at[0](corner) - at[1](corner)).abs().max(), _limit(at, (on1, on2), corner))
            )
            sizes.append(max(f(points).abs().max() for f, points in zip(at, (on1, on2), strict=True)))
        if not differences:
            return 0.0, 1.0, ""
        relative = [float(d / s) if s > 0 else 0.0 for d, s in zip(differences, sizes, strict=True)]
        worst = relative.index(max(relative))
        return float(differences[worst]), float(sizes[worst]) or 1.0, kinds[worst]

    def _rate(self, function: Function) -> Function:
        axis = self.domain.names.index(time_names(self.domain)[0])
        return lambda points: derivatives(function, points, [(axis,)])[0]

    def _moved(self, points: Tensor, k: int, face: str) -> Tensor:
        """The points with the coordinates of factor k moved to one of its faces."""
        shape = (*self.outline.factors, *self.outline.holes)[k]
        drawn = shape.boundary(len(points), torch.Generator().manual_seed(13), on=face).points
        columns = [self.domain.names.index(name) for name in shape.names]
        out = points.clone()
        out[:, columns] = drawn
        return out


def _limit(at: list[Function], on: tuple[Tensor, Tensor], corner: Tensor) -> Tensor:
    """By how much the limits of two functions towards a corner differ, each along its own face.

    A function may take a value of its own at the very corner, as x % 1 does.  A difference of limits stays
    as the distance shrinks from 1e-9 to 1e-12 of the face; what is steep and continuous falls.
    """
    far, near = (
        (at[0](torch.lerp(on[0], corner, 1 - s)) - at[1](torch.lerp(on[1], corner, 1 - s))).abs().max()
        for s in CLOSE
    )
    return near if near > STAYS * far else torch.zeros_like(near)


def _sum(parts: list[Function]) -> Function:
    return lambda points: torch.stack([part(points) for part in parts]).sum(0)
