"""Conditions that complete an equation: boundary, initial, periodic (observed: `observations.py`).

Each condition knows where it holds (`sites`), what must vanish there (`residual`) and which unknowns it
speaks of. Whether it becomes part of the ansatz or a weighted term of the loss is decided in
`constraints.py`. Values may be numbers or functions of the coordinates, matched by parameter name.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace

import torch
from torch import Generator, Tensor

from ..geometry import Domain, Interval, Time
from .fields import Field, call_by_name, parameter_names
from .special import differentiable

Value = float | Callable[..., Tensor]
Fields = Mapping[str, Field]
Known = Mapping[str, Tensor]


@dataclass(frozen=True)
class Sites:
    """Where a term of the loss is evaluated.

    Attributes:
        points: [N, dim].
        normals: [N, dim] outward unit normals, or None inside the domain.
        values: [N] data that belongs to the points, or [N, 2] with its relative noise, or None.
        fold: Points i, i + N/fold, ... belong to one residual (2 for periodic pairs, else 1).
        weight: Of the term at these places, where it is balanced; None leaves the term its own.
    """

    points: Tensor
    normals: Tensor | None = None
    values: Tensor | None = None
    fold: int = 1
    weight: float | None = None

    def of(self, rows: Tensor) -> Sites:
        """The places of some residuals, by their numbers."""
        block = self.points.shape[0] // self.fold
        index = torch.cat([rows + i * block for i in range(self.fold)])
        return replace(
            self,
            points=self.points[index],
            normals=None if self.normals is None else self.normals[index],
            values=None if self.values is None else self.values[index],
        )


def value_at(
    value: Value, points: Tensor, names: tuple[str, ...], what: str, known: Known | None = None
) -> Tensor:
    """A condition's value at points [N, dim], as a tensor [N].

    Raises:
        ValueError: The function asks for an unknown name, or returns no tensor that broadcasts to [N].
    """
    if not callable(value):
        return torch.full_like(points[:, 0], float(value))
    coordinates = {name: points[:, i].contiguous() for i, name in enumerate(names)}
    with differentiable():
        result = call_by_name(value, {**coordinates, **(known or {})}, what)
    return as_column(result, points.shape[0], what, points)


def as_column(result: object, n: int, what: str, like: Tensor) -> Tensor:
    """Broadcast what a user's function returned to [n].

    Raises:
        ValueError: It is no number or tensor, or has another shape.
    """
    if isinstance(result, Field):
        result = result.value
    if isinstance(result, complex) or (isinstance(result, Tensor) and result.is_complex()):
        raise ValueError(
            f"{what} returned complex numbers; write the real and the imaginary part as two unknowns, with "
            "an equation or a value for each"
        )
    if isinstance(result, bool) or (isinstance(result, Tensor) and result.dtype == torch.bool):
        raise ValueError(
            f"{what} returned a comparison, true or false; return numbers: an equation as the difference of "
            "its sides (not ==), a step as (x > 0.5) * 1.0"
        )
    if isinstance(result, (int, float)):
        return torch.full_like(like.reshape(n, -1)[:, 0], float(result))
    if not isinstance(result, Tensor):
        fix = (
            "did it forget to return?"
            if result is None
            else "return a torch tensor (use torch.sin, not numpy.sin)"
        )
        raise ValueError(f"{what} returned {type(result).__name__}; {fix}")
    if result.shape not in ((n,), ()):
        raise ValueError(f"{what} returned shape {tuple(result.shape)} for {n} points; return shape ({n},)")
    whole = not result.is_floating_point()  # a comparison such as x > 0.5 stands for 1 and 0
    return (result.to(like.dtype) if whole else result).expand(n)


class Condition(ABC):
    """Something besides the equation that the solution satisfies."""

    hard: bool | None = None
    weight: float | None = None

    @abstractmethod
    def unknowns(self) -> tuple[str, ...]:
        """Names of the unknowns it speaks of."""

    @abstractmethod
    def faces(self, domain: Domain) -> tuple[str, ...]:
        """Tags of the faces where it holds; empty when it does not live on faces."""

    @abstractmethod
    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        """About n places to test it."""

    @abstractmethod
    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """What must vanish, one tensor [N / fold] for each requirement."""

    @abstractmethod
    def describe(self, domain: Domain) -> str:
        """A short name such as `u on x=-1, x=1`."""

    def asks_for(self) -> tuple[str, ...]:
        """Names that the functions it was given ask for: coordinates and coefficients."""
        functions = [getattr(self, f.name) for f in fields(self) if callable(getattr(self, f.name))]  # type: ignore[arg-type]
        return tuple(dict.fromkeys(name for f in functions for name in parameter_names(f)))

    def _check(self, **values: object) -> None:
        """Refuse a weight that is not positive and values that are neither finite numbers nor functions."""
        of = f"{type(self).__name__}({', '.join(map(repr, self.unknowns()))})"
        if self.hard not in (None, True, False):
            raise ValueError(f"{of}: hard must be True, False or None, not {self.hard!r}")
        if self.weight is not None and not (is_finite(self.weight) and self.weight > 0):
            raise ValueError(f"{of}: weight must be a positive number, not {self.weight!r}")
        for name, value in values.items():
            if not callable(value) and not is_finite(value):
                raise ValueError(
                    f"{of}: {name} must be a finite number or a function of the coordinates, not {value!r}"
                )


def is_finite(value: object) -> bool:
    """Whether it is a number, and finite."""
    try:
        return math.isfinite(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        return False


@dataclass(frozen=True)
class _OnFaces(Condition):
    unknown: str
    value: Value = 0.0
    on: str | Iterable[str] | None = None
    hard: bool | None = None
    weight: float | None = None

    def __post_init__(self) -> None:
        if self.on is not None and not isinstance(self.on, str):
            names = tuple(self.on) if isinstance(self.on, Iterable) else (self.on,)
            if not all(isinstance(name, str) for name in names):
                raise ValueError(
                    f"{type(self).__name__}({self.unknown!r}): on must name faces, such as on='x=0' or "
                    f"on=['inlet', 'wall'], not {self.on!r}"
                )
            object.__setattr__(self, "on", names)
        self._check(value=self.value)

    def unknowns(self) -> tuple[str, ...]:
        return (self.unknown,)

    def faces(self, domain: Domain) -> tuple[str, ...]:
        tags = domain.face_tags(self.on)
        if not tags:
            raise ValueError(
                f"{type(self).__name__}({self.unknown!r}): {domain!r} has no boundary in space; "
                f"use Initial, or name a face ({', '.join(domain.faces)}) in on="
            )
        return tags

    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        drawn = domain.boundary(n, generator, on=self.faces(domain), sampler=sampler)
        return Sites(drawn.points, drawn.normals)

    def describe(self, domain: Domain) -> str:
        faces = self.faces(domain)
        return f"{self.unknown} on {', '.join(faces) if len(faces) <= 4 else f'{len(faces)} faces'}"

    def target(self, sites: Sites, domain: Domain, known: Known) -> Tensor:
        """The prescribed value at the sites, [N]."""
        return value_at(
            self.value, sites.points, domain.names, f"the value of {self.describe(domain)}", known
        )

    def normal_derivative(self, fields: Fields, sites: Sites, domain: Domain) -> Tensor:
        """du/dn at the sites, [N]."""
        time = time_factor(domain)
        for face in self.faces(domain):
            if time is not None and face in time.faces:
                raise ValueError(
                    f"{type(self).__name__}({self.unknown!r}) on {face}: a normal derivative needs a face "
                    f"in space; use Initial({self.unknown!r}, value, velocity)"
                )
        assert sites.normals is not None
        u = fields[self.unknown]
        space = [i for i, name in enumerate(domain.names) if name not in time_names(domain)]
        return torch.stack([sites.normals[:, i] * u.d(domain.names[i]).value for i in space]).sum(0)


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


@dataclass(frozen=True)
class Neumann(_OnFaces):
    """Prescribed outward normal derivative, du/dn = value; arguments as in `Dirichlet`."""

    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """The difference du/dn - value."""
        return (self.normal_derivative(fields, sites, domain) - self.target(sites, domain, known),)

    def describe(self, domain: Domain) -> str:
        """Such as `normal derivative of u on x=1`."""
        return f"normal derivative of {super().describe(domain)}"


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

    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """The difference alpha u + beta du/dn - value."""
        what = f"a factor of {self.describe(domain)}"
        alpha = value_at(self.alpha, sites.points, domain.names, what, known)
        beta = value_at(self.beta, sites.points, domain.names, what, known)
        flux = self.normal_derivative(fields, sites, domain)
        return (alpha * fields[self.unknown] + beta * flux - self.target(sites, domain, known),)

    def describe(self, domain: Domain) -> str:
        """Such as `Robin condition of u on x=1`."""
        return f"Robin condition of {super().describe(domain)}"


@dataclass(frozen=True)
class Initial(Condition):
    """Values at the start of time, and the first time derivative for equations of second order in time.

    Args:
        unknown: Name of the unknown.
        value: u at the start; number or function of the space coordinates, or None when not prescribed.
        velocity: du/dt at the start; likewise.
        hard: True builds it into the ansatz, False makes it a weighted term, None decides.
        weight: Weight w of the term if it is one, a pure number beside 1 of the equation: the loss gets
            w mean (r / R)^2 / 2, r being the residual and R its natural size, both in the user's units;
            `print(problem)` shows R under "scales".  None balances w against the equation.
    """

    unknown: str
    value: Value | None = 0.0
    velocity: Value | None = None
    hard: bool | None = None
    weight: float | None = None

    def __post_init__(self) -> None:
        given = {k: v for k, v in (("value", self.value), ("velocity", self.velocity)) if v is not None}
        if not given:
            raise ValueError(f"Initial({self.unknown!r}) prescribes nothing; give a value or a velocity")
        self._check(**given)

    def unknowns(self) -> tuple[str, ...]:
        """The one unknown."""
        return (self.unknown,)

    def faces(self, domain: Domain) -> tuple[str, ...]:
        """The start of time."""
        time = time_factor(domain)
        if time is None:
            raise ValueError(
                f"Initial({self.unknown!r}) needs a time in the domain: multiply it by Time(0, 1)"
            )
        return (time.faces[0],)

    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        """Points of the start of time."""
        drawn = domain.boundary(n, generator, on=self.faces(domain), sampler=sampler)
        return Sites(drawn.points, drawn.normals)

    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """The differences u - value and du/dt - velocity, those that are given."""
        u, what = fields[self.unknown], f"the value of {self.describe(domain)}"
        out = []
        if self.value is not None:
            out.append(u - value_at(self.value, sites.points, domain.names, what, known))
        if self.velocity is not None:
            out.append(
                u.d(time_names(domain)[0]) - value_at(self.velocity, sites.points, domain.names, what, known)
            )
        return tuple(out)

    def describe(self, domain: Domain) -> str:
        """Such as `initial value and velocity of u`."""
        what = [w for w, v in (("value", self.value), ("velocity", self.velocity)) if v is not None]
        return f"initial {' and '.join(what)} of {self.unknown}"


@dataclass(frozen=True)
class Periodic(Condition):
    """Periodicity in one coordinate, of the values and of the first derivative.

    Args:
        on: The coordinate; its factor of the domain must be an interval.
        unknown: Name of the unknown, or None: all of them (they share the embedding of the coordinate).
        hard: None and True embed the coordinate in cos and sin; False makes it a weighted term.
        weight: Weight w of the term if it is one, a pure number beside 1 of the equation: the loss gets
            w mean (r / R)^2 / 2, r being the residual and R its natural size, both in the user's units;
            `print(problem)` shows R under "scales".  None balances w against the equation.
    """

    on: str
    unknown: str | None = None
    hard: bool | None = None
    weight: float | None = None

    def __post_init__(self) -> None:
        self._check()

    def unknowns(self) -> tuple[str, ...]:
        """The one unknown, or none: then all of them."""
        return () if self.unknown is None else (self.unknown,)

    def factor(self, domain: Domain) -> Interval:
        """The interval that is closed to a circle."""
        for shape in domain.factors():
            if isinstance(shape, Interval) and shape.names == (self.on,):
                return shape
        raise ValueError(
            f"Periodic(on={self.on!r}) needs an interval coordinate; {domain!r} has none of that name"
        )

    def faces(self, domain: Domain) -> tuple[str, ...]:
        """Both ends of the interval."""
        return self.factor(domain).faces

    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        """Pairs of points at the two ends: first all lower ones, then their partners."""
        lower, upper = self.faces(domain)
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
        """Such as `periodicity of u in x`."""
        return f"periodicity of {self.unknown or 'all unknowns'} in {self.on}"


def time_factor(domain: Domain) -> Time | None:
    """The time of a domain, if it has one."""
    return next((shape for shape in domain.factors() if isinstance(shape, Time)), None)


def time_names(domain: Domain) -> tuple[str, ...]:
    """Names of the time coordinate: one or none."""
    time = time_factor(domain)
    return () if time is None else time.names
