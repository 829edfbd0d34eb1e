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
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Generator, Tensor

from ...derivatives.multi_index import MultiIndex
from ...geometry import Domain, Interval, Time
from ..conditions.base import Condition, Known, Sites, Surface, time_names
from ..fields import Field, derivatives
from .places import face_places, face_points, interior_places, interior_points
from .probing import Local, Probes, evaluate, probes_of
from .requirements import SCREEN, TOLERANCE, Comparison, Mirror, Requirement, same

Signs = tuple[int, ...]
Residual = Callable[[dict[str, Field], Tensor, Known], tuple[Tensor, ...]]
Needs = Mapping[str, Sequence[MultiIndex]]

SAMPLES = 64  # points where a function is compared across the seam of a circle


@dataclass(frozen=True)
class Symmetry:
    """What was found for one coordinate: a sign for each unknown, or None.

    Attributes:
        centre: About the middle of the interval.
        ends: About both end points.
    """

    centre: Signs | None = None
    ends: Signs | None = None

    def words(self, unknowns: Sequence[str]) -> str:
        """Such as "about the middle: u even, v odd; about both ends: u odd, v even"."""
        return "; ".join(
            f"about {where}: "
            + ", ".join(f"{u} {'even' if s == 1 else 'odd'}" for u, s in zip(unknowns, signs, strict=True))
            for where, signs in (("the middle", self.centre), ("both ends", self.ends))
            if signs is not None
        )


