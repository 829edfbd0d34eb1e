"""The zoo in other units: every coordinate, unknown and equation multiplied by a random power of ten.

A unit of measurement must not matter to a solution: what `problems.scales` finds has to follow it.  The same
run in both units does the same work, and the error is taken in the units of the zoo.

Lengths that share a geometry share a factor: of shapes that are no boxes, and wherever normals, an interface
or a weighted condition on several faces mix them.  Meshes, and conditions of other kinds than those of
`problems`, are not rescaled.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce, singledispatch
from operator import mul
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from ...derivatives.multi_index import MultiIndex
from ...errors import InputError
from ...geometry import Ball, Difference, Domain, Intersection, Interval, Polygon, Union
from ...problems import (
    BoundaryEquation,
    Condition,
    Dirichlet,
    Initial,
    Interface,
    Neumann,
    Observations,
    Periodic,
    Problem,
    Reference,
    Robin,
    Unknown,
)
from ...problems.fields import Field, parameter_names
from ...results.solution import Solution
from ...solving.run import solve
from ..harness.report import Row
from .signatures import keyword_only, with_signature

T = TypeVar("T")
Array = NDArray[np.float64]

DECADES = 9  # powers of ten from -DECADES to DECADES
TOGETHER = (BoundaryEquation, Interface)  # conditions in which lengths meet through a normal


@dataclass(frozen=True)
class Units:
    """Factors by which numbers grow in the new units.

    Attributes:
        coordinates: By coordinate.
        unknowns: By unknown.
        equations: Of each equation.
    """

    coordinates: Mapping[str, float]
    unknowns: Mapping[str, float]
    equations: tuple[float, ...]


def random_units(problem: Problem, seed: int) -> Units:
    """Powers of ten for a problem, of which lengths that share a geometry share one."""
    generator = Generator().manual_seed(seed)

    def draw() -> float:
        return 10.0 ** int(torch.randint(-DECADES, DECADES + 1, (), generator=generator))

    domain, names = problem.domain, problem.domain.names
    coordinates = {name: draw() for name in names}
    groups = [shape.names for shape in domain.factors()]
    space = [name for f in domain.factors() if not f.is_time for name in f.names]
    if any(type(c) in TOGETHER for c in problem.conditions) or len(problem.terms) > 1:
        groups.append(tuple(space))
    for group in groups:
        coordinates |= {name: coordinates[group[0]] for name in group[1:]}
    unknowns = {name: draw() for name in problem.unknown_names}
    return Units(coordinates, unknowns, tuple(draw() for _ in range(problem.equation_term.rows)))


def rescaled(problem: Problem, seed: int) -> Problem:
    """Express a problem in random units.

    Raises:
        InputError: A shape or a condition is of a kind that is not rescaled.
    """
    return in_units(problem, random_units(problem, seed))


def in_units(problem: Problem, units: Units) -> Problem:
    """Express a problem in given units; see `rescaled`."""
    a, b = units.coordinates, units.unknowns
    domain = reduce(mul, [_shape(f, a) for f in problem.domain.factors()])
    translate = _Translation(problem.domain.names, a, b)
    equation = translate.fields(problem.equation)

    def scaled_equation(**given: object) -> tuple[Tensor, ...]:
        rows = equation(**given)
        rows = rows if isinstance(rows, (tuple, list)) else (rows,)
        return tuple(e * row for e, row in zip(units.equations, rows, strict=True))

    faces = dict(zip(problem.domain.faces, domain.faces, strict=True))
    return replace(
        problem,
        domain=domain,
        unknowns=tuple(
            replace(u, init=u.init * b[u.name]) if isinstance(u, Unknown) and u.positive else u
            for u in problem.functions
        ),
        equation=with_signature(scaled_equation, inspect.signature(equation)),
        conditions=tuple(_condition(c, problem.domain, translate, faces) for c in problem.conditions),
        reference=_reference(problem, translate),
        particular={name: translate.value(f, b[name]) for name, f in problem.particular.items()},
        quantities={},
        name=f"{problem.name} in other units",
    )


class _Translation:
    """Users' functions of the old units as functions of the new ones."""

    def __init__(self, names: tuple[str, ...], a: Mapping[str, float], b: Mapping[str, float]) -> None:
        self.names, self.a, self.b = names, a, b

    def fields(self, function: Callable[..., T]) -> Callable[..., T]:
        """Wrap a function of unknowns, coordinates and other arguments; its result stays in the old units."""

        def translated(**given: object) -> T:
            return function(**{name: self._argument(name, value) for name, value in given.items()})

        return _named(translated, function)

    def value(self, value: Any, factor: float) -> Any:
        """A number, or a function of coordinates, times a factor."""
        if not callable(value):
            return None if value is None else value * factor
        old = self.fields(value)

        def translated(**given: object) -> object:
            return factor * old(**given)

        return _named(translated, value)

    def _argument(self, name: str, value: Any) -> object:
        if name in self.a:
            return value / self.a[name]
        return self._field(name, value) if name in self.b else value

    def _field(self, name: str, field: Field) -> Field:
        def channels(index: MultiIndex) -> Tensor:
            along = [self.names[i] for i in index]
            return field.d(*along).value * (math.prod(self.a[n] for n in along) / self.b[name])

        return Field(name, self.names, channels)


