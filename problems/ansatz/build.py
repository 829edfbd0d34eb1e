"""The construction of an ansatz: conditions that hold exactly, so that no training is spent on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from ...errors import InputError
from ...geometry import Ball, Mesh, Polygon
from ..conditions.base import Condition, Feature, time_factor
from ..symmetry.seam import smooth_across
from .ansatz import Ansatz, Coordinate, Function, from_start, interpolant, product, total
from .candidates import Candidates
from .compatibility import Compatibility
from .corners import corner_features
from .data import RATE, VALUE, PrescribedData
from .outline import away_from, joined
from .suitability import SMOOTH, Suitability

if TYPE_CHECKING:
    from ..description import Description


@dataclass
class _Form:
    """Extension and factor of one unknown under construction.

    Attributes:
        extension: Satisfies the conditions added so far; None for zero.
        factors: Their product vanishes where these conditions fix the unknown.
        satisfied: The conditions, with the face.
    """

    extension: Function | None = None
    factors: list[Function] = field(default_factory=list)
    satisfied: list[tuple[Condition, str]] = field(default_factory=list)


class AnsatzBuilder:
    """Builder of an ansatz: decides which conditions are built in, and constructs what satisfies them.

    Args:
        problem: The problem, of which the ansatz is the last thing to be known.
    """

    def __init__(self, problem: Description) -> None:
        self.problem, self.domain = problem, problem.domain
        self.data = PrescribedData(problem)
        self.candidates = Candidates(problem, self.data)

    def build(self) -> Ansatz:
        """Build the ansatz.

        Raises:
            InputError: A condition with hard=True has no exact construction.
        """
        suitability = Suitability(self.candidates, self.data, self.problem.orders)
        suitability.refuse_expensive()
        suitability.refuse_unsmooth()
        suitability.refuse_kinks_at_seams()
        Compatibility(self.candidates, self.data).refuse_contradictions()
        exact: list[Condition] = [*self.candidates.periodic]
        extension: dict[str, Function | None] = {}
        factor: dict[str, Function | None] = {}
        for j, name in enumerate(self.problem.unknown_names):
            form = self._unknown(j, name)
            extension[name], factor[name] = form.extension, product(form.factors)
            if name in self.data.known_parts:
                extension[name] = total(self.data.part(name), form.extension)
            exact += self._completed(form)
        for condition in self.candidates.conditions:
            if condition.hard and not any(condition is c for c in exact):
                raise InputError(
                    f"{condition.describe(self.domain)}: hard=True, but there is no exact construction for "
                    f"it on {self.domain!r}; leave hard out to make it a weighted term"
                )
        features = self._features()
        functions = self.problem.functions
        return Ansatz(
            features,
            {u.name: tuple(i for i, f in enumerate(features) if u.reads(f.coordinates)) for u in functions},
            {u.name: u.init for u in functions if u.positive},
            extension,
            factor,
            tuple(exact),
            tuple(dict.fromkeys(self.candidates.messages)),
            tuple(self.candidates.contradictions),
        )

    # -- inputs of the network -------------------------------------------------------------------------------

    def _features(self) -> tuple[Feature, ...]:
        """Inputs of the network: coordinates, singular functions of corners, those of conditions."""
        features: list[Feature] = []
        for axis, name in enumerate(self.domain.names):
            if name in self.candidates.coordinates:
                own = self.candidates.coordinates[name].features()
                features += [Feature(*feature, (name,)) for feature in own]
            else:
                features.append(Feature(name, self._scaled(axis), (name,)))
        for shape in self.domain.factors():
            if not isinstance(shape, (Mesh, Polygon)) or shape.dim != 2:
                continue
            if any(
                self.candidates.coordinates[n].periodic
                for n in shape.names
                if n in self.candidates.coordinates
            ):
                continue  # no singular function of a corner is periodic
            if all(self.problem.orders.get(name, 0) >= 2 for name in shape.names):
                axes = [self.domain.names.index(name) for name in shape.names]
                conditions = self.candidates.conditions
                corners = corner_features(shape, axes, conditions, lambda c: c.faces(self.domain))
                features += [Feature(*feature, shape.names) for feature in corners]
        return (*features, *(self._checked(feature) for feature in self.problem.features))

    def _checked(self, feature: Feature) -> Feature:
        """Check that the feature of a condition keeps the periodicity that is built in.

        Raises:
            InputError: It is not periodic in a periodic coordinate.
        """
        circles = [circle for c in self.candidates.periodic if (circle := c.circle()) is not None]
        for circle in circles:
            if circle not in feature.coordinates:
                continue
            if smooth_across(feature.function, self.domain, self.domain.names.index(circle), 1) > SMOOTH:
                raise InputError(
                    f"{feature.source or feature.name} is not periodic in {circle}, though the solution is; "
                    "write it with that period, such as sin(2 pi x) for x - 0.5"
                )
        return feature

    def _scaled(self, axis: int) -> Function:
        lower, upper = self.domain.bounds[:, axis].tolist()
        return lambda points: (2 * points[:, axis] - (lower + upper)) / (upper - lower)

    # -- extension and factor of an unknown ------------------------------------------------------------------

    def _unknown(self, j: int, name: str) -> _Form:
        """Build extension and factors of unknown j."""
        form = _Form()
        for shape in self.candidates.outline.factors:
            if isinstance(shape, Ball):
                self._add_ball(form, name, shape)
        for coordinate in self.candidates.coordinates.values():
            if not coordinate.shape.is_time:
                self._add_coordinate(form, j, name, coordinate)
        self._add_holes(form, name)
        self._add_start(form, name)
        return form

    def _completed(self, form: _Form) -> list[Condition]:
        """The conditions that a form satisfies on all of their faces."""
        return [
            c
            for c in self.candidates.conditions
            if c.faces(self.domain)
            and all(any(c is d and face == f for d, f in form.satisfied) for face in c.faces(self.domain))
        ]

    def _add_ball(self, form: _Form, name: str, shape: Ball) -> None:
        """Satisfy a value on a sphere."""
        found = self.candidates.on_face(name, shape.faces[0])
        if found is None:
            return
        lower, upper = shape.bounds
        centre, radius = (lower + upper) / 2, float(upper[0] - lower[0]) / 2
        axes = [self.domain.names.index(n) for n in shape.names]
        form.extension = self.data.of(found[0])
        form.factors.append(lambda p: 1 - ((p[:, axes] - centre.to(p)) ** 2).sum(1) / radius**2)
        form.satisfied.append((found[0], shape.faces[0]))

    def _add_coordinate(self, form: _Form, j: int, name: str, coordinate: Coordinate) -> None:
        """Satisfy values at the ends of an interval, and give unknown j its parity there."""
        faces = coordinate.shape.faces
        at = [self.candidates.on_face(name, face) for face in faces]
        if coordinate.symmetry.ends is not None and not coordinate.periodic:
            # The features see to it, and to a derivative that vanishes as well.
            form.satisfied += [
                (c, face)
                for c in self.candidates.conditions
                for face in faces
                if c.mirror_sign() is not None and name in c.unknowns() and face in c.faces(self.domain)
            ]
        else:
            if coordinate.symmetry.centre is not None and None in at:
                at = [None, None]  # one end alone would spoil the symmetry
            data = [None if c is None else self.data.of(c[0], VALUE, coordinate.axis) for c in at]
            varies = name in self.data.known_parts
            values = [c[1].value for c in at if c is not None]
            if varies or form.extension is not None or any(callable(value) or value != 0 for value in values):
                ends = (data[0], data[1])
                odd = self.problem.functions[j].odd == coordinate.shape.names[0]
                form.extension = interpolant(form.extension, coordinate, ends, odd) or form.extension
            form.satisfied += [(c[0], face) for c, face in zip(at, faces, strict=True) if c is not None]
        parity = coordinate.factor(j, (at[0] is not None, at[1] is not None))
        if parity is not None:
            form.factors.append(parity)
        if self.problem.functions[j].odd == coordinate.shape.names[0]:
            form.factors.append(coordinate.share)

    def _add_holes(self, form: _Form, name: str) -> None:
        """Satisfy constant values on holes."""
        outline = self.candidates.outline
        holes = [(hole, self.candidates.on_face(name, hole.faces[0])) for hole in outline.holes]
        cut = [(hole, *found) for hole, found in holes if found is not None]
        if not cut:
            return
        axes = [[self.domain.names.index(n) for n in hole.names] for hole, *_ in cut]
        given = [
            (hole, a, outline.depth(hole), float(cast("float", prescribed.value)))  # no functions on holes
            for (hole, _, prescribed), a in zip(cut, axes, strict=True)
        ]
        form.extension = joined(form.extension, product(list(form.factors)), given)
        form.factors += [away_from(hole, a) for hole, a, *_ in given]
        form.satisfied += [(condition, hole.faces[0]) for hole, condition, _ in cut]

    def _add_start(self, form: _Form, name: str) -> None:
        """Satisfy the value, and the velocity if one is given, at the start of time."""
        found = self.candidates.at_start(name)
        if found is None:
            return
        condition, prescribed = found
        time = time_factor(self.domain)
        assert time is not None
        axis = self.domain.names.index(time.names[0])
        start = float(self.domain.bounds[0, axis])
        to_unit = time.to_unit
        velocity = None if prescribed.rate is None else self.data.of(condition, RATE)
        form.extension = from_start(form.extension, axis, start, self.data.of(condition), velocity)
        power = 1 if velocity is None else 2
        form.factors.append(lambda p: to_unit(p[:, axis]) ** power)
        form.satisfied.append((condition, condition.faces(self.domain)[0]))
