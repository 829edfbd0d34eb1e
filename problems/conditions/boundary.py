"""Conditions on faces: Dirichlet, Neumann, Robin and periodic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Generator, Tensor

from ...errors import InputError
from ...geometry import Domain, Interval
from ...geometry.names import face_words
from .base import (
    LISTED,
    VALUE,
    Condition,
    Demand,
    Fields,
    Known,
    Prescribed,
    Sites,
    Value,
    space_names,
    time_factor,
    value_at,
)

if TYPE_CHECKING:
    from ..complex_unknowns import Parts

SAMPLES = 1024  # points of a face that tell whether it lies at an end
SAME = 1e-9  # of the extent: what is nearer is equal


@dataclass(frozen=True)
class _OnFaces(Condition):
    """A condition on one unknown with a prescribed value on faces."""

    boundary_conditions: ClassVar[int] = 1

    unknown: str
    value: Value = 0.0
    on: str | Iterable[str] | None = None
    hard: bool | None = None
    weight: float | None = None

    def __post_init__(self) -> None:
        if self.on is not None and not isinstance(self.on, str):
            names = tuple(self.on) if isinstance(self.on, Iterable) else (self.on,)
            if not all(isinstance(name, str) for name in names):
                raise InputError(
                    f"{type(self).__name__}({self.unknown!r}): on must name faces, such as on='x=0' or "
                    f"on=['inlet', 'wall'], not {self.on!r}"
                )
            object.__setattr__(self, "on", names)
        self._check(value=self.value)

    def unknowns(self) -> tuple[str, ...]:
        return (self.unknown,)

    def in_parts(self, parts: Parts) -> tuple[Condition, ...]:
        """The condition on each part of a complex unknown."""
        if self.unknown not in parts.names:
            return (self,)
        pairs = zip(parts.names[self.unknown], parts.data(self.value), strict=True)
        return tuple(replace(self, unknown=name, value=value) for name, value in pairs)

    def faces(self, domain: Domain) -> tuple[str, ...]:
        tags = domain.face_tags(self.on)
        if not tags:
            raise InputError(
                f"{type(self).__name__}({self.unknown!r}): {domain!r} has no boundary in space; "
                f"use Initial, or name a face ({', '.join(domain.faces)}) in on="
            )
        return tags

    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        drawn = domain.boundary(n, generator, on=self.faces(domain), sampler=sampler)
        return Sites(drawn.points, drawn.normals)

    def describe(self, domain: Domain) -> str:
        return f"{self.unknown} on {self.place(domain)}"

    def place(self, domain: Domain, most: int = LISTED) -> str:
        self.faces(domain)
        return face_words(domain, domain.spatial_faces if self.on is None else self.on, most)

    def varies_on_faces(self) -> bool:
        return bool(self.asks_for())

    @property
    def is_homogeneous(self) -> bool:
        """Test whether the prescribed value is zero."""
        return not callable(self.value) and self.value == 0

    def target(self, sites: Sites, domain: Domain, known: Known) -> Tensor:
        """The prescribed value at the sites, [N]."""
        return value_at(
            self.value, sites.points, domain.names, f"the value of {self.describe(domain)}", known
        )

    def normal_derivative(self, fields: Fields, sites: Sites, domain: Domain) -> Tensor:
        """Normal derivative du/dn at the sites, [N]."""
        time = time_factor(domain)
        for face in self.faces(domain):
            if time is not None and face in time.faces:
                raise InputError(
                    f"{type(self).__name__}({self.unknown!r}) on {face}: a normal derivative needs a face "
                    f"in space; use Initial({self.unknown!r}, value, velocity)"
                )
        assert sites.normals is not None
        u = fields[self.unknown]
        space, slopes = space_names(domain), []
        for name in space:
            slope = sites.normals[:, domain.names.index(name)] * u.d(name).value
            if name in space.angles:
                slope = slope / sites.points[:, domain.names.index(space.angles[name])]
            slopes.append(slope)
        return torch.stack(slopes).sum(0)


@dataclass(frozen=True)
class Dirichlet(_OnFaces):
    """Prescribed values, u = value.

    Args:
        unknown: Name of the unknown.
        value: Number, or function of coordinates (by parameter name) returning [N].
        on: A face ("x=-1"), a coordinate (its flat faces), several of these, or None: the whole boundary in
            space.
        hard: True builds it into the ansatz, False makes it a weighted term, None decides.
        weight: Weight w of the term if it is one, a pure number beside 1 of the equation: the loss gets
            w mean (r / R)^2 / 2, r being the residual and R its natural size, both in the user's units;
            `print(problem)` shows R under "scales".  None balances w against the equation.
    """

    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """The difference u - value."""
        return (fields[self.unknown] - self.target(sites, domain, known),)

    def prescribed(self) -> Prescribed:
        """The value on the faces, at all times."""
        return Prescribed(self.unknown, self.value)

    def mirror_sign(self) -> int | None:
        """Sign -1 where the value is zero: the continuation is odd."""
        return -1 if self.is_homogeneous else None

    def demands(self, rows: int) -> list[Demand]:
        """Requirement on the value."""
        return [Demand(self, VALUE, self.value, exclusive=True)]


@dataclass(frozen=True)
class Neumann(_OnFaces):
    """Prescribed outward normal derivative, du/dn = value; arguments as in `Dirichlet`."""

    prescribes_normal_derivative: ClassVar[bool] = True

    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """The difference du/dn - value."""
        return (self.normal_derivative(fields, sites, domain) - self.target(sites, domain, known),)

    def describe(self, domain: Domain) -> str:
        """Short name such as `normal derivative of u on x=1`."""
        return f"normal derivative of {super().describe(domain)}"

    def mirror_sign(self) -> int | None:
        """Sign 1 where the derivative is zero: the continuation is even."""
        return 1 if self.is_homogeneous else None

    def demands(self, rows: int) -> list[Demand]:
        """Requirement on the normal derivative."""
        return [Demand(self, "normal derivative", self.value, exclusive=True)]


@dataclass(frozen=True)
class Robin(_OnFaces):
    """A mixed condition, alpha u + beta du/dn = value; other arguments as in `Dirichlet`.

    Args:
        alpha: Factor of the value, number or function of coordinates.
        beta: Factor of the outward normal derivative, number or function of coordinates.
    """

    alpha: Value = 1.0
    beta: Value = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check(alpha=self.alpha, beta=self.beta)
        _refuse_complex(f"Robin({self.unknown!r})", self.alpha)
        _refuse_complex(f"Robin({self.unknown!r})", self.beta)

    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """The difference alpha u + beta du/dn - value."""
        what = f"a factor of {self.describe(domain)}"
        alpha = value_at(self.alpha, sites.points, domain.names, what, known)
        beta = value_at(self.beta, sites.points, domain.names, what, known)
        flux = self.normal_derivative(fields, sites, domain)
        return (alpha * fields[self.unknown] + beta * flux - self.target(sites, domain, known),)

    def describe(self, domain: Domain) -> str:
        """Short name such as `Robin condition of u on x=1`."""
        return f"Robin condition of {super().describe(domain)}"

    def demands(self, rows: int) -> list[Demand]:
        """Requirement on the combination of value and normal derivative."""
        return [Demand(self, "Robin", self.value, factors=(self.alpha, self.beta))]


def _refuse_complex(what: str, value: object) -> None:
    """Refuse complex factors of a condition, which mix the parts.

    Raises:
        InputError: It is complex.
    """
    if isinstance(value, complex):
        raise InputError(
            f"{what}: a complex factor mixes both parts: write BoundaryEquation(lambda h, n_x: h.x * n_x - "
            "1j * k * h)"
        )


@dataclass(frozen=True)
class Periodic(Condition):
    """Periodicity in one coordinate, of the values and of the first derivative.

    Args:
        on: The coordinate.  The domain has equal faces at both of its ends: an interval has, and so have a
            cell with holes and a mesh between two planes.
        unknown: Name of the unknown, or None: all of them (they share the embedding of the coordinate).
        hard: None and True embed the coordinate in cos and sin; False makes it a weighted term.
        weight: Weight w of the term if it is one, a pure number beside 1 of the equation: the loss gets
            w mean (r / R)^2 / 2, r being the residual and R its natural size, both in the user's units;
            `print(problem)` shows R under "scales".  None balances w against the equation.
    """

    mapped_by_reflections: ClassVar[bool] = False

    on: str
    unknown: str | None = None
    hard: bool | None = None
    weight: float | None = None

    def __post_init__(self) -> None:
        self._check()

    def unknowns(self) -> tuple[str, ...]:
        """Name of the periodic unknown; empty when all unknowns are periodic."""
        return () if self.unknown is None else (self.unknown,)

    def in_parts(self, parts: Parts) -> tuple[Condition, ...]:
        """The condition on each part of a complex unknown."""
        names = parts.names.get(self.unknown or "")
        return (self,) if names is None else tuple(replace(self, unknown=name) for name in names)

    def factor(self, domain: Domain) -> Interval:
        """The interval that is closed to a circle."""
        if self.on not in domain.names:
            raise InputError(
                f"Periodic(on={self.on!r}) needs an interval coordinate; {domain!r} has none of that name"
            )
        for shape in domain.factors():
            if isinstance(shape, Interval) and shape.names == (self.on,):
                return shape
        low, high = domain.bounds[:, domain.names.index(self.on)].tolist()
        return Interval(low, high, self.on)

    def faces(self, domain: Domain) -> tuple[str, ...]:
        """Tags of both ends of the interval.

        Raises:
            InputError: The domain has no faces there, or they do not match.
        """
        first, last = self._ends(domain)
        return (*first, *last)

    def _ends(self, domain: Domain) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Tags of the faces at the lower and at the upper end."""
        factor = self.factor(domain)
        if factor in domain.factors():
            return factor.faces[:1], factor.faces[1:]
        return ends(domain, self.on)

    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        """Pairs of points at the two ends: first all lower ones, then their partners."""
        lower, _ = self._ends(domain)
        start = domain.boundary(max(n // 2, 1), generator, on=lower, sampler=sampler)
        end = start.points.clone()
        end[:, domain.names.index(self.on)] = self.factor(domain).bounds[1, 0]
        return Sites(torch.cat([start.points, end]), torch.cat([start.normals, -start.normals]), fold=2)

    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """The differences of values and first derivatives between the ends."""
        out = []
        for name in self.unknowns() or tuple(fields):
            for quantity in (fields[name].value, fields[name].d(self.on).value):
                start, end = quantity.chunk(2)
                out.append(start - end)
        return tuple(out)

    def describe(self, domain: Domain) -> str:
        """Short name such as `periodicity of u in x`."""
        return f"periodicity of {self.unknown or 'all unknowns'} in {self.on}"

    def circle(self) -> str:
        """Name of the periodic coordinate."""
        return self.on

    def demands(self, rows: int) -> list[Demand]:
        """No requirements on a single face: the condition links two, and stands for all others there."""
        return []


@lru_cache(maxsize=64)
def ends(domain: Domain, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Faces at the lower and at the upper end of a coordinate, which are equal.

    Raises:
        InputError: There are none, or they differ.
    """
    axis = domain.names.index(name)
    low, high = domain.bounds[:, axis].tolist()
    near = SAME * float((domain.bounds[1] - domain.bounds[0]).max())
    generator, drawn = Generator().manual_seed(23), dict[str, Tensor]()
    for patch in domain.face_patches():
        u = torch.rand(SAMPLES, len(patch.lengths), generator=generator, dtype=torch.float64)
        points, _, keep = patch.draw(u)
        if keep.any():  # else nothing is left of it in a set operation
            drawn[patch.tag] = torch.cat([drawn.get(patch.tag, points[:0]), points[keep]])
    first, last = (
        tuple(face for face, points in drawn.items() if bool(((points[:, axis] - end).abs() < near).all()))
        for end in (low, high)
    )
    if not first or not last:
        raise InputError(
            f"Periodic(on={name!r}) needs an interval coordinate; {domain!r} has none of that name, and no "
            f"face that lies at {name}={high if first else low:g} alone: name the faces there, of a mesh by "
            "retagged(...)"
        )
    for faces, shift in ((first, high - low), (last, low - high)):
        moved = torch.cat([drawn[face] for face in faces])
        moved[:, axis] += shift
        if bool((domain.distance(moved).abs() > near).any()):
            raise InputError(
                f"Periodic(on={name!r}): the faces of {domain!r} at {name}={low:g} and {name}={high:g} "
                "differ; a cell repeats itself only where both are equal"
            )
    return first, last
