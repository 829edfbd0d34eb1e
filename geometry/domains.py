"""Domains with their distance, faces and sampling; products and set operations of domains.

A domain is sampled through *patches*. A patch maps points of a unit cube to points of the domain (or of its
boundary), uniformly with respect to measure, and says which of them to keep. A plain shape has one patch for
its interior and one per face; a product multiplies patches, so one joint Sobol set fills space and time
together; a set operation passes on the patches of its operands with a stricter keep. Sampling is then the
same loop for all of them (`patches.draw_points`).

Signed distances are negative inside. Those of shapes and of their products are exact:
outside a product, ``d = sqrt(sum max(d_i, 0)^2)``, inside, ``d = max d_i``.

Set operations. Distances are the usual min and max: the sign is right, and ``|d|`` is a lower bound of the
true distance. Interior points come from the operands by rejection. The boundary is what survives of the
operands' boundaries: a point x with normal n is kept when the domain lies just inside, at ``x - h n``, and
not just outside, at ``x + h n``. That also gets coinciding surfaces right, the seam of two touching boxes
for example.

Faces of the same tag in both operands are one face, unless the operands are told apart by tags of their own:
then ``x=1`` of a box tagged "outer" and of one tagged "hole" become the faces ``x=1 (outer)`` and
``x=1 (hole)``, and ``x=1`` means both.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Generator, Tensor

from ..errors import InputError
from .names import check_product, joined_groups, named_group, resolved_faces, told_apart
from .patches import BoundaryPoints, Patch, draw_points, kept, product_patches
from .quadrature import Integrable, IntegrableProduct
from .regions import Divisible, joined


class Domain(Divisible, Integrable, ABC):
    """A bounded closed set with named coordinates. Lengths are in the units of its coordinates.

    Attributes:
        names: coordinate names in order.
        bounds: [2, dim], float64, lower and upper corner of a box around the domain.
        volume: the measure where a closed form exists, else None.
        faces: tags of the pieces of the boundary.
        spatial_faces: the faces that are not the start or end of time, nor those of a parameter.
        groups: names for several faces together, such as the tag of a box.
        notes: what was mended or passed over when the domain was made, one sentence each.
        is_time, is_parameter, is_angle: whether it is a `Time`, a `Parameter`, an `Angle`.
        of_dim, centre: of a `Radius`, the dimension around its centre, and the face that this is, if any.
    """

    names: tuple[str, ...]
    bounds: Tensor
    volume: float | None
    faces: tuple[str, ...]
    spatial_faces: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    notes: tuple[str, ...] = ()
    is_time: ClassVar[bool] = False
    is_parameter, is_angle = False, False
    of_dim: int = 1
    centre: str | None = None

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
        """Test points [N, dim] for lying in the domain or on its boundary: bool [N]."""
        with torch.no_grad():
            return self.distance(points) <= 0

    def face_tags(self, on: str | Iterable[str] | None = None) -> tuple[str, ...]:
        """Resolve a selection of faces to their tags.

        Args:
            on: a face ("x=-1"), the tag of a shape (all of its faces), a coordinate (the flat faces on which
                it is constant), several of these, or None for all faces except the start and end of time.

        Returns:
            Face tags, without repetition.

        Raises:
            InputError: there is no such face, tag or coordinate, or a coordinate without flat faces.
        """
        return self.spatial_faces if on is None else resolved_faces(self, on)

    def flat_faces(self, name: str) -> tuple[str, ...]:
        """Flat faces perpendicular to a coordinate, on which it is constant.

        Args:
            name: the coordinate.

        Returns:
            Their tags: both ends of a domain in one dimension; none of a shape that is not known to have such
            faces.
        """
        return self.faces if self.dim == 1 else ()

    def interior(self, n: int, generator: Generator, sampler: str = "uniform") -> Tensor:
        """Draw points distributed by volume.

        Args:
            n: number of points.
            generator: source of all randomness.
            sampler: one of `samplers.SAMPLERS`.

        Returns:
            [n, dim], float64.

        Raises:
            InputError: unknown sampler, n < 1, or a set operation left (almost) nothing to sample.
        """
        return draw_points(self.patches(), n, generator, sampler, "points of the domain", repr(self))[0]

    def boundary(
        self, n: int, generator: Generator, on: str | Iterable[str] | None = None, sampler: str = "uniform"
    ) -> BoundaryPoints:
        """Draw points distributed by surface measure; single points, the ends of an interval, count 1 each.

        Args:
            n: number of points over all faces together.
            generator: source of all randomness.
            on: faces, as in `face_tags`.
            sampler: one of `samplers.SAMPLERS`.

        Returns:
            Points with outward normals, grouped by face.

        Raises:
            InputError: no such face, unknown sampler, n < 1, or a set operation left nothing of these faces.
        """
        tags = self.face_tags(on)
        if not tags:
            raise InputError(
                f"no faces to sample: on={on!r} leaves none of {', '.join(self.faces)}; name them in on="
            )
        every = self.face_patches()
        patches = [patch for tag in tags for patch in every if patch.tag == tag]
        what = f"boundary points on {', '.join(tags)}"
        points, normals, which = draw_points(patches, n, generator, sampler, what, repr(self))
        of_patch = torch.tensor([tags.index(patch.tag) for patch in patches], device=which.device)
        return BoundaryPoints(points, normals, tags, of_patch[which])

    def __mul__(self, other: Domain) -> Product:
        """The product domain, for example ``Ball((0, 0), 1) * Time(0, 1)``."""
        return Product(self, other)

    def __or__(self, other: Domain) -> Domain:
        """The union of two domains with the same coordinates."""
        return Union(self, other)

    def __and__(self, other: Domain) -> Domain:
        """The intersection of two domains with the same coordinates."""
        return Intersection(self, other)

    def __sub__(self, other: Domain) -> Domain:
        """The difference: this domain without the interior of the other one."""
        return Difference(self, other)

    def _checked(self, points: Tensor) -> Tensor:
        if points.ndim != 2 or points.shape[1] != self.dim:
            raise InputError(
                f"points must have shape [N, {self.dim}] for coordinates {', '.join(self.names)}; "
                f"got {list(points.shape)}"
            )
        return points


class Product(IntegrableProduct, Domain):
    """The product of domains with different coordinates; also written ``A * B``.

    Args:
        *factors: the domains; products among them are flattened.

    Raises:
        InputError: two factors share a coordinate name or a face tag, or a tag is the name of a coordinate.
    """

    def __init__(self, *factors: Domain) -> None:
        self._factors = tuple(plain for factor in factors for plain in factor.factors())
        self.names = sum((f.names for f in self._factors), ())
        self.faces = sum((f.faces for f in self._factors), ())
        self.spatial_faces = sum((f.spatial_faces for f in self._factors), ())
        self.groups = joined_groups(*(f.groups for f in self._factors))
        check_product(self.names, self.faces, self.groups)
        self.notes = sum((f.notes for f in self._factors), ())
        self.bounds, self.regions = torch.cat([f.bounds for f in self._factors], 1), joined(factors)
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
        return product_patches([f.patches() for f in self._factors])

    def face_patches(self) -> list[Patch]:
        """The faces of each factor times the interiors of the others."""
        interiors = [f.patches() for f in self._factors]
        return [
            patch
            for i, f in enumerate(self._factors)
            for patch in product_patches([*interiors[:i], f.face_patches(), *interiors[i + 1 :]])
        ]

    def flat_faces(self, name: str) -> tuple[str, ...]:
        """Flat faces perpendicular to a coordinate, of the factor that has this coordinate."""
        return next(f for f in self._factors if name in f.names).flat_faces(name)

    def __repr__(self) -> str:
        return " * ".join(map(repr, self._factors))


class SetOperation(Domain):
    """Union, intersection or difference: a domain whose boundary consists of parts of its operands' ones.

    Args:
        a: first operand.
        b: second operand.
        tag: a name for all faces together that are not the start or end of time.

    Raises:
        InputError: the operands differ in their coordinates, or an intersection is seen to be empty.
    """

    symbol: str
    flip = 1.0  # sign of the second operand's normals

    def __init__(self, a: Domain, b: Domain, tag: str | None = None) -> None:
        if a.names != b.names:
            raise InputError(
                f"{type(self).__name__.lower()} of domains in different coordinates, ({', '.join(a.names)}) "
                f"and ({', '.join(b.names)}); give both the same names in the same order"
            )
        self.a, self.b, self.regions = a, b, joined((a, b))
        self.names = a.names
        self.volume = None
        self._new_tags = told_apart(a, b), told_apart(b, a)
        sides = tuple(zip((a, b), self._new_tags, strict=True))
        self.faces = tuple(dict.fromkeys(new.get(f, f) for side, new in sides for f in side.faces))
        self.spatial_faces = tuple(
            dict.fromkeys(new.get(f, f) for side, new in sides for f in side.spatial_faces)
        )
        self.groups = joined_groups(
            *({g: tuple(new.get(f, f) for f in fs) for g, fs in side.groups.items()} for side, new in sides),
            *({f: (label,)} for _, new in sides for f, label in new.items()),
            named_group(tag, self.names, self.spatial_faces),
        )
        self.notes, self.bounds = a.notes + b.notes, self._box()
        # Offset of the two-sided test below, and what counts as lying on a surface, relative to the
        # coordinates.
        size = float(torch.cat([a.bounds, b.bounds]).abs().max())
        self._probe, self._tolerance = 1e-6 * size, 1e-11 * size

    def operands(self) -> tuple[Domain, ...]:
        """Both operands."""
        return self.a, self.b

    @abstractmethod
    def _box(self) -> Tensor: ...

    def flat_faces(self, name: str) -> tuple[str, ...]:
        """Flat faces perpendicular to a coordinate, of both operands."""
        sides = zip((self.a, self.b), self._new_tags, strict=True)
        return tuple(dict.fromkeys(new.get(f, f) for side, new in sides for f in side.flat_faces(name)))

    def face_patches(self) -> list[Patch]:
        """Face patches of both operands; on a surface that both share, only those of the first operand."""
        first = [self._surviving(patch, 1.0) for patch in self.a.face_patches()]
        second = [
            self._surviving(kept(patch, lambda x: self.a.distance(x).abs() > self._tolerance), self.flip)
            for patch in self.b.face_patches()
        ]
        return [
            replace(patch, tag=new.get(patch.tag, patch.tag))
            for patches, new in zip((first, second), self._new_tags, strict=True)
            for patch in patches
        ]

    def _surviving(self, patch: Patch, sign: float) -> Patch:
        """Restrict a face patch to the boundary of this domain.

        Args:
            patch: a face patch of an operand.
            sign: -1.0 to turn its normals round.

        Returns:
            The patch, keeping points with the domain on the inner side of the surface and not on the outer.
        """

        def draw(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            points, normals, keep = patch.draw(u)
            normals = sign * normals + 0.0  # no -0.0
            step = self._probe * normals
            on = self.distance(points).abs() <= self._tolerance
            return points, normals, keep & on & self.inside(points - step) & ~self.inside(points + step)

        return replace(patch, draw=draw)

    def __repr__(self) -> str:
        return f"({self.a!r} {self.symbol} {self.b!r})"


class Union(SetOperation):
    """Union of two domains, ``A | B``: the points that lie in at least one of them."""

    symbol = "|"

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance bound [N] of points [N, dim]: exact outside, a lower bound of the depth inside."""
        return torch.minimum(self.a.distance(points), self.b.distance(points))

    def patches(self) -> list[Patch]:
        """Patches of both operands; points of the second that lie in the first are dropped."""
        return self.a.patches() + [kept(patch, lambda x: ~self.a.inside(x)) for patch in self.b.patches()]

    def _box(self) -> Tensor:
        lower = torch.minimum(self.a.bounds[0], self.b.bounds[0])
        return torch.stack([lower, torch.maximum(self.a.bounds[1], self.b.bounds[1])])


