"""Reflections that leave a problem unchanged, found by a numerical test.

A reflection R of one coordinate, with a sign for each unknown, turns fields v into w(x) = sign * v(Rx).  It
is a symmetry when the residual of every w at x is, up to a sign for each equation, the residual of v at Rx,
and the same holds for the conditions.  Random smooth v (sums of plane waves, whose derivatives are known in
closed form) and random values of the coefficients decide this to rounding.  A network that respects the
symmetry has less to learn; on Burgers that is worth 30x at equal time.

Two kinds are looked for on each interval coordinate:
- `centre`: about the middle of the interval, which maps the domain onto itself;
- `ends`: about both end points.  With u = 0 there (sign -1) or du/dn = 0 (sign +1) the solution continues, as
  smooth as the equation lets it, to a periodic function of twice the length.

Observations have no equation to test.  Where the conditions leave the solution no choice but to be symmetric,
they only serve to find coefficients and are passed over; otherwise the observed values must show the symmetry
themselves.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Generator, Tensor

from ..geometry import Domain, Interval, Time
from .conditions import (
    Condition,
    Dirichlet,
    Initial,
    Known,
    Neumann,
    Periodic,
    Robin,
    Sites,
    time_names,
)
from .fields import Field, MultiIndex, derivatives
from .interface import Interface
from .observations import Observations

Signs = tuple[int, ...]
Residual = Callable[[dict[str, Field], Tensor, Known], tuple[Tensor, ...]]

TOLERANCE = 1e-9
SAMPLES = 16


@dataclass(frozen=True)
class Symmetry:
    """What was found for one coordinate: a sign for each unknown, or None.

    Attributes:
        centre: About the middle of the interval.
        ends: About both end points.
    """

    centre: Signs | None = None
    ends: Signs | None = None


class _Waves:
    """Random smooth unknowns, v_j(x) = sum_k a_jk sin(w_jk . x + p_jk), and their mirror images."""

    def __init__(self, domain: Domain, unknowns: Sequence[str], generator: Generator) -> None:
        count = 6
        extent = domain.bounds[1] - domain.bounds[0]
        shape = (len(unknowns), count)
        self.names, self.unknowns = domain.names, unknowns
        self.amplitude = torch.rand(*shape, generator=generator, dtype=torch.float64) + 0.5
        self.phase = 2 * math.pi * torch.rand(*shape, generator=generator, dtype=torch.float64)
        self.wave = 2 * torch.randn(*shape, domain.dim, generator=generator, dtype=torch.float64) / extent

    def fields(self, points: Tensor, axis: int | None = None, signs: Signs | None = None) -> dict[str, Field]:
        """The unknowns at points; with an axis, their mirror images evaluated where R maps to `points`."""

        def channels(j: int) -> Callable[[MultiIndex], Tensor]:
            def value(index: MultiIndex) -> Tensor:
                angle = points @ self.wave[j].T + self.phase[j] + 0.5 * math.pi * len(index)
                factor = self.amplitude[j].clone()
                for i in index:
                    factor = factor * self.wave[j][:, i]
                flip = 1 if signs is None else signs[j] * (-1) ** sum(i == axis for i in index)
                return flip * (torch.sin(angle) @ factor)

            return value

        return {name: Field(name, self.names, channels(j)) for j, name in enumerate(self.unknowns)}


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
        even: Unknowns that can only be even, as those that are positive.
    """

    domain: Domain
    unknowns: tuple[str, ...]
    equation: Residual
    conditions: tuple[Condition, ...]
    known: Known
    orders: Mapping[str, int]
    even: tuple[str, ...] = ()

    def find(self) -> dict[str, Symmetry]:
        """Symmetries by coordinate; coordinates without any are absent."""
        found = {}
        for shape in self.domain.factors():
            if not isinstance(shape, Interval) or isinstance(shape, Time):
                continue
            axis = self.domain.names.index(shape.names[0])
            lower, upper = shape.bounds[:, 0].tolist()
            candidates = itertools.product(*((1,) if u in self.even else (1, -1) for u in self.unknowns))
            centre = self._first(axis, (lower + upper) / 2, candidates)
            ends = self._end_signs(shape)
            if ends is not None and not all(
                self.holds(axis, end, ends, shape.faces) for end in (lower, upper)
            ):
                ends = None
            if centre is not None or ends is not None:
                found[shape.names[0]] = Symmetry(centre, ends)
        return found

    def _first(self, axis: int, about: float, candidates: Iterable[Signs]) -> Signs | None:
        return next((signs for signs in candidates if self.holds(axis, about, signs)), None)

    def _end_signs(self, shape: Interval) -> Signs | None:
        """-1 where an unknown is zero at both ends, +1 where its normal derivative is; None if neither."""
        if any(isinstance(c, Periodic) and (c.on,) == shape.names for c in self.conditions):
            return None
        if any(isinstance(c, Interface) and shape.names[0] in c.coordinates() for c in self.conditions):
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
                if len(here) != 1 or not isinstance(here[0], (Dirichlet, Neumann)) or here[0].hard is False:
                    return None
                condition = here[0]
                if callable(condition.value) or condition.value != 0:
                    return None
                kinds.append(-1 if isinstance(condition, Dirichlet) else 1)
            if kinds[0] != kinds[1]:
                return None
            signs.append(kinds[0])
            if signs[-1] < 0 and name in self.even:
                return None
        return tuple(signs)

    def holds(self, axis: int, about: float, signs: Signs, except_faces: Sequence[str] = ()) -> bool:
        """Whether the reflection x_axis -> 2 about - x_axis with these signs is a symmetry.

        Args:
            axis: Position of the coordinate.
            about: The fixed point, in the coordinate's unit.
            signs: One for each unknown.
            except_faces: Faces whose conditions the caller accounts for.
        """
        generator = torch.Generator().manual_seed(20_240_601)
        waves = _Waves(self.domain, self.unknowns, generator)
        # Any values of the coefficients but those the search starts from, which may well be special.
        known = {
            name: torch.where(value == 0, 1.0, value)
            * (1 + torch.rand((), generator=generator).to(value) / 2)
            for name, value in self.known.items()
        }
        if not all(self._observed(c, axis, about, signs) for c in self.conditions):
            return False

        def mirror(points: Tensor) -> Tensor:
            image = points.clone()
            image[:, axis] = 2 * about - image[:, axis]
            return image

        def agree(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> bool:
            for a, b in zip(ours, theirs, strict=True):
                scale = TOLERANCE * float(torch.maximum(a.abs().max(), b.abs().max()))
                if not (float((a - b).abs().max()) <= scale or float((a + b).abs().max()) <= scale):
                    return False
            return True

        points = self.domain.interior(SAMPLES, generator)
        image = mirror(points)
        try:
            if not agree(
                self.equation(waves.fields(image, axis, signs), points, known),
                self.equation(waves.fields(image), image, known),
            ):
                return False
            for condition in self.conditions:
                if isinstance(condition, (Periodic, Observations)):
                    continue
                if isinstance(condition, Interface):
                    level = condition.level(self.domain)
                    here = condition.sites(self.domain, 2 * SAMPLES, generator, "uniform")
                    there = self._mirrored(here, axis, mirror)
                    if not agree((level(points).abs(),), (level(image).abs(),)) or not agree(
                        condition.residual(waves.fields(there.points, axis, signs), here, self.domain, known),
                        condition.residual(waves.fields(there.points), there, self.domain, known),
                    ):
                        return False
                for face in condition.faces(self.domain):
                    if face in except_faces:
                        continue
                    drawn = self.domain.boundary(SAMPLES, generator, on=face)
                    here = Sites(drawn.points, drawn.normals)
                    there = self._mirrored(here, axis, mirror)
                    partner = self._partner(condition, face, axis)
                    if partner is None or not agree(
                        condition.residual(waves.fields(there.points, axis, signs), here, self.domain, known),
                        partner.residual(waves.fields(there.points), there, self.domain, known),
                    ):
                        return False
        except (ValueError, RuntimeError):  # a user's function that cannot be evaluated outside the domain
            return False
        return True

    @staticmethod
    def _mirrored(sites: Sites, axis: int, mirror: Callable[[Tensor], Tensor]) -> Sites:
        assert sites.normals is not None
        normals = sites.normals.clone()
        normals[:, axis] *= -1
        return Sites(mirror(sites.points), normals, fold=sites.fold)

    def _observed(self, condition: Condition, axis: int, about: float, signs: Signs) -> bool:
        """Whether observations do not speak against a symmetry; True of any other condition."""
        if not isinstance(condition, Observations) or self._complete:
            return True
        if not isinstance(condition.of, str):
            return False
        sites = condition.sites(self.domain, 1, torch.Generator(), "uniform")
        assert sites.values is not None
        if sites.values.ndim > 1:  # every value with a noise of its own
            return False
        image = sites.points.clone()
        image[:, axis] = 2 * about - image[:, axis]
        sign = signs[self.unknowns.index(condition.of)]
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
    def _complete(self) -> bool:
        """Whether every face has a condition on every unknown, and time a start: observations add nothing."""
        for name in self.unknowns:
            for face in self.domain.spatial_faces:
                if not any(
                    isinstance(c, (Dirichlet, Neumann, Robin, Periodic))
                    and (name in c.unknowns() or not c.unknowns())
                    and face in c.faces(self.domain)
                    for c in self.conditions
                ):
                    return False
            for time in time_names(self.domain):
                starts = [c for c in self.conditions if isinstance(c, Initial) and name in c.unknowns()]
                if not any(c.value is not None for c in starts):
                    return False
                if self.orders[time] > 1 and not any(c.velocity is not None for c in starts):
                    return False
        return True

    def _partner(self, condition: Condition, face: str, axis: int) -> Condition | None:
        """The condition of the same kind on the mirror image of a face."""
        name = self.domain.names[axis]
        for shape in self.domain.factors():
            if isinstance(shape, Interval) and shape.names == (name,) and face in shape.faces:
                other = shape.faces[1] if face == shape.faces[0] else shape.faces[0]
                return next(
                    (
                        c
                        for c in self.conditions
                        if type(c) is type(condition)
                        and (c.hard is False)
                        == (condition.hard is False)  # the ansatz has to be symmetric too
                        and c.unknowns() == condition.unknowns()
                        and other in c.faces(self.domain)
                    ),
                    None,
                )
        return condition


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
    inner = domain.interior(4 * SAMPLES, generator)
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