def _named(function: Callable[..., T], like: Callable[..., object]) -> Callable[..., T]:
    """The function with the parameters of another one, by which arguments are matched."""
    return with_signature(function, keyword_only(parameter_names(like)))


def _shape(shape: Domain, a: Mapping[str, float]) -> Domain:
    s = a[shape.names[0]]
    if isinstance(shape, Interval):
        return type(shape)(s * shape.lower, s * shape.upper, shape.names[0])
    if isinstance(shape, Ball):
        return Ball((s * shape.center).tolist(), s * shape.radius, shape.names, shape.faces[0])
    if type(shape) is Polygon:
        return Polygon(s * shape.vertices, shape.names, shape.faces[0].removesuffix("0"))
    if isinstance(shape, (Difference, Union, Intersection)):
        first, second = (reduce(mul, [_shape(f, a) for f in part.factors()]) for part in (shape.a, shape.b))
        return type(shape)(first, second)
    raise InputError(f"{shape!r} is of a kind that is not rescaled")


@singledispatch
def _condition(
    condition: Condition, domain: Domain, translate: _Translation, faces: Mapping[str, str]
) -> Condition:
    """A condition in the new units.

    Args:
        condition: The condition in the old units.
        domain: The domain in the old units.
        translate: Converts values and functions.
        faces: Names of the faces in the new units, by their old names.

    Raises:
        InputError: Its kind has no conversion below.
    """
    raise InputError(f"{condition!r} is of a kind that is not rescaled")


def _on(
    condition: Dirichlet | Neumann | Robin | BoundaryEquation, domain: Domain, faces: Mapping[str, str]
) -> tuple[str, ...]:
    """The new names of the faces of a condition."""
    return tuple(faces[tag] for tag in condition.faces(domain))


def _length(condition: Neumann | Robin, domain: Domain, a: Mapping[str, float]) -> float:
    """The factor of the length that a normal derivative is taken by.

    Raises:
        InputError: Its faces have several.
    """
    tags = condition.faces(domain)
    lengths = {a[f.names[0]] for f in domain.factors() for tag in tags if tag in f.faces}
    if len(lengths) > 1:
        raise InputError(f"{condition!r}: a normal derivative on faces of several lengths is not rescaled")
    (length,) = lengths
    return length


@_condition.register
def _(c: Dirichlet, domain: Domain, translate: _Translation, faces: Mapping[str, str]) -> Condition:
    return replace(c, value=translate.value(c.value, translate.b[c.unknown]), on=_on(c, domain, faces))


@_condition.register
def _(c: Neumann, domain: Domain, translate: _Translation, faces: Mapping[str, str]) -> Condition:
    size = translate.b[c.unknown] / _length(c, domain, translate.a)
    return replace(c, value=translate.value(c.value, size), on=_on(c, domain, faces))


@_condition.register
def _(c: Robin, domain: Domain, translate: _Translation, faces: Mapping[str, str]) -> Condition:
    size, length = translate.b[c.unknown], _length(c, domain, translate.a)
    return replace(
        c,
        value=translate.value(c.value, 1.0),
        alpha=translate.value(c.alpha, 1 / size),
        beta=translate.value(c.beta, length / size),
        on=_on(c, domain, faces),
    )


