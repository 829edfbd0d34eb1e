"""Reflections that leave a problem unchanged, found by a numerical test.

A reflection R of one coordinate, with a sign for each unknown, turns fields v into w(x) = sign * v(Rx).  It is a
symmetry when the residual of every w at x is, up to a sign for each equation, the residual of v at Rx, and the same
holds for the conditions.  Random smooth v (sums of plane waves, whose derivatives are known in closed form) decide
this to rounding.  A network that respects the symmetry has less to learn; on Burgers that is worth 30x at equal time.

Two kinds are looked for on each interval coordinate:
- `centre`: about the middle of the interval, which maps the domain onto itself;
- `ends`: about both end points.  With u = 0 there (sign -1) or du/dn = 0 (sign +1) the solution continues, as smooth
  as the equation lets it, to a periodic function of twice the length.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..geometry import Domain, Interval, Time
from .conditions import Condition, Dirichlet, Known, Neumann, Observations, Periodic, Sites
from .fields import Field, MultiIndex, derivatives

Signs = tuple[int, ...]
Residual = Callable[[dict[str, Field], Tensor], tuple[Tensor, ...]]

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
        equation: The equation's residuals from fields and points.
        conditions: All conditions.
        known: Values of the coefficients.
    """

    domain: Domain
    unknowns: tuple[str, ...]
    equation: Residual
    conditions: tuple[Condition, ...]
    known: Known

    def find(self) -> dict[str, Symmetry]:
        """Symmetries by coordinate; coordinates without any are absent."""
        found = {}
        for shape in self.domain.factors():
            if not isinstance(shape, Interval) or isinstance(shape, Time):
                continue
            axis = self.domain.names.index(shape.names[0])
            lower, upper = shape.bounds[:, 0].tolist()
            centre = self._first(
                axis, (lower + upper) / 2, itertools.product((1, -1), repeat=len(self.unknowns))
            )
            ends = self._end_signs(shape)
            if ends is not None and not all(
                self.holds(axis, end, ends, shape.faces) for end in (lower, upper)
            ):
                ends = None
            if centre is not None or ends is not None:
                found[shape.names[0]] = Symmetry(centre, ends)
        return found

    def _first(
        self, axis: int, about: float, candidates: itertools.product[Signs] | Sequence[Signs]
    ) -> Signs | None:
        return next((tuple(signs) for signs in candidates if self.holds(axis, about, tuple(signs))), None)

    def _end_signs(self, shape: Interval) -> Signs | None:
        """-1 where an unknown is zero at both ends, +1 where its normal derivative is; None if neither."""
        signs = []
        for name in self.unknowns:
            kinds = []
            for face in shape.faces:
                here = [c for c in self.conditions if name in c.unknowns() and face in c.faces(self.domain)]
                if len(here) != 1 or not isinstance(here[0], (Dirichlet, Neumann)) or here[0].hard is False:
                    return None
                condition = here[0]
                if callable(condition.value) or condition.value != 0:
                    return None
                kinds.append(-1 if isinstance(condition, Dirichlet) else 1)
            if kinds[0] != kinds[1]:
                return None
            signs.append(kinds[0])
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

        def mirror(points: Tensor) -> Tensor:
            image = points.clone()
            image[:, axis] = 2 * about - image[:, axis]
            return image

        def agree(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> bool:
            for a, b in zip(ours, theirs, strict=True):
                scale = TOLERANCE * float(torch.maximum(a.abs().max(), b.abs().max()).clamp(min=1.0))
                if not (float((a - b).abs().max()) <= scale or float((a + b).abs().max()) <= scale):
                    return False
            return True

        points = self.domain.interior(SAMPLES, generator)
        image = mirror(points)
        try:
            if not agree(
                self.equation(waves.fields(image, axis, signs), points),
                self.equation(waves.fields(image), image),
            ):
                return False
            for condition in self.conditions:
                if isinstance(condition, (Periodic, Observations)):
                    continue
                for face in condition.faces(self.domain):
                    if face in except_faces:
                        continue
                    drawn = self.domain.boundary(SAMPLES, generator, on=face)
                    here = Sites(drawn.points, drawn.normals)
                    normals = drawn.normals.clone()
                    normals[:, axis] *= -1
                    there = Sites(mirror(drawn.points), normals)
                    partner = self._partner(condition, face, axis)
                    if partner is None or not agree(
                        condition.residual(
                            waves.fields(there.points, axis, signs), here, self.domain, self.known
                        ),
                        partner.residual(waves.fields(there.points), there, self.domain, self.known),
                    ):
                        return False
        except (ValueError, RuntimeError):  # a user's function that cannot be evaluated outside the domain
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
        The largest jump of a derivative, relative to that derivative's size (at least 1).
    """
    generator = torch.Generator().manual_seed(7)
    start = domain.interior(SAMPLES, generator)
    end = start.clone()
    start[:, axis], end[:, axis] = domain.bounds[0, axis], domain.bounds[1, axis]
    indices = [(axis,) * k for k in range(orders + 1)]
    worst = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for a, b in zip(
            derivatives(function, start, indices), derivatives(function, end, indices), strict=True
        ):
            scale = float(torch.maximum(a.abs().max(), b.abs().max()).clamp(min=1.0))
            worst = max(worst, float((a - b).abs().max()) / scale)
    return worst if math.isfinite(worst) else math.inf