@dataclass(frozen=True)
class Finder:
    """Tests reflections of one problem.

    Attributes:
        domain: The domain.
        unknowns: Names of the unknowns.
        equation: The equation's residuals from fields, points and coefficients.
        conditions: All conditions.
        known: Values of the coefficients.
        orders: Highest derivative of an unknown in the equation, by coordinate.
        needs: What the equation reads of each unknown; then the same of each condition.
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
        """At how many points a symmetry was tested, and how closely it has to hold, in words."""
        spread, narrow = len(self._inside.many.points), len(self._inside.narrow.points)
        return (
            f"the equation agrees with its mirror image to {TOLERANCE:g} at {spread} points and at {narrow} "
            f"more where it varies most{', and so do the conditions' if self.conditions else ''}"
        )

    def _intervals(self) -> list[tuple[int, Interval]]:
        """The coordinates that can be reflected, with their positions."""
        return [
            (self.domain.names.index(shape.names[0]), shape)
            for shape in self.domain.factors()
            if isinstance(shape, Interval) and not isinstance(shape, Time)
        ]

    def _end_signs(self, shape: Interval) -> Signs | None:
        """-1 where an unknown is zero at both ends, +1 where its normal derivative is; None if neither."""
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
        """Whether the reflection x_axis -> 2 about - x_axis with these signs is a symmetry.

        Observations are left aside.

        Args:
            axis: Position of the coordinate.
            about: The fixed point, in the coordinate's unit.
            signs: One for each unknown.
            except_faces: Faces whose conditions the caller accounts for.
        """
        mirror = Mirror(axis, about, dict(zip(self.unknowns, signs, strict=True)))
        equation = Comparison(self._inside, [self._inside.local], mirror)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not equation.passes(0):
                return False
            conditions = self._compared(mirror, except_faces)
            if conditions is None or not all(c.passes(0) for c in conditions):
                return False
            return all(c.passes(stage) for stage in self._inside.stages[1:] for c in (equation, *conditions))

    def _compared(self, mirror: Mirror, except_faces: Sequence[str]) -> list[Comparison] | None:
        """What has to agree besides the equation; None if there is a condition of an unknown kind."""
        out = []
        for condition, needs in zip(self.conditions, self.needs[1:], strict=True):
            if not condition.mapped_by_reflections:
                continue
            if (surface := condition.surface(self.domain)) is not None:
                out += [Comparison(r, [r.local], mirror) for r in self._surface(condition, surface, needs)]
                continue
            faces = condition.faces(self.domain)
            if not faces:
                return None
            for face in faces:
                if face not in except_faces:
                    partners = [self._local(c) for c in self._partners(condition, face, mirror.axis)]
                    out.append(Comparison(self._on(condition, face, needs), partners, mirror))
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
        """Whether the equation, or a condition, is its own image at given places."""
        if number == 0:
            return same(self._inside.compare_at(self._inside.local, mirror, Sites(places.points)))
        condition, needs = self.conditions[number - 1], self.needs[number]
        if not condition.mapped_by_reflections:
            return True
        if (surface := condition.surface(self.domain)) is not None:
            flux = self._surface(condition, surface, needs)[1]
            return same(flux.compare_at(flux.local, mirror, replace(places, weight=None)))
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
            requirement, chosen = self._on(condition, face, needs), places.of(block[here])
            chosen = Sites(chosen.points, chosen.normals)
            partners = self._partners(condition, face, mirror.axis)
            if not any(same(requirement.compare_at(self._local(c), mirror, chosen)) for c in partners):
                return False
        return True

    # -- what is compared ------------------------------------------------------------------------------------

    @cached_property
    def _parameters(self) -> Known:
        """Any values of the coefficients but those the search starts from, which may well be special."""
        generator = torch.Generator().manual_seed(20_240_601)
        return {
            name: torch.where(value == 0, 1.0, value)
            * (1 + torch.rand((), generator=generator).to(value) / 2)
            for name, value in self.known.items()
        }

    @cached_property
    def _generator(self) -> Generator:
        return torch.Generator().manual_seed(20_240_602)

    @cached_property
    def _made(self) -> dict[tuple[int, str], list[Requirement]]:
        return {}

    @cached_property
    def _inside(self) -> Requirement:
        """The equation."""

        def local(fields: dict[str, Field], sites: Sites) -> tuple[Tensor, ...]:
            return self.equation(fields, sites.points, self._parameters)

        probes = self._probes(local, self.needs[0], Sites(self.domain.interior(SCREEN, self._generator)))

        def value(points: Tensor) -> Tensor:
            return self._value(local, probes, Sites(points))

        return Requirement(
            self.domain.names,
            local,
            probes,
            Sites(interior_points(self.domain, value, self._generator)),
            lambda: Sites(interior_places(self.domain, value, self._generator)),
        )

    def _local(self, condition: Condition) -> Local:
        return lambda fields, sites: condition.residual(fields, sites, self.domain, self._parameters)

    def _on(self, condition: Condition, face: str, needs: Needs) -> Requirement:
        """A condition on one of its faces."""
        key = (id(condition), face)
        if key not in self._made:
            local = self._local(condition)
            drawn = self.domain.boundary(SCREEN, self._generator, on=face)
            probes = self._probes(local, needs, Sites(drawn.points, drawn.normals))

            def value(points: Tensor, normals: Tensor) -> Tensor:
                return self._value(local, probes, Sites(points, normals))

            if condition.varies_on_faces():
                drawn = face_points(self.domain, face, value, self._generator)
            many = Sites(drawn.points, drawn.normals)
            self._made[key] = [
                Requirement(
                    self.domain.names,
                    local,
                    probes,
                    many,
                    lambda: Sites(*face_places(self.domain, face, value, drawn, self._generator)),
                )
            ]
        return self._made[key][0]

    def _surface(self, condition: Condition, surface: Surface, needs: Needs) -> list[Requirement]:
        """Position of the surface that a condition holds on, by its level, and the residual there."""
        key = (id(condition), "")
        if key not in self._made:
            names, level = self.domain.names, surface.level
            points = interior_points(self.domain, level, self._generator)
            nothing = Probes((), *torch.zeros(2, 1, 0, dtype=torch.float64))
            sites = condition.sites(self.domain, 2 * SCREEN, self._generator, "uniform")
            flux = self._local(condition)
            self._made[key] = [
                Requirement(
                    names,
                    lambda _, places: (level(places.points).abs(),),
                    nothing,
                    Sites(points),
                    lambda: Sites(interior_places(self.domain, level, self._generator)),
                ),
                Requirement(names, flux, self._probes(flux, needs, sites), sites, lambda: sites),
            ]
        return self._made[key]

    def _probes(self, local: Local, needs: Needs, sites: Sites) -> Probes:
        extent = self.domain.bounds[1] - self.domain.bounds[0]
        return probes_of(local, self.domain.names, needs, extent, sites, self._generator)

    def _value(self, local: Local, probes: Probes, sites: Sites) -> Tensor:
        """One number [N] at each place that shows everything the residual does there."""
        return evaluate(local, self.domain.names, probes.channels, probes.broad[-1:], sites)[0].sum(0)

    # -- observations ----------------------------------------------------------------------------------------

    def _observed(self, axis: int, about: float, signs: Signs) -> bool:
        """Whether all observations show a symmetry themselves."""
        return all(
            self._shows(c, data.unknown, axis, about, signs)
            for c in self.conditions
            if (data := c.measurements()) is not None
        )

    def _shows(
        self, condition: Condition, unknown: str | None, axis: int, about: float, signs: Signs
    ) -> bool:
        if unknown is None:
            return False
        sites = condition.sites(self.domain, 1, torch.Generator(), "uniform")
        assert sites.values is not None
        if sites.values.ndim > 1:  # every value with a noise of its own
            return False
        image = sites.points.clone()
        image[:, axis] = 2 * about - image[:, axis]
        sign = signs[self.unknowns.index(unknown)]
        extent = self.domain.bounds[1] - self.domain.bounds[0]
        rows = []
        for points, values in ((sites.points, sites.values), (image, sign * sites.values)):
            keys = ((points - self.domain.bounds[0]) / extent * 1e8).round()
            order = np.lexsort(torch.cat([values[:, None], keys], 1).T.numpy())
            rows.append((keys[order], values[order]))
        (places, values), (images, mirrored) = rows
        close = (values - mirrored).abs().max() <= TOLERANCE * values.abs().max()
        return torch.equal(places, images) and bool(close)

    @cached_property
    def _determined(self) -> bool:
        """Whether equations and conditions have one solution for any values of the coefficients."""
        rows = self._inside._own(0).shape[1]
        steady = not time_names(self.domain)
        return rows >= len(self.unknowns) and self._complete and not (steady and not self._linear)

    @cached_property
    def _linear(self) -> bool:
        """Whether the equation is affine in all that it reads."""
        probes, sites = self._inside.probes, Sites(self._inside.many.points[:SCREEN])
        zero, one, two = probes.broad[:1], probes.broad[-2:-1], probes.broad[-1:]
        rows = evaluate(
            self._inside.local,
            self.domain.names,
            probes.channels,
            torch.cat([zero, one, two, one + two, 1e3 * one]),
            sites,
        )
        base, a, b, both, far = rows - rows[:1]
        added = torch.stack([a + b - both, (1e3 * a - far) / 1e3])
        size = torch.stack([a, b, rows[0]]).abs().amax((0, 2), keepdim=True)
        return bool((added.abs() <= TOLERANCE * size).all()) and bool(torch.isfinite(base).all())

    @cached_property
    def _complete(self) -> bool:
        """Whether each unknown has all the conditions that the orders of the equation ask for."""
        for name in self.unknowns:
            for face in self.domain.spatial_faces:
                here = [
                    c
                    for c in self.conditions
                    if (name in c.unknowns() or not c.unknowns()) and face in c.faces(self.domain)
                ]
                shape = next(f for f in self.domain.factors() if face in f.faces)
                order = max(self.orders[coordinate] for coordinate in shape.names)
                closed = any(c.circle() is not None for c in here)
                if not closed and sum(c.boundary_conditions for c in here) < max(1, (order + 1) // 2):
                    return False
            for time in time_names(self.domain):
                given = [p for c in self.conditions if (p := c.prescribed()) is not None]
                starts = [p for p in given if p.start and p.unknown == name]
                if not any(p.value is not None for p in starts):
                    return False
                if self.orders[time] > 1 and not any(p.rate is not None for p in starts):
                    return False
                if self.orders[time] > 2:
                    return False
        return True

    def _partners(self, condition: Condition, face: str, axis: int) -> list[Condition]:
        """Conditions of the same kind on the mirror image of a face."""
        name = self.domain.names[axis]
        for shape in self.domain.factors():
            if isinstance(shape, Interval) and shape.names == (name,) and face in shape.faces:
                other = shape.faces[1] if face == shape.faces[0] else shape.faces[0]
                return [
                    c
                    for c in self.conditions
                    if condition.is_like(c)
                    # The ansatz has to be symmetric too.
                    and (c.hard is False) == (condition.hard is False)
                    and other in c.faces(self.domain)
                ]
        return [condition]


def smooth_across(function: Callable[[Tensor], Tensor], domain: Domain, axis: int, orders: int) -> float:
    """How far a function of the coordinates is from being smooth on the circle that closes an interval.

    Args:
        function: Maps [N, dim] to [N].
        domain: The domain; its factor in `axis` is an interval.
        axis: Position of the periodic coordinate.
        orders: Derivatives 0 .. orders are compared across the seam.

    Returns:
        The largest jump of a derivative, relative to that derivative's largest value anywhere.
    """
    generator = torch.Generator().manual_seed(7)
    inner = domain.interior(SAMPLES, generator)
    start, end = inner.clone(), inner.clone()
    start[:, axis], end[:, axis] = domain.bounds[0, axis], domain.bounds[1, axis]
    indices = [(axis,) * k for k in range(orders + 1)]
    length = float(domain.bounds[1, axis] - domain.bounds[0, axis])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = derivatives(function, torch.cat([start, end, inner]), indices)
    if not all(torch.isfinite(value).all() for value in values):
        return math.inf
    worst, size = 0.0, float(values[0].abs().max())
    for k, value in enumerate(values):
        a, b, _ = value.chunk(3)
        # A derivative that vanishes is known no better than the values are.
        scale = max(float(value.abs().max()), size / length**k)
        worst = max(worst, float((a - b).abs().max()) / scale if scale > 0 else 0.0)
    return worst
