"""Regions: a division of a domain into named parts, such as materials, and the surfaces where these touch.

Two parts touch where the boundary of one has the other right behind it.  Points of such a contact are those
of the boundary of the first of both that pass this test, so any shapes do, and no surface has to be named.

A `Level` is a smooth function that vanishes on a contact: it exists where contacts are whole planes and
spheres (inside the domain).  A network bent by its absolute value is continuous there with a kink, exactly.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from ..errors import InputError
from .patches import Patch, draw_points, product_patches

if TYPE_CHECKING:
    from .domains import Domain

SAME = 1e-9  # points nearer to a surface than this, of the extent, lie on it
TRIED = 4096  # points that find gaps, overlaps, and whether a plane is a contact altogether


@dataclass(frozen=True)
class Level:
    """A plane across one coordinate, or a sphere.

    Attributes:
        centre: [dim]; of a plane only the coordinate across it counts.
        radius: Of the sphere; 0 for a plane.
        axis: Position of the coordinate across the plane; -1 for a sphere.
    """

    centre: tuple[float, ...]
    radius: float
    axis: int = -1

    def __call__(self, points: Tensor) -> Tensor:
        """Values [N] at points [N, dim], which are distances near the surface."""
        if self.axis >= 0:
            return points[:, self.axis] - self.centre[self.axis]
        away = points - points.new_tensor(self.centre)
        return (away.square().sum(1) - self.radius**2) / (2 * self.radius)

    def foot(self, points: Tensor) -> Tensor:
        """Nearest points of the surface, [N, dim]."""
        if self.axis >= 0:
            column = torch.arange(points.shape[1]) == self.axis
            return torch.where(column, points.new_tensor(self.centre), points)
        away = points - points.new_tensor(self.centre)
        foot: Tensor = points + (self.radius / away.norm(dim=1, keepdim=True) - 1) * away
        return foot

    def normal(self, points: Tensor) -> Tensor:
        """Unit normals [N, dim] at points of the surface."""
        if self.axis >= 0:
            return (torch.arange(points.shape[1]) == self.axis).to(points).expand_as(points)
        away = points - points.new_tensor(self.centre)
        unit: Tensor = away / away.norm(dim=1, keepdim=True)
        return unit


class Regions(ABC):
    """A division of a domain into named parts.

    Attributes:
        names: Coordinates of the division, which are those of space.
        labels: Names of the parts.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]

    @abstractmethod
    def number(self, points: Tensor) -> Tensor:
        """Position in `labels` of the part that holds each of points [N, dim]: long [N]."""

    def of(self, domain: Domain, points: Tensor) -> Tensor:
        """Positions in `labels` at points [N, dim] of a domain that may have more coordinates: long [N]."""
        return self.number(points[:, [domain.names.index(name) for name in self.names]])

    @abstractmethod
    def contacts(self) -> list[Patch]:
        """Patches of the surfaces where two parts touch, with normals from the first part to the second.

        The tag is that of the pair, such as "steel | copper".
        """

    @property
    def levels(self) -> tuple[Level, ...]:
        """Levels of all contacts together; none where some contact is neither a plane nor a sphere."""
        return ()

    def touching(
        self, n: int, generator: Generator, sampler: str, others: list[Patch]
    ) -> tuple[Tensor, Tensor]:
        """Draw points of all contacts, times what the domain has besides.

        Args:
            n: Number of points.
            generator: All randomness.
            sampler: One of `samplers.SAMPLERS`.
            others: Patches of the other coordinates, which come last; none without.

        Returns:
            Points and normals, both [n, dim].

        Raises:
            InputError: The parts touch nowhere.
        """
        contacts = self.contacts()
        if not contacts:
            raise InputError(f"the regions {', '.join(self.labels)} touch nowhere; there is nothing to join")
        patches = product_patches([contacts, others]) if others else contacts
        points, normals, _ = draw_points(patches, n, generator, sampler, "points of contacts", repr(self))
        return points, normals

    def __repr__(self) -> str:
        return f"regions {', '.join(self.labels)}"


class Divisible:
    """A domain that may be divided into regions.

    Attributes:
        regions: The division; None where there is none.
    """

    regions: Regions | None = None

    def with_regions(self: Domain, parts: Mapping[str, Domain]) -> Domain:  # type: ignore[misc]
        """Copy of the domain, divided into named parts such as materials.

        ``Interval(0, 1).with_regions({"steel": Interval(0, 0.3), "copper": Interval(0.3, 1)}) * Time(0, 1)``

        Args:
            parts: Shapes in the same coordinates, by name; together they cover the domain.

        Raises:
            InputError: There are fewer than two, their coordinates differ, they overlap, or leave a gap.
        """
        divided = copy(self)
        divided.regions = ShapeRegions(self, parts)
        return divided

    def operands(self: Domain) -> tuple[Domain, ...]:  # type: ignore[misc]
        """Domains that this one is put together from; none of a shape."""
        return tuple(factor for factor in self.factors() if factor is not self)

    def surfaces(self, names: tuple[str, ...]) -> list[Level]:
        """Planes and spheres that its boundary consists of, in the space of some coordinates."""
        return [level for part in self.operands() for level in part.surfaces(names)]  # type: ignore[misc]


