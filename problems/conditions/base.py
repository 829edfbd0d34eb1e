"""Conditions that complete an equation: boundary, initial, periodic (observed: `observations.py`).

Each condition knows where it holds (`sites`), what must vanish there (`residual`) and which unknowns it
speaks of. Whether it becomes part of the ansatz or a weighted term of the loss is decided in
`constraints.py`. Values may be numbers or functions of the coordinates, matched by parameter name.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

import torch
from torch import Generator, Tensor

from ...errors import InputError
from ...geometry import Domain, Time
from ..fields import Field, call_by_name, parameter_names
from ..functions.special import differentiable

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
        InputError: The function asks for an unknown name, or returns no tensor that broadcasts to [N].
    """
    if not callable(value):
        return torch.full_like(points[:, 0], float(value))
    coordinates = {name: points[:, i].contiguous() for i, name in enumerate(names)}
    with differentiable():
        result = call_by_name(value, {**coordinates, **(known or {})}, what)
    if isinstance(result, Tensor) and result.dtype == torch.bool:
        result = result.to(points.dtype)  # in data a comparison such as x > 0.5 stands for 1 and 0
    return as_column(result, points.shape[0], what, points)


def as_column(result: object, n: int, what: str, like: Tensor) -> Tensor:
    """Broadcast what a user's function returned to [n].

    Raises:
        InputError: It is no number or tensor, or has another shape.
    """
    if isinstance(result, Field):
        result = result.value
    if isinstance(result, complex) or (isinstance(result, Tensor) and result.is_complex()):
        raise InputError(
            f"{what} returned complex numbers; write the real and the imaginary part as two unknowns, with "
            "an equation or a value for each"
        )
    if isinstance(result, bool) or (isinstance(result, Tensor) and result.dtype == torch.bool):
        raise InputError(
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
        raise InputError(f"{what} returned {type(result).__name__}; {fix}")
    if result.shape not in ((n,), ()):
        raise InputError(f"{what} returned shape {tuple(result.shape)} for {n} points; return shape ({n},)")
    return (result if result.is_floating_point() else result.to(like.dtype)).expand(n)


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
            raise InputError(f"{of}: hard must be True, False or None, not {self.hard!r}")
        if self.weight is not None and not (is_finite(self.weight) and self.weight > 0):
            raise InputError(f"{of}: weight must be a positive number, not {self.weight!r}")
        for name, value in values.items():
            if not callable(value) and not is_finite(value):
                raise InputError(
                    f"{of}: {name} must be a finite number or a function of the coordinates, not {value!r}"
                )


def is_finite(value: object) -> bool:
    """Whether it is a number, and finite."""
    try:
        return math.isfinite(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        return False


def time_factor(domain: Domain) -> Time | None:
    """The time of a domain, if it has one."""
    return next((shape for shape in domain.factors() if isinstance(shape, Time)), None)


def time_names(domain: Domain) -> tuple[str, ...]:
    """Names of the time coordinate: one or none."""
    time = time_factor(domain)
    return () if time is None else time.names
