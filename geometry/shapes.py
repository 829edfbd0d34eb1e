"""Shapes: interval, time, box, ball, each with a signed distance and a map from the unit cube."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import InputError
from .domains import Domain, Product
from .names import checked_names, checked_tag, named_group
from .patches import Patch
from .quadrature import Nodes, Rule, disc, sphere
from .regions import Level


class Shape(Domain):
    """A domain given by a map from a unit cube onto it, and one from a unit cube onto each of its faces."""

    @abstractmethod
    def from_unit(self, u: Tensor) -> Tensor:
        """Map the unit cube onto the shape, uniformly by volume.

        Args:
            u: [N, k] points of the cube; k is the number of lengths in `_interior_lengths`.

        Returns:
            [N, dim] points.
        """

    @abstractmethod
    def face_from_unit(self, tag: str, u: Tensor) -> tuple[Tensor, Tensor]:
        """Map the unit cube onto a face, uniformly by surface measure.

        Args:
            tag: the face.
            u: [N, k] points of the cube; k is the number of lengths in `_face_lengths`.

        Returns:
            Points and outward unit normals, each [N, dim].
        """

    @abstractmethod
    def _interior_lengths(self) -> tuple[float, ...]:
        """Physical extent of the shape along each axis of the cube that `from_unit` maps."""

    @abstractmethod
    def _face_lengths(self, tag: str) -> tuple[tuple[float, ...], float]:
        """Physical extent of a face along each axis of the cube that `face_from_unit` maps; its measure."""

    def patches(self) -> list[Patch]:
        """A single patch, the shape itself."""

        def draw(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            points = self.from_unit(u)
            return points, torch.zeros_like(points), torch.ones(len(u), dtype=torch.bool, device=u.device)

        assert self.volume is not None
        return [Patch("", self._interior_lengths(), self.volume, draw)]

    def face_patches(self) -> list[Patch]:
        """A patch for each face."""

        def face(tag: str) -> Patch:
            def draw(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
                return *self.face_from_unit(tag, u), torch.ones(len(u), dtype=torch.bool, device=u.device)

            return Patch(tag, *self._face_lengths(tag), draw)

        return [face(tag) for tag in self.faces]


class Interval(Shape):
    """The interval [lower, upper] of one coordinate, with faces such as "x=-1" and "x=1".

    Args:
        lower: left end.
        upper: right end.
        name: the coordinate, a Python identifier (equations refer to it).
        tag: a name for both faces together.
        log: for a coordinate that spans decades: the length s that matters near the lower end.  The network
            sees log(1 + (x - lower) / s), and points are drawn uniformly in it.

    Raises:
        InputError: ends not finite or not in order, a name that is no identifier, or a length that is not
            positive or as long as the interval.
    """

    def __init__(
        self,
        lower: float,
        upper: float,
        name: str = "x",
        tag: str | None = None,
        log: float | None = None,
    ) -> None:
        self.lower, self.upper = float(lower) + 0.0, float(upper) + 0.0  # + 0.0 turns -0.0 into 0.0
        if not (math.isfinite(self.lower) and math.isfinite(self.upper) and self.lower < self.upper):
            raise InputError(f"an interval needs finite lower < upper; got {name} from {lower} to {upper}")
        if log is not None and (log is True or not 0 < log < self.upper - self.lower):
            raise InputError(
                f"log is the length that matters near {name}={self.lower:g}: it must be positive and shorter "
                f"than the interval, not {log!r}"
            )
        self.log = log
        self.names = checked_names((name,), 1)
        self.bounds = torch.tensor([[self.lower], [self.upper]], dtype=torch.float64)
        self.volume = self.upper - self.lower
        ends = [f"{name}={end:g}" for end in (self.lower, self.upper)]
        if ends[0] == ends[1]:  # too close for %g
            ends = [f"{name}={end!r}" for end in (self.lower, self.upper)]
        self.faces = self.spatial_faces = tuple(ends)
        self.tag, self.groups = tag, named_group(tag, self.names, self.faces)

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance [N] of points [N, 1]."""
        x = self._checked(points)[:, 0]
        return torch.maximum(self.lower - x, x - self.upper)

    def from_unit(self, u: Tensor) -> Tensor:
        """Map [0, 1] onto the interval, by an affine or an exponential function: any shape."""
        length = self.upper - self.lower
        if self.log is None:
            return self.lower + length * u
        return self.lower + (self.log * torch.expm1(u * math.log1p(length / self.log))).clamp(0, length)

    def to_unit(self, x: Tensor) -> Tensor:
        """Map the interval onto [0, 1], the inverse of `from_unit`: any shape."""
        length = self.upper - self.lower
        if self.log is None:
            return (x - self.lower) / length
        return torch.log1p((x - self.lower) / self.log) / math.log1p(length / self.log)

    def face_from_unit(self, tag: str, u: Tensor) -> tuple[Tensor, Tensor]:
        """The end point of the interval that a tag names, repeated for each row of u, [N, 0]."""
        end, normal = (self.lower, -1.0) if tag == self.faces[0] else (self.upper, 1.0)
        return u.new_full((len(u), 1), end), u.new_full((len(u), 1), normal)

    def surfaces(self, names: tuple[str, ...]) -> list[Level]:
        """The planes of both ends."""
        axis = names.index(self.names[0])
        return [
            Level(tuple(end * (i == axis) for i in range(len(names))), 0.0, axis)
            for end in (self.lower, self.upper)
        ]

    def quadrature(self, rule: Rule) -> Nodes:
        """Gauss-Legendre nodes and weights."""
        points, weights = rule.line(*self.bounds[:, 0].tolist())
        return points[:, None], weights

    def face_quadrature(self, tag: str, rule: Rule) -> tuple[Tensor, Tensor, Tensor]:
        """The end itself, which counts 1."""
        points, normals = self.face_from_unit(tag, torch.zeros(1, 0, dtype=torch.float64))
        return points, normals, torch.ones(1, dtype=torch.float64)

    def opposite(self, face: str) -> str:
        """The face at the other end."""
        return self.faces[1] if face == self.faces[0] else self.faces[0]

    def _interior_lengths(self) -> tuple[float, ...]:
        return (self.upper - self.lower,)

    def _face_lengths(self, tag: str) -> tuple[tuple[float, ...], float]:
        return (), 1.0

    def __repr__(self) -> str:
        tag = "" if self.tag is None else f", tag={self.tag!r}"
        log = "" if self.log is None else f", log={self.log:g}"
        return f"{type(self).__name__}({self.lower:g}, {self.upper:g}, name={self.names[0]!r}{tag}{log})"


