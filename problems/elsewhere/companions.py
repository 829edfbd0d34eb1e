"""The points that each point of the equation brings along, and what the equation sees of them.

`u.at(t=t - 1)` is the unknown at another place, and an `Integral` is a sum over places.  So a residual at x
depends on the network at x and at x's companions, the points y_1(x), ..., y_k(x).  All of them are sites of
this residual (`Sites.fold` is k + 1), as the two ends of a periodic pair are: first all x, then all y_1, ...
Whoever computes the network at the sites of a term, its gradient, its Jacobian or the columns of random
features, serves equations with companions as well.

Where the companions lie is found by calling the equation with numbers in place of the unknowns and noting
what it asks for.  A place may depend on coordinates only.  Places before the start of time have the values
of `Initial(..., history=...)`, and nothing else outside of the domain has any.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from ...derivatives.multi_index import MultiIndex
from ...errors import InputError
from ...geometry import Radius
from ..conditions.base import Feature, Known, Sites, Value, as_column, time_names, value_at
from ..fields import Field, Operand, derivatives
from .integral import Integral
from .kinks import kinks

if TYPE_CHECKING:
    from ..description import Description

MANY = 2048  # points at which places are tested for lying in the domain
BESIDE = 1e-9  # of the extent: outside by rounding
PROBES = 64  # points at which integrals are tried

Places = Mapping[str, Operand]


class Placed(Field):
    """An unknown at the points of an equation, which can be asked for its values elsewhere."""

    __slots__ = ("_elsewhere",)

    def __init__(self, of: Field, index: MultiIndex, elsewhere: Callable[[Field, Places], Field]) -> None:
        super().__init__(of._name, of._names, of._channels, index)
        self._elsewhere = elsewhere

    def _of(self, index: MultiIndex) -> Placed:
        return Placed(self, index, self._elsewhere)

    def at(self, **places: Operand) -> Field:
        """The unknown, or this derivative of it, at another place; coordinates not named stay."""
        return self._elsewhere(self, places)


@dataclass(frozen=True)
class Request:
    """A place that an equation asks for.

    Attributes:
        unknown: Whose value it is.
        points: Where, [N, dim].
    """

    unknown: str
    points: Tensor


@dataclass(frozen=True)
class Companions:
    """Companions of the points of an equation.

    Attributes:
        problem: The problem.
        calls: For each value elsewhere, in the order in which the equation asks, the number of its place.
        count: Number of different places.
        nodes: Nodes along a coordinate of each integral, and the error of their trial.
    """

    problem: Description
    calls: tuple[int, ...]
    count: int
    nodes: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, problem: Description) -> Companions:
        """Find the companions of a problem.

        Raises:
            InputError: A place is outside of the domain, or depends on more than coordinates; an integral
                is not resolved.
        """
        domain, generator = problem.domain, Generator().manual_seed(11)
        few = domain.interior(PROBES, generator)
        known = problem.initial_coefficients
        nodes = tuple(i.resolved(few, domain, problem.unknown_names, known) for i in problem.integrals)
        first = cls(problem, (), 0, nodes)
        calls: list[int] = []
        different: list[Tensor] = []
        for request in first.requests(few):
            same = [torch.equal(request.points, p) for p in different]
            calls.append(same.index(True) if any(same) else len(different))
            if not any(same):
                different.append(request.points)
        found = cls(problem, tuple(calls), len(different), nodes)
        found.check(generator)
        return found

    @property
    def fold(self) -> int:
        """Number of sites of a residual: the point and its companions."""
        sizes: list[int] = [
            n ** len(i.axes) for (n, _), i in zip(self.nodes, self.problem.integrals, strict=True)
        ]
        return 1 + self.count + sum(sizes)

    def finer(self) -> Companions:
        """Companions with twice as many nodes along each coordinate of every integral."""
        return replace(self, nodes=tuple((2 * n, error) for n, error in self.nodes))

    @property
    def in_time(self) -> bool:
        """Test for values at other times."""
        times = time_names(self.problem.domain)
        return bool(times and self.calls) or any(t in i.axes for t in times for i in self.problem.integrals)

    @property
    def words(self) -> tuple[str, ...]:
        """Description of what there is, one sentence each."""
        out = []
        if self.count:
            out.append(f"{self.count} other place{'s' * (self.count > 1)} for each point")
        for (n, error), i in zip(self.nodes, self.problem.integrals, strict=True):
            out.append(
                f"integral {i.name} over {', '.join(i.axes)}: {n ** len(i.axes)} Gauss-Legendre nodes, "
                f"trial waves change by {error:.0e} with twice as many"
            )
        return tuple(out)

    # -- where they lie --------------------------------------------------------------------------------------

    def requests(self, points: Tensor) -> list[Request]:
        """The places that the equation asks for at points [N, dim], in its order."""
        domain, generator, found = self.problem.domain, Generator().manual_seed(3), list[Request]()
        n, asked = len(points), list[bool]()

        def numbers(_: MultiIndex) -> Tensor:
            drawn = torch.rand(n, generator=generator, dtype=torch.float64) + 0.5
            return drawn.to(points).requires_grad_()

        def note(field: Field, places: Places) -> Field:
            asked.append(True)
            _check(field, places)
            at = points.clone()
            for name, value in places.items():
                column = as_column(value, n, f"{field!r}.at({name}=...)", points)
                if column.requires_grad:
                    raise InputError(
                        f"{field!r}.at({name}=...): the place depends on an unknown or a coefficient; only "
                        "coordinates and numbers can say where"
                    )
                at[:, domain.names.index(name)] = column
            found.append(Request(field._name, at))
            return Field(field._name, domain.names, numbers, field._index)

        fields = {u: Placed(Field(u, domain.names, numbers), (), note) for u in self.problem.unknown_names}
        known = {k: v.clone().requires_grad_() for k, v in self.problem.initial_coefficients.items()}
        sums = {i.name: numbers(()) for i in self.problem.integrals}
        try:
            with torch.enable_grad():
                self.problem.rows({**fields, **known, **sums}, points)
        except Exception:
            if asked:
                raise  # else the trace of the equation will say it
        return found

    def sites(self, points: Tensor) -> Sites:
        """Sites of the equation at points [N, dim]: these and all of their companions."""
        if self.fold == 1:
            return Sites(points)
        lower, upper = self.problem.domain.bounds.to(points)
        blocks: dict[int, Tensor] = {}
        if self.calls:
            for call, request in zip(self.calls, self.requests(points), strict=True):
                blocks.setdefault(call, torch.clamp(request.points, lower, upper))
        parts = [points, *(blocks[i] for i in range(self.count))]
        for integral, (n, _) in zip(self.problem.integrals, self.nodes, strict=True):
            parts.append(integral.places(points, self.problem.domain, n)[0].flatten(0, 1))
        return Sites(torch.cat(parts), fold=self.fold)

    def check(self, generator: Generator) -> None:
        """Refuse places outside of the domain.

        Raises:
            InputError: There is one.
        """
        domain = self.problem.domain
        points = torch.cat(
            [domain.interior(MANY, generator), domain.boundary(MANY, generator, domain.faces).points]
        )
        extent = (domain.bounds[1] - domain.bounds[0]).max()
        for request in self.requests(points) if self.calls else ():
            at = request.points
            if request.unknown in self.histories:
                axis = domain.names.index(time_names(domain)[0])
                at = at[at[:, axis] >= domain.bounds[0, axis]]
            beyond = domain.distance(at) > BESIDE * extent if len(at) else at[:, 0] > 0
            if bool(beyond.any()):
                there = at[domain.distance(at).argmax()].tolist()
                place = ", ".join(f"{n}={v:.3g}" for n, v in zip(domain.names, there, strict=True))
                fix = (
                    f"give the values before the start by Initial({request.unknown!r}, ..., history=...)"
                    if time_names(domain)
                    else "only places inside have a value"
                )
                raise InputError(
                    f"{request.unknown}.at(...) asks for values at {place}, outside of {domain!r}; {fix}"
                )
        for integral in self.problem.integrals:
            for name, *ends in zip(integral.axes, *integral.limits(points, domain), strict=True):
                lower, upper = domain.bounds[:, domain.names.index(name)].tolist()
                margin = BESIDE * (upper - lower)
                if any(bool(((e < lower - margin) | (e > upper + margin)).any()) for e in ends):
                    raise InputError(
                        f"Integral({integral.name!r}) has limits beyond {name} in [{lower:g}, {upper:g}]; "
                        "the unknowns have no values there"
                    )

    # -- what the equation sees ------------------------------------------------------------------------------

    @cached_property
    def histories(self) -> dict[str, Value]:
        """Values before the start of time, by unknown."""
        pairs = [(c, c.before_start()) for c in self.problem.conditions]
        return {c.unknowns()[0]: value for c, value in pairs if value is not None}

    def arguments(self, fields: Mapping[str, Field], points: Tensor, known: Known) -> dict[str, object]:
        """Unknowns, integrals and coefficients for the equation, at the first of the sites.

        Args:
            fields: The unknowns at all sites, [fold N].
            points: The sites, [fold N, dim].
            known: Coefficients.
        """
        n = len(points) // self.fold
        calls, own = iter(self.calls), points[:n]

        def look(field: Field, places: Places) -> Field:
            block = next(calls, None)
            if block is None:
                raise InputError(
                    "the equation asks for other places than at first; let it ask the same always"
                )
            there = fields[field._name].part(slice((1 + block) * n, (2 + block) * n))
            return self._before(there._of(field._index), own, places)

        found: dict[str, object] = {
            name: Placed(field.part(slice(0, n)), (), look) for name, field in fields.items()
        }
        start = (1 + self.count) * n
        for integral, (nodes, _) in zip(self.problem.integrals, self.nodes, strict=True):
            inner, weights = integral.places(own.detach(), self.problem.domain, nodes)
            part = slice(start, start := start + weights.numel())
            there = {name: field.part(part) for name, field in fields.items()}
            at = {k: v[part] if v.ndim else v for k, v in known.items()}
            names = self.problem.domain.names
            found[integral.name] = integral.value(there, own.detach(), inner, weights, names, at)
        return {**found, **{k: v[:n] if v.ndim else v for k, v in known.items()}}

    def _before(self, field: Field, own: Tensor, places: Places) -> Field:
        """The field with the history before the start of time."""
        domain = self.problem.domain
        times = time_names(domain)
        if field._name not in self.histories or not times or times[0] not in places:
            return field
        value, axis = self.histories[field._name], domain.names.index(times[0])
        at = own.detach().clone()
        for name, place in places.items():
            at[:, domain.names.index(name)] = as_column(place, len(own), f"{field!r}.at", own).detach()
        early = at[:, axis] < domain.bounds[0, axis]

        def history(points: Tensor) -> Tensor:
            return value_at(value, points, domain.names, f"the history of {field._name}")

        def channel(index: MultiIndex) -> Tensor:
            return torch.where(early, derivatives(history, at, [index])[0], field.channel(index))

        return Field(field._name, domain.names, channel, field._index)

    def without(self, points: Tensor) -> Tensor:
        """Sum [N] of the rows of the equation with ones for the unknowns everywhere and for the integrals.

        Odd derivatives by a radius are r: those of regular functions vanish at r = 0, as in u_r / r.
        """
        names, one = self.problem.domain.names, torch.ones_like(points[:, 0])
        radii = [names.index(f.names[0]) for f in self.problem.domain.factors() if isinstance(f, Radius)]

        def channel(index: MultiIndex) -> Tensor:
            odd = [points[:, axis] for axis in radii if index.count(axis) % 2]
            return math.prod(odd, start=one)

        def constant(field: Field, _: Places) -> Field:
            return Field(field._name, names, channel)

        fields = {u: Placed(Field(u, names, channel), (), constant) for u in self.problem.unknown_names}
        sums = {i.name: one for i in self.problem.integrals}
        rows = self.problem.rows({**fields, **self.problem.initial_coefficients, **sums}, points)
        return torch.stack(rows).sum(0)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """Inputs of the network for the kinks that delays make."""
        if not self.histories or not self.calls:
            return ()
        return kinks(self.problem, lambda points: [r.points for r in self.requests(points)], self.histories)


def _check(field: Field, places: Places) -> None:
    """Refuse places that are none.

    Raises:
        InputError: A name is none of a coordinate, or there is none.
    """
    for name in places:
        if name not in field._names:
            raise InputError(
                f"{field!r}.at({name}=...): {name!r} is none of the coordinates {', '.join(field._names)}"
            )
    if not places:
        raise InputError(f"{field!r}.at() names no coordinate; write {field!r}.at({field._names[0]}=...)")


def all_integrals(integrals: Sequence[object]) -> tuple[Integral, ...]:
    """Integrals of a problem.

    Raises:
        InputError: One is none.
    """
    for integral in integrals:
        if not isinstance(integral, Integral):
            raise InputError(f"{integral!r} is not an integral; write Integral('I', lambda u: u, over='x')")
    return tuple(i for i in integrals if isinstance(i, Integral))
