"""Reflections that leave a problem unchanged, established term by term.

A reflection R of one coordinate, with a sign for each unknown, turns fields v into w(x) = sign * v(Rx).  It
is a symmetry when the residual of every w at x is, up to a sign for each equation, the residual of v at Rx,
and the same holds for the conditions.  A residual is a local function of the values it reads, so each part of
it (the data, the coefficient of each derivative, products of them) is compared with its image on its own,
relative to its own size (`requirements.py`), at thousands of places and wherever a user's function does
something narrow (`places.py`).  A network that respects the symmetry has less to learn; on Burgers that is
worth 30x at equal time.

Two kinds are looked for on each interval coordinate:
- `centre`: about the middle of the interval, which maps the domain onto itself;
- `ends`: about both end points.  With u = 0 there (sign -1) or du/dn = 0 (sign +1) the solution continues, as
  smooth as the equation lets it, to a periodic function of twice the length.

Observations have no equation to test.  Where equations and conditions leave the solution no choice but to be
symmetric, they only serve to find coefficients and are passed over: with as many equations as unknowns, all
conditions that the orders ask for, one possible parity, and an equation that has one solution (a linear one,
or an evolution from its start).  Otherwise the observed values must show the symmetry themselves.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from ...geometry import Domain, Interval
from ..conditions.base import Condition, Known, Sites
from .determined import is_determined
from .observed import is_mirrored
from .requirements import TOLERANCE, Comparison, Mirror, same
from .residuals import Needs, Residual, Residuals

Signs = tuple[int, ...]


@dataclass(frozen=True)
class Symmetry:
    """Reflections found for a coordinate: a sign for each unknown, or None.

    Attributes:
        centre: About the middle of the interval.
        ends: About both end points.
    """

    centre: Signs | None = None
    ends: Signs | None = None

    def words(self, unknowns: Sequence[str]) -> str:
        """Description such as "about the middle: u even, v odd; about both ends: u odd, v even"."""
        return "; ".join(
            f"about {where}: "
            + ", ".join(f"{u} {'even' if s == 1 else 'odd'}" for u, s in zip(unknowns, signs, strict=True))
            for where, signs in (("the middle", self.centre), ("both ends", self.ends))
            if signs is not None
        )


@dataclass(frozen=True)
class Finder:
    """Search for the reflections that leave a problem unchanged.

    Attributes:
        domain: The domain.
        unknowns: Names of the unknowns.
        equation: The equation's residuals from fields, points and coefficients.
        conditions: All conditions.
        known: Values of the coefficients.
        orders: Highest derivative of an unknown in the equation, by coordinate.
        needs: Derivatives that the equation reads of each unknown; then those that each condition reads.
        even: Unknowns that can only be even, as those that are positive.
    """

    domain: Domain
    unknowns: tuple[str, ...]
    equation: Residual
    conditions: tuple[Condition, ...]
    known: Known
    orders: Mapping[str, int]
    needs: tuple[Needs, ...]
    even: tuple[str, ...] = ()

    def find(self) -> dict[str, Symmetry]:
        """Symmetries by coordinate; coordinates without any are absent."""
        found = {}
        for axis, shape in self._intervals():
            lower, upper = shape.bounds[:, 0].tolist()
            about = (lower + upper) / 2
            candidates = itertools.product(*((1,) if u in self.even else (1, -1) for u in self.unknowns))
            observed = any(c.measurements() is not None for c in self.conditions)
            held = (signs for signs in candidates if self.holds(axis, about, signs))
            centre = next(held, None)
            if centre is not None and observed:  # of several parities the data choose
                others = [*held]
                decided = not others and self._determined
                centre = next(
                    (s for s in (centre, *others) if decided or self._observed(axis, about, s)), None
                )
            ends = self._end_signs(shape)
            if ends is not None and not all(
                self.holds(axis, end, ends, shape.faces) for end in (lower, upper)
            ):
                ends = None
            if ends is not None and observed and not self._determined:
                ends = None
            if centre is not None or ends is not None:
                found[shape.names[0]] = Symmetry(centre, ends)
        return found

    @property
    def evidence(self) -> str:
        """Number of points at which symmetries were tested, and the tolerance, in words."""
        inside = self._residuals.inside
        spread, narrow = len(inside.many.points), len(inside.narrow.points)
        more = f" and at {narrow} more where it varies most" if narrow else ""
        return (
            f"the equation agrees with its mirror image to {TOLERANCE:g} at {spread} points{more}"
            f"{', and so do the conditions' if self.conditions else ''}"
        )

    def _intervals(self) -> list[tuple[int, Interval]]:
        """The coordinates that can be reflected, with their positions."""
        return [
            (self.domain.names.index(shape.names[0]), shape)
            for shape in self.domain.factors()
            if isinstance(shape, Interval)
            and not (shape.is_time or shape.is_parameter or shape.of_dim > 1 or shape.is_angle)
        ]

    def _end_signs(self, shape: Interval) -> Signs | None:
        """Signs of the unknowns about both ends: -1 for u = 0, 1 for du/dn = 0; None if one has neither."""
        if any(c.circle() == shape.names[0] for c in self.conditions):
            return None
        surfaces = [s for c in self.conditions if (s := c.surface(self.domain)) is not None]
        if any(shape.names[0] in surface.coordinates for surface in surfaces):
            return None  # what bends the network there is not even about the ends
        signs = []
        for name in self.unknowns:
            kinds = []
            for face in shape.faces:
                here = [
                    c
                    for c in self.conditions
                    if (name in c.unknowns() or not c.unknowns()) and face in c.faces(self.domain)
                ]
                if len(here) != 1 or here[0].hard is False or (sign := here[0].mirror_sign()) is None:
                    return None
                kinds.append(sign)
            if kinds[0] != kinds[1]:
                return None
            signs.append(kinds[0])
            if signs[-1] < 0 and name in self.even:
                return None
        return tuple(signs)

    def holds(self, axis: int, about: float, signs: Signs, except_faces: Sequence[str] = ()) -> bool:
        """Test whether the reflection x_axis -> 2 about - x_axis with these signs is a symmetry.

        Observations are left aside.

        Args:
            axis: Position of the coordinate.
            about: The fixed point, in the coordinate's unit.
            signs: A sign for each unknown: 1 for even, -1 for odd.
            except_faces: Faces whose conditions the caller accounts for.
        """
        mirror = Mirror(axis, about, dict(zip(self.unknowns, signs, strict=True)))
        inside = self._residuals.inside
        equation = Comparison(inside, [inside.local], mirror)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not equation.passes(0):
                return False
            conditions = self._compared(mirror, except_faces)
            if conditions is None or not all(c.passes(0) for c in conditions):
                return False
            return all(c.passes(stage) for stage in inside.stages[1:] for c in (equation, *conditions))

    def _compared(self, mirror: Mirror, except_faces: Sequence[str]) -> list[Comparison] | None:
        """Comparisons of the conditions; None if a condition cannot be compared, having no faces."""
        out = []
        for condition, needs in zip(self.conditions, self.needs[1:], strict=True):
            if not condition.mapped_by_reflections:
                continue
            if (surface := condition.surface(self.domain)) is not None:
                requirements = self._residuals.on_surface(condition, surface, needs)
                out += [Comparison(r, [r.local], mirror) for r in requirements]
                continue
            if condition.integrates:
                if not except_faces:  # about an end every solution goes on, whatever its integral is
                    requirement = self._residuals.on_domain(condition, needs)
                    out.append(Comparison(requirement, [requirement.local], mirror))
                continue
            faces = condition.faces(self.domain)
            if not faces:
                return None
            for face in faces:
                if face not in except_faces:
                    partners = self._residuals.partners(condition, face, mirror.axis)
                    out.append(Comparison(self._residuals.on(condition, face, needs), partners, mirror))
        return out

    def contradiction(self, found: Mapping[str, Symmetry], sites: Mapping[int, Sites]) -> str | None:
        """The coordinate whose symmetry does not hold at given places, if there is one.

        Args:
            found: Symmetries in use.
            sites: Places of the equation (0) and of conditions (1, 2, ... in their order).
        """
        for axis, shape in self._intervals():
            symmetry = found.get(shape.names[0], Symmetry())
            lower, upper = shape.bounds[:, 0].tolist()
            mirrors = [((lower + upper) / 2, symmetry.centre), (lower, symmetry.ends), (upper, symmetry.ends)]
            for about, signs in mirrors:
                if signs is None:
                    continue
                mirror = Mirror(axis, about, dict(zip(self.unknowns, signs, strict=True)))
                for number, places in sites.items():
                    if not self._agrees(number, places, mirror, shape, about in (lower, upper)):
                        return shape.names[0]
        return None

    def _agrees(self, number: int, places: Sites, mirror: Mirror, shape: Interval, ends: bool) -> bool:
        """Test whether the equation, or a condition, is its own image at given places."""
        if number == 0:
            inside = self._residuals.inside
            return same(inside.compare_at(inside.local, mirror, Sites(places.points)))
        condition, needs = self.conditions[number - 1], self.needs[number]
        if not condition.mapped_by_reflections:
            return True
        if (surface := condition.surface(self.domain)) is not None:
            flux = self._residuals.on_surface(condition, surface, needs)[1]
            return same(flux.compare_at(flux.local, mirror, replace(places, weight=None)))
        if condition.integrates:
            requirement = self._residuals.on_domain(condition, needs)
            single = Sites(places.points, places.normals)
            return ends or same(requirement.compare_at(requirement.local, mirror, single))
        block, at = torch.arange(len(places.points)), places.points[:, mirror.axis]
        groups = []
        for face, end in zip(shape.faces, shape.bounds[:, 0].tolist(), strict=True):
            if face in condition.faces(self.domain):
                here = (at - end).abs() <= 1e-9 * float(shape.bounds[1, 0] - shape.bounds[0, 0])
                groups.append((face, here))
        rest = ~torch.stack([torch.zeros(len(at), dtype=torch.bool), *(here for _, here in groups)]).any(0)
        others = [f for f in condition.faces(self.domain) if f not in shape.faces]
        groups = ([] if ends else groups) + [(face, rest) for face in others[:1]]
        for face, here in groups:
            if not bool(here.any()):
                continue
            requirement, chosen = self._residuals.on(condition, face, needs), places.of(block[here])
            chosen = Sites(chosen.points, chosen.normals)
            partners = self._residuals.partners(condition, face, mirror.axis)
            if not any(same(requirement.compare_at(c, mirror, chosen)) for c in partners):
                return False
        return True

    @cached_property
    def _residuals(self) -> Residuals:
        return Residuals(self.domain, self.equation, self.needs[0], self.conditions, self.known)

    @cached_property
    def _determined(self) -> bool:
        return is_determined(self.domain, self.unknowns, self._residuals.inside, self.conditions, self.orders)

    def _observed(self, axis: int, about: float, signs: Signs) -> bool:
        """Test whether all observations show a symmetry themselves."""
        sign = dict(zip(self.unknowns, signs, strict=True))
        return all(
            data.unknown is not None and is_mirrored(c, self.domain, axis, about, sign[data.unknown])
            for c in self.conditions
            if (data := c.measurements()) is not None
        )
