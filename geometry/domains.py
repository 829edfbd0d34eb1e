"""Domains: what every domain can do, and products of domains.

A domain is sampled through *patches*. A patch maps points of a unit cube to points of the domain (or of its
boundary), uniformly with respect to measure, and says which of them to keep. A plain shape has one patch for
its interior and one per face; a product multiplies patches, so one joint Sobol set fills space and time
together; a set operation passes on the patches of its operands with a stricter keep. Sampling is then the
same loop for all of them (`Domain._draw`).

Signed distances are negative inside. Those of shapes and of their products are exact:
outside a product, ``d = sqrt(sum max(d_i, 0)^2)``, inside, ``d = max d_i``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Generator, Tensor

from .samplers import unit_points


@dataclass(frozen=True)
class BoundaryPoints:
    """Points on the boundary of a domain.

    Attributes:
        points: [n, dim].
        normals: [n, dim], outward unit vectors.
        tags: the faces that were asked for.
        index: [n], long; ``tags[index[i]]`` is the face of point i.
    """

    points: Tensor
    normals: Tensor
    tags: tuple[str, ...]
    index: Tensor


@dataclass(frozen=True)
class Patch:
    """A piece of a domain or of its boundary as the image of a unit cube.

    Attributes:
        tag: the face, or "" for a piece of the interior.
        lengths: physical extent along each axis of the unit cube, whose dimension is ``len(lengths)``.
        measure: volume or surface measure of the whole image, kept or not (a count for single points).
        draw: maps [N, len(lengths)] to points [N, dim], normals [N, dim] (zero in the interior),
            keep [N] (bool).
    """

    tag: str
    lengths: tuple[float, ...]
    measure: float
    draw: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]


class Domain(ABC):
    """A bounded closed set with named coordinates. Lengths are in the units of its coordinates.

    Attributes:
        names: coordinate names in order.
        dim: number of coordinates.
        bounds: [2, dim], float64, lower and upper corner of a box around the domain.
        volume: the measure where a closed form exists, else None.
        faces: tags of the pieces of the boundary.
        spatial_faces: the faces that are not the start or end of time.
        groups: names for several faces together, such as the tag of a box.
        notes: what was mended or passed over when the domain was made, one sentence each.
    """

    names: tuple[str, ...]
    bounds: Tensor
    volume: float | None
    faces: tuple[str, ...]
    spatial_faces: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    notes: tuple[str, ...] = ()

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return len(self.names)

    @abstractmethod
    def distance(self, points: Tensor) -> Tensor:
        """Signed distance to the boundary, negative inside, differentiable by autograd.

        Args:
            points: [N, dim].

        Returns:
            [N], in the dtype and on the device of the points.
        """

    @abstractmethod
    def patches(self) -> list[Patch]:
        """Patches that together cover the interior once."""

    @abstractmethod
    def face_patches(self) -> list[Patch]:
        """Patches that together cover the boundary once, each with the tag of its face."""

    def factors(self) -> tuple[Domain, ...]:
        """The factors of a product; the domain itself otherwise."""
        return (self,)

    def inside(self, points: Tensor) -> Tensor:
        """Which points [N, dim] lie in the domain or on its boundary: bool [N]."""
        with torch.no_grad():
            return self.distance(points) <= 0

    def face_tags(self, on: str | Iterable[str] | None = None) -> tuple[str, ...]:
        """The faces meant by `on`.

        Args:
            on: a face ("x=-1"), the tag of a shape (all of its faces), a coordinate (the flat faces on which
                it is constant), several of these, or None for all faces except the start and end of time.

        Returns:
            Face tags, without repetition.

        Raises:
            ValueError: there is no such face, tag or coordinate, or a coordinate without flat faces.
        """
        if on is None:
            return self.spatial_faces
        tags: list[str] = []
        for item in [on] if isinstance(on, str) else on:
            found = ((item,) if item in self.faces else ()) + tuple(self.groups.get(item, ()))
            if not found and item in self.names:
                found = self.flat_faces(item)
                if not found:
                    raise ValueError(
                        f"no face of this domain is flat and perpendicular to {item}, so that on={item!r} "
                        f"means none of them; name those you mean among {self._known_faces()}"
                    )
            if not found:
                raise ValueError(
                    f"no face {item!r}: the faces of this domain are {self._known_faces()}; "
                    f"a coordinate ({', '.join(self.names)}) stands for all of its flat faces"
                )
            tags.extend(found)
        return tuple(dict.fromkeys(tags))

    def flat_faces(self, name: str) -> tuple[str, ...]:
        """The faces on which a coordinate is constant; of curved faces and those of a mesh none."""
        return self.faces if self.dim == 1 else ()

    def _known_faces(self) -> str:
        together = [f"{tag} (all of {', '.join(faces)})" for tag, faces in self.groups.items()]
        return ", ".join([*self.faces, *together])

    def interior(self, n: int, generator: Generator, sampler: str = "uniform") -> Tensor:
        """Points distributed by volume.

        Args:
            n: number of points.
            generator: source of all randomness.
            sampler: one of `samplers.SAMPLERS`.

        Returns:
            [n, dim], float64.

        Raises:
            ValueError: unknown sampler, n < 1, or a set operation left (almost) nothing to sample.
        """
        return self._draw(self.patches(), n, generator, sampler, "points of the domain")[0]

    def boundary(
        self, n: int, generator: Generator, on: str | Iterable[str] | None = None, sampler: str = "uniform"
    ) -> BoundaryPoints:
        """Points distributed by surface measure; single points, the ends of an interval, count 1 each.

        Args:
            n: number of points over all faces together.
            generator: source of all randomness.
            on: faces, as in `face_tags`.
            sampler: one of `samplers.SAMPLERS`.

        Returns:
            Points with outward normals, grouped by face.

        Raises:
            ValueError: no such face, unknown sampler, n < 1, or a set operation left nothing of these faces.
        """
        tags = self.face_tags(on)
        if not tags:
            raise ValueError(
                f"no faces to sample: on={on!r} leaves none of {', '.join(self.faces)}; name them in on="
            )
        every = self.face_patches()
        patches = [patch for tag in tags for patch in every if patch.tag == tag]
        points, normals, which = self._draw(
            patches, n, generator, sampler, f"boundary points on {', '.join(tags)}"
        )
        of_patch = torch.tensor([tags.index(patch.tag) for patch in patches], device=which.device)
        return BoundaryPoints(points, normals, tags, of_patch[which])

    def _draw(
        self, patches: list[Patch], n: int, generator: Generator, sampler: str, what: str
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Exactly n kept points of the patches, their normals and the number of their patch.

        One set of `trial` points is drawn over all patches; when fewer than n are kept, a larger set is drawn
        afresh rather than a second one appended, so that the low-discrepancy structure survives. A surplus is
        thinned at random.
        """
        if n < 1:
            raise ValueError(f"cannot draw {n} {what}; ask for at least 1")
        trial, limit = n, max(1 << 20, 128 * n)
        while True:
            drawn = []
            for i, (patch, count) in enumerate(
                zip(patches, _shares(patches, trial, generator, sampler), strict=True)
            ):
                if count:
                    u = unit_points(sampler, count, patch.lengths, generator)
                    points, normals, keep = patch.draw(u)
                    number = torch.full_like(keep, i, dtype=torch.long)
                    drawn.append((points[keep], normals[keep], number[keep]))
            points, normals, which = (torch.cat(parts) for parts in zip(*drawn, strict=True))
            kept = len(points)
            if kept == n:
                return points, normals, which
            if kept > n:
                some = torch.randperm(kept, generator=generator, device=points.device)[:n].sort().values
                return points[some], normals[some], which[some]
            if trial >= limit:
                raise ValueError(
                    f"found only {kept} of {n} {what} in {trial} trials; "
                    f"that part of {self!r} is empty or too thin to sample"
                )
            trial = min(limit, 64 * trial, math.ceil(1.02 * trial * n / max(kept, 1)) + 8)

    def __mul__(self, other: Domain) -> Product:
        """The product domain, for example ``Ball((0, 0), 1) * Time(0, 1)``."""
        return Product(self, other)

    def __or__(self, other: Domain) -> Domain:
        """The union of two domains with the same coordinates."""
        from .csg import Union

        return Union(self, other)

    def __and__(self, other: Domain) -> Domain:
        """The intersection of two domains with the same coordinates."""
        from .csg import Intersection

        return Intersection(self, other)

    def __sub__(self, other: Domain) -> Domain:
        """The first domain without the (open) second one."""
        from .csg import Difference

        return Difference(self, other)

    def _checked(self, points: Tensor) -> Tensor:
        if points.ndim != 2 or points.shape[1] != self.dim:
            raise ValueError(
                f"points must have shape [N, {self.dim}] for coordinates {', '.join(self.names)}; "
                f"got {list(points.shape)}"
            )
        return points


