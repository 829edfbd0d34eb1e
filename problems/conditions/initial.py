"""Initial conditions: values, or rates, at the first time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torch import Generator, Tensor

from ...errors import InputError
from ...geometry import Domain
from .base import (
    VALUE,
    Condition,
    Demand,
    Fields,
    Known,
    Prescribed,
    Sites,
    Value,
    time_factor,
    time_names,
    value_at,
)

if TYPE_CHECKING:
    from ..complex_unknowns import Parts


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
        history: u before the start, where the equation asks for it, as u.at(t=t - 1) does; number or function
            of the coordinates.
    """

    unknown: str
    value: Value | None = 0.0
    velocity: Value | None = None
    hard: bool | None = None
    weight: float | None = None
    history: Value | None = None

    def __post_init__(self) -> None:
        given = {k: v for k, v in (("value", self.value), ("velocity", self.velocity)) if v is not None}
        if not given:
            raise InputError(f"Initial({self.unknown!r}) prescribes nothing; give a value or a velocity")
        self._check(**given | ({} if self.history is None else {"history": self.history}))

    def unknowns(self) -> tuple[str, ...]:
        """Name of the unknown."""
        return (self.unknown,)

    def in_parts(self, parts: Parts) -> tuple[Condition, ...]:
        """The condition on each part of a complex unknown."""
        if self.unknown not in parts.names:
            return (self,)
        given = zip(parts.names[self.unknown], parts.data(self.value), parts.data(self.velocity), strict=True)
        return tuple(replace(self, unknown=name, value=v, velocity=w) for name, v, w in given)

    def faces(self, domain: Domain) -> tuple[str, ...]:
        """Tag of the face at the start of time."""
        time = time_factor(domain)
        if time is None:
            raise InputError(
                f"Initial({self.unknown!r}) needs a time in the domain: multiply it by Time(0, 1)"
            )
        return (time.faces[0],)

    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        """Draw points at the start of time."""
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
        """Short name such as `initial value and velocity of u`."""
        what = [w for w, v in (("value", self.value), ("velocity", self.velocity)) if v is not None]
        return f"initial {' and '.join(what)} of {self.unknown}"

    def before_start(self) -> Value | None:
        """The history."""
        return self.history

    def prescribed(self) -> Prescribed:
        """The value and the velocity at the start of time."""
        return Prescribed(self.unknown, self.value, self.velocity, start=True)

    def varies_on_faces(self) -> bool:
        """Test whether value or velocity depend on coordinates or coefficients."""
        return bool(self.asks_for())

    def demands(self, rows: int) -> list[Demand]:
        """The value and the velocity, as far as they are given."""
        given = ((VALUE, self.value), ("velocity", self.velocity))
        return [Demand(self, kind, value, exclusive=True) for kind, value in given if value is not None]