class Time(Interval):
    """A time interval: its faces, such as "t=0" and "t=1", exist but are no part of the boundary in space.

    Args:
        lower: initial time.
        upper: final time.
        name: the coordinate.
        tag: a name for start and end together.
        log: as of `Interval`, for times that span decades.

    Raises:
        InputError: as `Interval`.
    """

    is_time = True

    def __init__(
        self,
        lower: float,
        upper: float,
        name: str = "t",
        tag: str | None = None,
        log: float | None = None,
    ) -> None:
        super().__init__(lower, upper, name, tag, log)
        self.spatial_faces = ()

    def part(self, lower: float, upper: float) -> Time:
        """The time from `lower` to `upper`, in the same logarithm where that counts."""
        log = None if self.log is None else self.log + lower - self.lower
        return Time(lower, upper, self.names[0], self.tag, None if log and log >= upper - lower else log)


class Box(Product):
    """An axis-parallel box: the product of its intervals, which are its factors.

    Args:
        lower: lower corner.
        upper: upper corner.
        names: coordinates; by default x, y, z up to three and x1, x2, ... beyond.
        tag: a name for all faces together, beside "x=0" and the like: it tells two boxes apart,
            ``Box((0, 0), (2, 2), tag="outer") - Box((0.5, 0.5), (1, 1), tag="hole")``.

    Raises:
        InputError: corners or names of different lengths, or as `Interval`.
    """

    def __init__(
        self,
        lower: Sequence[float],
        upper: Sequence[float],
        names: Sequence[str] | None = None,
        tag: str | None = None,
    ) -> None:
        if len(lower) != len(upper) or len(lower) == 0:
            raise InputError(f"a box needs as many lower as upper bounds; got {len(lower)} and {len(upper)}")
        names = checked_names(names, len(lower))
        if tag is not None:
            checked_tag(tag, names)
        super().__init__(*(Interval(a, b, name, tag) for a, b, name in zip(lower, upper, names, strict=True)))
        self.tag = tag

    def __repr__(self) -> str:
        tag = "" if self.tag is None else f", tag={self.tag!r}"
        return f"Box({self.bounds[0].tolist()}, {self.bounds[1].tolist()}, names={self.names}{tag})"