def joined(parts: Iterable[Divisible]) -> Regions | None:
    """The division of a product, or of a set operation: that of the first part that has one."""
    return next((part.regions for part in parts if part.regions is not None), None)


class ShapeRegions(Regions):
    """Parts that are shapes.

    Args:
        within: The domain, which the parts cover.
        parts: Domains in the same coordinates, by name.

    Raises:
        InputError: There are fewer than two, their coordinates differ, they overlap, or leave a gap.
    """

    def __init__(self, within: Domain, parts: Mapping[str, Domain]) -> None:
        if len(parts) < 2:
            raise InputError(
                f"regions need at least two parts, such as {{'steel': Box(...), 'copper': ...}}; "
                f"got {', '.join(map(repr, parts)) or 'none'}"
            )
        for label, part in parts.items():
            if part.names != within.names:
                raise InputError(
                    f"the region {label!r} has the coordinates ({', '.join(part.names)}), its domain "
                    f"({', '.join(within.names)}); give it the same, and multiply by Time afterwards"
                )
        self.names, self.labels = within.names, tuple(parts)
        self._within, self._parts = within, tuple(parts.values())
        self._extent = float((within.bounds[1] - within.bounds[0]).max())
        self._check()

    def _check(self) -> None:
        points = self._within.interior(TRIED, Generator().manual_seed(7))
        depth = self._distances(points)
        for wrong, what in (
            (depth.amin(0) > SAME * self._extent, "no region holds"),
            ((depth < -SAME * self._extent).sum(0) > 1, "several regions hold"),
        ):
            if wrong.any():
                at = zip(self.names, points[wrong.nonzero()[0, 0]].tolist(), strict=True)
                where = ", ".join(f"{name}={value:.3g}" for name, value in at)
                raise InputError(
                    f"{what} the point {where}; every point of {self._within!r} has to lie in one of "
                    f"{', '.join(self.labels)}"
                )

    def _distances(self, points: Tensor) -> Tensor:
        return torch.stack([part.distance(points) for part in self._parts])

    def number(self, points: Tensor) -> Tensor:
        """Position in `labels` of the part that holds each of points [N, dim], or is nearest: long [N]."""
        with torch.no_grad():
            return self._distances(points).argmin(0)

    def contacts(self) -> list[Patch]:
        """Patches of the boundaries of the parts where another one lies behind, and the domain goes on."""
        return [
            self._contact(patch, i, j)
            for i, part in enumerate(self._parts)
            for patch in part.face_patches()
            for j in range(i + 1, len(self._parts))
            if self._meet(patch, i, j)
        ]

    def _contact(self, patch: Patch, i: int, j: int) -> Patch:
        def draw(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            points, normals, keep = patch.draw(u)
            step = SAME * self._extent * normals
            between = (self.number(points - step) == i) & (self.number(points + step) == j)
            inside = self._within.distance(points) < -SAME * self._extent
            return points, normals, keep & between & inside

        return replace(patch, tag=f"{self.labels[i]} | {self.labels[j]}", draw=draw)

    def _meet(self, patch: Patch, i: int, j: int) -> bool:
        u = torch.rand(TRIED, len(patch.lengths), generator=Generator().manual_seed(8), dtype=torch.float64)
        return bool(self._contact(patch, i, j).draw(u)[2].any())

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """Levels of all contacts together; none where some contact is neither a plane nor a sphere."""
        generator = Generator().manual_seed(9)
        contacts = self.contacts()
        if not contacts:
            return ()
        on, *_ = draw_points(contacts, TRIED, generator, "uniform", "points of contacts", repr(self))
        found = [level for level in self._surfaces() if self._is_contact(level)]
        near = [level(on).abs() < SAME * self._extent for level in found]
        whole = bool(near) and bool(torch.stack(near).any(0).all())
        return tuple(level for level, there in zip(found, near, strict=True) if there.any()) if whole else ()

    def _surfaces(self) -> list[Level]:
        return list(dict.fromkeys(level for part in self._parts for level in part.surfaces(self.names)))

    def _is_contact(self, level: Level) -> bool:
        """Test whether different parts lie on both sides of a surface wherever it runs inside the domain."""
        points = level.foot(self._within.interior(TRIED, Generator().manual_seed(10)))
        points = points[self._within.distance(points) < -1e-3 * self._extent]
        step = SAME * self._extent * level.normal(points)
        return len(points) > 0 and bool((self.number(points - step) != self.number(points + step)).all())