def _shares(patches: list[Patch], n: int, generator: Generator, sampler: str) -> list[int]:
    """How many of n points each patch gets: in proportion to measure, rounded up or down."""
    measure = torch.tensor([patch.measure for patch in patches], dtype=torch.float64)
    share = measure.cumsum(0) / measure.sum()
    share[-1] = 1.0
    # systematic sampling: the random start makes expected counts exact; a grid stays deterministic
    start = 0.5 if sampler == "grid" else float(torch.rand((), generator=generator, device=generator.device))
    ends = [0, *(int(end) for end in (share * n + start).floor())]
    return [b - a for a, b in zip(ends, ends[1:], strict=False)]


class Product(Domain):
    """The product of domains with different coordinates; also written ``A * B``.

    Args:
        *factors: the domains; products among them are flattened.

    Raises:
        ValueError: two factors share a coordinate name or a face tag, or a tag is the name of a coordinate.
    """

    def __init__(self, *factors: Domain) -> None:
        self._factors = tuple(plain for factor in factors for plain in factor.factors())
        self.names = sum((f.names for f in self._factors), ())
        self.faces = sum((f.faces for f in self._factors), ())
        self.spatial_faces = sum((f.spatial_faces for f in self._factors), ())
        for what, labels, fix in (("coordinate", self.names, "name"), ("face", self.faces, "tag")):
            twice = sorted({label for label in labels if labels.count(label) > 1})
            if twice:
                raise ValueError(
                    f"two factors of a product have a {what} {twice[0]!r}; give one another {fix}"
                )
        self.groups = joined_groups(*(f.groups for f in self._factors))
        for label in (*self.faces, *self.groups):
            if label in self.names:
                raise ValueError(
                    f"{label!r} is the tag of a face and the name of a coordinate; give one another name"
                )
        self.notes = sum((f.notes for f in self._factors), ())
        self.bounds = torch.cat([f.bounds for f in self._factors], 1)
        volumes = [f.volume for f in self._factors if f.volume is not None]
        self.volume = math.prod(volumes) if len(volumes) == len(self._factors) else None

    def factors(self) -> tuple[Domain, ...]:
        """The factors, none of them a product."""
        return self._factors

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance [N] of points [N, dim]; exact where those of the factors are."""
        columns = self._checked(points).split([f.dim for f in self._factors], 1)
        each = torch.stack([f.distance(x) for f, x in zip(self._factors, columns, strict=True)], 1)
        nearest = each.amax(1)
        return torch.where(nearest > 0, torch.linalg.vector_norm(each.clamp_min(0), dim=1), nearest)

    def patches(self) -> list[Patch]:
        """Products of the patches of the factors."""
        return _product_patches([f.patches() for f in self._factors])

    def face_patches(self) -> list[Patch]:
        """The faces of each factor times the interiors of the others."""
        interiors = [f.patches() for f in self._factors]
        return [
            patch
            for i, f in enumerate(self._factors)
            for patch in _product_patches([*interiors[:i], f.face_patches(), *interiors[i + 1 :]])
        ]

    def flat_faces(self, name: str) -> tuple[str, ...]:
        """Those of the factor that carries the coordinate."""
        return next(f for f in self._factors if name in f.names).flat_faces(name)

    def __repr__(self) -> str:
        return " * ".join(map(repr, self._factors))


def joined_groups(*several: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Names for several faces; of the same name the faces together."""
    out: dict[str, tuple[str, ...]] = {}
    for groups in several:
        for tag, faces in groups.items():
            out[tag] = tuple(dict.fromkeys((*out.get(tag, ()), *faces)))
    return out


def _product_patches(choices: list[list[Patch]]) -> list[Patch]:
    """Every way of taking one patch from each list."""
    patches = choices[0]
    for others in choices[1:]:
        patches = [_times(a, b) for a in patches for b in others]
    return patches


def _times(a: Patch, b: Patch) -> Patch:
    def draw(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, x_normals, x_keep = a.draw(u[:, : len(a.lengths)])
        y, y_normals, y_keep = b.draw(u[:, len(a.lengths) :])
        return torch.cat([x, y], 1), torch.cat([x_normals, y_normals], 1), x_keep & y_keep

    return Patch(a.tag or b.tag, a.lengths + b.lengths, a.measure * b.measure, draw)