class Intersection(SetOperation):
    """Intersection of two domains, ``A & B``: the points that lie in both."""

    symbol = "&"

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance bound [N] of points [N, dim]: exact inside, a lower bound outside."""
        return torch.maximum(self.a.distance(points), self.b.distance(points))

    def patches(self) -> list[Patch]:
        """Patches of the operand of smaller measure; points outside the other operand are dropped."""
        a, b = self.a, self.b
        if sum(patch.measure for patch in b.patches()) < sum(patch.measure for patch in a.patches()):
            a, b = b, a
        return [kept(patch, b.inside) for patch in a.patches()]

    def _box(self) -> Tensor:
        lower = torch.maximum(self.a.bounds[0], self.b.bounds[0])
        upper = torch.minimum(self.a.bounds[1], self.b.bounds[1])
        if (lower >= upper).any():
            raise InputError(f"the intersection of {self.a!r} and {self.b!r} is empty")
        return torch.stack([lower, upper])


class Difference(SetOperation):
    """Difference of two domains, ``A - B``: the points of A that are not inside B."""

    symbol = "-"
    flip = -1.0

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance bound [N] of points [N, dim]: exact inside, a lower bound outside."""
        return torch.maximum(self.a.distance(points), -self.b.distance(points))

    def patches(self) -> list[Patch]:
        """Patches of the first operand; points in the second one are dropped."""
        return [kept(patch, lambda x: self.b.distance(x) > 0) for patch in self.a.patches()]

    def _box(self) -> Tensor:
        return self.a.bounds.clone()