@_condition.register
def _(c: Initial, domain: Domain, translate: _Translation, faces: Mapping[str, str]) -> Condition:
    size, time = translate.b[c.unknown], next(f.names[0] for f in domain.factors() if f.is_time)
    return replace(
        c,
        value=translate.value(c.value, size),
        velocity=translate.value(c.velocity, size / translate.a[time]),
    )


@_condition.register
def _(c: Periodic, domain: Domain, translate: _Translation, faces: Mapping[str, str]) -> Condition:
    return c


@_condition.register
def _(c: Observations, domain: Domain, translate: _Translation, faces: Mapping[str, str]) -> Condition:
    size = translate.b[c.of] if isinstance(c.of, str) else 1.0
    return replace(
        c,
        of=c.of if isinstance(c.of, str) else translate.fields(c.of),
        points={name: np.asarray(values) * translate.a[name] for name, values in c.points.items()},
        values=np.asarray(c.values) * size,
        noise=None if c.noise is None else np.asarray(c.noise) * size,
    )


@_condition.register
def _(c: BoundaryEquation, domain: Domain, translate: _Translation, faces: Mapping[str, str]) -> Condition:
    return replace(c, equation=translate.fields(c.equation), on=_on(c, domain, faces))


@_condition.register
def _(c: Interface, domain: Domain, translate: _Translation, faces: Mapping[str, str]) -> Condition:
    return replace(c, at=translate.fields(c.at), flux=translate.fields(c.flux))


def _reference(problem: Problem, translate: _Translation) -> Reference | Callable[..., object] | None:
    old, a, b = problem.reference, translate.a, translate.b
    if old is None:
        return None
    single = problem.unknown_names[0]

    def larger(values: Any) -> dict[str, Array]:
        by_name = values if isinstance(values, Mapping) else {single: values}
        return {name: v * b[name] for name, v in by_name.items()}

    if not isinstance(old, Reference):
        function = translate.fields(old)

        def translated(**given: object) -> dict[str, Array]:
            return larger(function(**given))

        return _named(translated, old)
    stored = old
    return replace(
        stored,
        evaluate=lambda points: larger(stored.evaluate({n: c / a[n] for n, c in points.items()})),
        test_points=lambda: {n: c * a[n] for n, c in stored.test_points().items()},
    )


def error_in_both(problem: Problem, units: Units, solution: Solution) -> float:
    """The relative L2 error of a rescaled solution, in the units of the problem itself."""
    assert isinstance(problem.reference, Reference)
    points = problem.reference.test_points()
    exact = problem.reference.evaluate(points)
    found = solution.predict({name: units.coordinates[name] * c for name, c in points.items()})
    found = found if isinstance(found, dict) else {problem.unknown_names[0]: found}
    above = below = 0.0
    for name, values in exact.items():
        known = np.isfinite(values)
        above += float(((found[name] / units.unknowns[name] - values)[known] ** 2).sum())
        below += float((values[known] ** 2).sum())
    return math.sqrt(above / below)


def run(
    names: Sequence[str], seeds: Sequence[int] = (0, 1), budget: str = "300 evaluations", **settings: Any
) -> list[Row]:
    """Errors of zoo problems in their own units and in random ones, at equal work.

    Args:
        names: Of problems with a reference.
        seeds: Of the units and of the network.
        budget: Of every run.
        settings: Of `solve`, such as network and points.

    Returns:
        For each problem and seed: problem, seed, error, rescaled_error and their ratio.
    """
    from ...problems.zoo import build

    rows = []
    for name in names:
        for seed in seeds:
            problem = build(name)
            units = random_units(problem, seed)
            other = in_units(problem, units)
            one, two = (solve(p, budget=budget, seed=seed, **settings) for p in (problem, other))
            error, again = one.error(), error_in_both(problem, units, two)
            rows.append(
                {
                    "problem": name,
                    "seed": seed,
                    "error": error,
                    "rescaled_error": again,
                    "ratio": again / error,
                }
            )
    return rows
