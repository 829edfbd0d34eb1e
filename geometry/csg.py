"""Set operations on domains: union, intersection, difference.

Distances are the usual min and max: the sign is right, and ``|d|`` is a lower bound of the true distance.
Interior points come from the operands by rejection. The boundary is what survives of the operands'
boundaries: a point x with normal n is kept when the domain lies just inside, at ``x - h n``, and not just
outside, at ``x + h n``. That also gets coinciding surfaces right, the seam of two touching boxes for example.

Faces of the same tag in both operands are one face, unless the operands are told apart by tags of their own:
then ``x=1`` of a box tagged "outer" and of one tagged "hole" become the faces ``x=1 (outer)`` and
``x=1 (hole)``, and ``x=1`` means both.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import torch
from torch import Tensor

from .domains import Domain
from .names import joined_groups, named_group
from .patches import Patch, _kept


class SetOperation(Domain):
    """What union, intersection and difference share: tags, and a boundary made of the operands' boundaries.

    Args:
        a: first operand.
        b: second operand.
        tag: a name for all faces together that are not the start or end of time.

    Raises:
        ValueError: the operands differ in their coordinates, or an intersection is seen to be empty.
    """

    symbol: str
    flip = 1.0  # sign of the second operand's normals

    def __init__(self, a: Domain, b: Domain, tag: str | None = None) -> None:
        if a.names != b.names:
            raise ValueError(
                f"{type(self).__name__.lower()} of domains in different coordinates, ({', '.join(a.names)}) "
                f"and ({', '.join(b.names)}); give both the same names in the same order"
            )
        self.a, self.b = a, b
        self.names = a.names
        self.volume = None
        self._new_tags = _told_apart(a, b), _told_apart(b, a)
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
        self.notes = a.notes + b.notes
        self.bounds = self._box()
        # Offset of the two-sided test below, and what counts as lying on a surface, relative to the
        # coordinates.
        size = float(torch.cat([a.bounds, b.bounds]).abs().max())
        self._probe, self._tolerance = 1e-6 * size, 1e-11 * size

    @abstractmethod
    def _box(self) -> Tensor: ...

    def flat_faces(self, name: str) -> tuple[str, ...]:
        """Those of both operands."""
        sides = zip((self.a, self.b), self._new_tags, strict=True)
        return tuple(dict.fromkeys(new.get(f, f) for side, new in sides for f in side.flat_faces(name)))

    def face_patches(self) -> list[Patch]:
        """Patches of both operands; where the two surfaces coincide, those of the first count."""
        first = [self._surviving(patch, 1.0) for patch in self.a.face_patches()]
        second = [
            self._surviving(_kept(patch, lambda x: self.a.distance(x).abs() > self._tolerance), self.flip)
            for patch in self.b.face_patches()
        ]
        return [
            replace(patch, tag=new.get(patch.tag, patch.tag))
            for patches, new in zip((first, second), self._new_tags, strict=True)
            for patch in patches
        ]

    def _surviving(self, patch: Patch, sign: float) -> Patch:
        """Keep the points with the domain just inside of them and not just outside."""

        def draw(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            points, normals, keep = patch.draw(u)
            normals = sign * normals + 0.0  # no -0.0
            step = self._probe * normals
            on = self.distance(points).abs() <= self._tolerance
            return points, normals, keep & on & self.inside(points - step) & ~self.inside(points + step)

        return replace(patch, draw=draw)

    def __repr__(self) -> str:
        return f"({self.a!r} {self.symbol} {self.b!r})"


def _told_apart(a: Domain, b: Domain) -> dict[str, str]:
    """New tags for the faces of `a` that have a namesake in `b` with another tag of its shape."""

    def owners(domain: Domain, face: str) -> set[str]:
        return {tag for tag, faces in domain.groups.items() if face in faces}

    out = {}
    for face in (f for f in a.faces if f in b.faces):
        mine, theirs = owners(a, face), owners(b, face)
        if mine != theirs:
            out[face] = f"{face} ({min(mine - theirs, default='rest')})"
    return out


class Union(SetOperation):
    """All points of either domain; also written ``A | B``."""

    symbol = "|"

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance bound [N] of points [N, dim]: exact outside, a lower bound of the depth inside."""
        return torch.minimum(self.a.distance(points), self.b.distance(points))

    def patches(self) -> list[Patch]:
        """The first operand, and of the second what is not in the first."""
        return self.a.patches() + [_kept(patch, lambda x: ~self.a.inside(x)) for patch in self.b.patches()]

    def _box(self) -> Tensor:
        return torch.stack(
            [
                torch.minimum(self.a.bounds[0], self.b.bounds[0]),
                torch.maximum(self.a.bounds[1], self.b.bounds[1]),
            ]
        )


class Intersection(SetOperation):
    """The points of both domains; also written ``A & B``."""

    symbol = "&"

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance bound [N] of points [N, dim]: exact inside, a lower bound outside."""
        return torch.maximum(self.a.distance(points), self.b.distance(points))

    def patches(self) -> list[Patch]:
        """Those of the smaller operand, kept where the other one is."""
        a, b = self.a, self.b
        if sum(patch.measure for patch in b.patches()) < sum(patch.measure for patch in a.patches()):
            a, b = b, a
        return [_kept(patch, b.inside) for patch in a.patches()]

    def _box(self) -> Tensor:
        lower = torch.maximum(self.a.bounds[0], self.b.bounds[0])
        upper = torch.minimum(self.a.bounds[1], self.b.bounds[1])
        if (lower >= upper).any():
            raise ValueError(f"the intersection of {self.a!r} and {self.b!r} is empty")
        return torch.stack([lower, upper])


class Difference(SetOperation):
    """The points of the first domain that are not inside the second; also written ``A - B``."""

    symbol = "-"
    flip = -1.0

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance bound [N] of points [N, dim]: exact inside, a lower bound outside."""
        return torch.maximum(self.a.distance(points), -self.b.distance(points))

    def patches(self) -> list[Patch]:
        """Those of the first operand, kept outside the second."""
        return [_kept(patch, lambda x: self.b.distance(x) > 0) for patch in self.a.patches()]

    def _box(self) -> Tensor:
        return self.a.bounds.clone()