class Ball(Shape):
    """A ball in any dimension (a disk in 2D), with a single face, called "sphere" unless `tag` renames it.

    Args:
        center: [dim] coordinates.
        radius: in the units of the coordinates.
        names: coordinates; by default x, y, z up to three and x1, x2, ... beyond.
        tag: name of the face, for telling two balls apart:
            ``Ball(c, 2, tag="outer") - Ball(c, 1, tag="inner")``.

    Raises:
        InputError: a center that is not finite, a radius that is not positive, names of another length.
    """

    def __init__(
        self, center: Sequence[float], radius: float, names: Sequence[str] | None = None, tag: str = "sphere"
    ) -> None:
        self.center = torch.as_tensor(center, dtype=torch.float64).detach().cpu().clone()
        if self.center.ndim != 1 or len(self.center) == 0 or not torch.isfinite(self.center).all():
            raise InputError(f"the center of a ball must be a list of finite coordinates; got {center}")
        self.radius = float(radius)
        if not (math.isfinite(self.radius) and self.radius > 0):
            raise InputError(f"the radius of a ball must be positive; got {radius}")
        d = len(self.center)
        self.names = checked_names(names, d)
        self.faces = self.spatial_faces = (checked_tag(tag, self.names),)
        self.bounds = torch.stack([self.center - self.radius, self.center + self.radius])
        self.volume = math.pi ** (d / 2) / math.gamma(d / 2 + 1) * self.radius**d

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance [N] of points [N, dim]."""
        offset = self._checked(points) - self.center.to(points)
        from_center: Tensor = torch.linalg.vector_norm(offset, dim=1)
        return from_center - self.radius

    def from_unit(self, u: Tensor) -> Tensor:
        """Map the unit cube onto the ball, uniformly by volume.

        Args:
            u: [N, d] for d = 1, 2, 3, else [N, d + 1]: the first column gives the radius (for d = 1 the point
                itself), the others the direction.

        Returns:
            [N, d] points.
        """
        if self.dim == 1:
            return self.center.to(u) + self.radius * (2 * u - 1)
        radius = self.radius * u[:, :1].pow(1 / self.dim)
        return self.center.to(u) + radius * self._direction(u[:, 1:])

    def face_from_unit(self, tag: str, u: Tensor) -> tuple[Tensor, Tensor]:
        """Map the unit cube onto the sphere, uniformly by surface measure.

        Args:
            tag: the face; there is one only.
            u: directions as numbers in the unit cube, [N, k] with k = 1 for d = 1 and 2, k = 2 for d = 3, and
                k = d beyond.

        Returns:
            Points and outward unit normals, each [N, d].
        """
        normals = self._direction(u)
        return self.center.to(u) + self.radius * normals, normals

    def surfaces(self, names: tuple[str, ...]) -> list[Level]:
        """Its sphere; none in a space of more coordinates, where it is a cylinder."""
        return [Level(tuple(self.center.tolist()), self.radius)] if names == self.names else []

    def quadrature(self, rule: Rule) -> Nodes:
        """Nodes by radius and direction, up to three dimensions."""
        return disc(self.center, self.radius, rule) if self.dim <= 3 else super().quadrature(rule)

    def face_quadrature(self, tag: str, rule: Rule) -> tuple[Tensor, Tensor, Tensor]:
        """Nodes by direction, up to three dimensions."""
        if self.dim > 3:
            return super().face_quadrature(tag, rule)
        normals, weights = sphere(self.dim, rule)
        return self.center + self.radius * normals, normals, self.radius ** (self.dim - 1) * weights

    def _direction(self, u: Tensor) -> Tensor:
        """Uniform unit vectors [N, d] from u [N, k], the columns for the direction.

        In 2D u is an angle, in 3D height and angle (Archimedes); beyond, normalised Gaussian vectors.
        """
        if self.dim == 1:
            return torch.where(u < 0.5, -1.0, 1.0).to(u)
        if self.dim > 3:
            gauss = torch.special.ndtri(u.clamp(1e-12, 1 - 1e-12))
            return torch.nn.functional.normalize(gauss, eps=1e-300)
        angle = 2 * math.pi * u[:, -1]
        circle = torch.stack([angle.cos(), angle.sin()], 1)
        if self.dim == 2:
            return circle
        height = 1 - 2 * u[:, :1]
        return torch.cat([(1 - height.square()).sqrt() * circle, height], 1)

    def _interior_lengths(self) -> tuple[float, ...]:
        r = self.radius  # mean extents over the ball
        known = {1: (2 * r,), 2: (r, 4 / 3 * math.pi * r), 3: (r, 1.5 * r, 3 / 4 * math.pi**2 * r / 2)}
        return known.get(self.dim, (r,) * (self.dim + 1))

    def _face_lengths(self, tag: str) -> tuple[tuple[float, ...], float]:
        r, d = self.radius, self.dim
        assert self.volume is not None
        known = {1: (1.0,), 2: (2 * math.pi * r,), 3: (2 * r, math.pi**2 / 2 * r)}
        return known.get(d, (r,) * d), d * self.volume / r

    def __repr__(self) -> str:
        tag = "" if self.faces == ("sphere",) else f", tag={self.faces[0]!r}"
        return f"Ball({self.center.tolist()}, {self.radius:g}, names={self.names}{tag})"
