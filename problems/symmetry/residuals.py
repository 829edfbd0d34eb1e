"""Residuals of a problem, of its equation and conditions, that reflections have to map to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Generator, Tensor

from ...derivatives.multi_index import MultiIndex
from ...geometry import Domain, Interval
from ..conditions.base import Condition, Known, Sites, Surface
from ..fields import Field
from .places import face_places, face_points, interior_places, interior_points
from .probing import Local, Probes, evaluate, probes_of
from .requirements import SCREEN, Requirement

Residual = Callable[[dict[str, Field], Tensor, Known], tuple[Tensor, ...]]
Needs = Mapping[str, Sequence[MultiIndex]]


@dataclass(frozen=True)
class Residuals:
    """Residuals of one problem, with the probes and places at which they are compared.

    Attributes:
        domain: The domain.
        equation: The equation's residuals from fields, points and coefficients.
        needs: The derivatives that the equation reads of each unknown.
        conditions: All conditions.
        known: Values of the coefficients.
    """

    domain: Domain
    equation: Residual
    needs: Needs
    conditions: tuple[Condition, ...]
    known: Known

    @cached_property
    def _parameters(self) -> Known:
        """Random values of the coefficients: those that training starts from may be special."""
        generator = torch.Generator().manual_seed(20_240_601)
        return {
            name: torch.where(value == 0, 1.0, value)
            * (1 + torch.rand((), generator=generator, dtype=torch.float32).to(value) / 2)
            for name, value in self.known.items()
        }

    @cached_property
    def _generator(self) -> Generator:
        return torch.Generator().manual_seed(20_240_602)

    @cached_property
    def _made(self) -> dict[tuple[int, str], list[Requirement]]:
        return {}

    @cached_property
    def inside(self) -> Requirement:
        """Requirement of the equation, inside the domain."""

        def local(fields: dict[str, Field], sites: Sites) -> tuple[Tensor, ...]:
            return self.equation(fields, sites.points, self._parameters)

        probes = self._probes(local, self.needs, Sites(self.domain.interior(SCREEN, self._generator)))

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

    def on(self, condition: Condition, face: str, needs: Needs) -> Requirement:
        """Requirement of a condition on one of its faces."""
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

    def on_surface(self, condition: Condition, surface: Surface, needs: Needs) -> list[Requirement]:
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

    def on_domain(self, condition: Condition, needs: Needs) -> Requirement:
        """Density of a condition on integrals: they are mirrored if it is, pointwise."""
        key = (id(condition), "density")
        if key not in self._made:

            def local(fields: dict[str, Field], sites: Sites) -> tuple[Tensor, ...]:
                return condition.density(fields, sites, self.domain, self._parameters)

            sites = condition.sites(self.domain, 1, self._generator, "uniform")
            sites = Sites(sites.points, sites.normals)
            some = sites.of(torch.linspace(0, len(sites.points) - 1, SCREEN).long())
            probes = self._probes(local, needs, some)
            self._made[key] = [Requirement(self.domain.names, local, probes, sites, lambda: sites)]
        return self._made[key][0]

    def _probes(self, local: Local, needs: Needs, sites: Sites) -> Probes:
        extent = self.domain.bounds[1] - self.domain.bounds[0]
        return probes_of(local, self.domain.names, needs, extent, sites, self._generator)

    def _value(self, local: Local, probes: Probes, sites: Sites) -> Tensor:
        """Sum of the rows of a residual on all channels at once: a number [N] at each place."""
        return evaluate(local, self.domain.names, probes.channels, probes.broad[-1:], sites)[0].sum(0)

    def partners(self, condition: Condition, face: str, axis: int) -> list[Local]:
        """The residuals of all conditions of the same kind on the mirror image of a face.

        Args:
            condition: A condition that holds on the face.
            face: Its tag.
            axis: Position of the reflected coordinate.
        """
        name = self.domain.names[axis]
        for shape in self.domain.factors():
            if isinstance(shape, Interval) and shape.names == (name,) and face in shape.faces:
                other = shape.opposite(face)
                return [
                    self._local(c)
                    for c in self.conditions
                    if condition.is_like(c)
                    # The ansatz has to be symmetric too.
                    and (c.hard is False) == (condition.hard is False)
                    and other in c.faces(self.domain)
                ]
        return [self._local(condition)]
