"""Differential operators for equations: diff, grad, div, laplace, curl, and dot for vectors.

    lambda u, x: div((1 + x**2) * grad(u)) + 1          the divergence form of a diffusion equation
    lambda u: u.t - laplace(u)                          in space only: time is no direction of grad and div
    lambda u, v: u.t + dot((u, v), grad(u)) - nu * laplace(u)

They take unknowns and expressions of unknowns, coordinates and coefficients, and may be nested.  Derivatives
of unknowns come from the network, those of expressions by the chain rule (`expressions.py`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from torch import Tensor

from ..errors import InputError
from .expressions import followed, space
from .fields import Field

Scalar: TypeAlias = "Field | Tensor | float"
ELEMENTWISE = {
    **dict.fromkeys([Tensor.mul, Tensor.__mul__, Tensor.__rmul__, Tensor.multiply], operator.mul),
    **dict.fromkeys([Tensor.div, Tensor.__truediv__], operator.truediv),
}


class Vector(tuple[Any, ...]):
    """Components of a vector; sums with vectors and products with scalars are taken by component."""

    def __add__(self, other: object) -> Vector:
        return self._with(other, operator.add)

    def __sub__(self, other: object) -> Vector:
        return self._with(other, operator.sub)

    def __mul__(self, other: Any) -> Vector:
        return Vector(one * other for one in self)

    def __rmul__(self, other: Any) -> Vector:
        return Vector(other * one for one in self)

    def __truediv__(self, other: Any) -> Vector:
        return Vector(one / other for one in self)

    def __neg__(self) -> Vector:
        return Vector(-one for one in self)

    def _with(self, other: object, function: Callable[[Any, Any], Any]) -> Vector:
        if not isinstance(other, Sequence) or len(other) != len(self):
            raise InputError(
                f"a vector of {len(self)} components is added to one of as many, not to {other!r}"
            )
        return Vector(map(function, self, other))

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: object,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Vector:
        """Multiply a tensor by a vector, in this order."""
        found = ELEMENTWISE.get(func)
        if found is None or len(args) != 2 or kwargs:
            raise InputError(f"a vector has no {getattr(func, '__name__', func)}; take it of its components")
        first, second = args
        if isinstance(second, Vector):
            return Vector(found(first, one) for one in second)
        return Vector(found(one, second) for one in first)


def diff(expression: Scalar, *names: str) -> Any:
    """Derivative of an unknown or an expression with respect to coordinates, one order for each name.

    Raises:
        InputError: A name is no coordinate, or none is given.
    """
    if not names:
        raise InputError("diff needs the coordinate to differentiate by, such as diff(k * u.x, 'x')")
    if isinstance(expression, Field):
        return expression.d(*names)
    known = followed()
    for name in names:
        if name not in known.names:
            raise InputError(
                f"diff by {name!r}, which is none of the coordinates {', '.join(known.names)}; rename it"
            )
    return known.derivative(expression, tuple(known.names.index(name) for name in names))


def grad(expression: Scalar) -> Vector:
    """Gradient in space: the derivatives by its coordinates, in their order; over r by an angle."""
    angles = space().angles
    slopes = ((name, diff(expression, name)) for name in space())
    return Vector(followed().over(slope, angles[name]) if name in angles else slope for name, slope in slopes)


def div(vector: Sequence[Scalar]) -> Any:
    """Divergence in space of a vector with a component for each coordinate of space.

    Raises:
        InputError: It has more or fewer components.
    """
    names, total = space(), 0
    for one, name in zip(_components(vector, "div"), names, strict=True):
        slope = diff(one, name)
        total = total + (followed().over(slope, names.angles[name]) if name in names.angles else slope)
        if name in names.radii:
            total = total + (names.radii[name] - 1) * followed().over(one, name, slope)
    return total


def laplace(expression: Scalar) -> Any:
    """Laplace operator in space: the sum of the second derivatives by its coordinates."""
    names, total = space(), 0
    for name in names:
        second = diff(expression, name, name)
        for radius in (names.angles[name],) * 2 if name in names.angles else ():
            second = followed().over(second, radius)
        total = total + second
        if name in names.radii:
            total = total + (names.radii[name] - 1) * followed().over(diff(expression, name), name, second)
    return total


def curl(vector: Sequence[Scalar]) -> Any:
    """Curl of a vector: a `Vector` in three coordinates of space, a scalar in two.

    Raises:
        InputError: There are other than two or three coordinates of space, or components; or round ones.
    """
    names, v = space(), _components(vector, "curl")
    if names.radii:
        raise InputError("curl is for straight coordinates; with a Radius write it out, such as v.z - w.r")
    if len(names) == 2:
        return diff(v[1], names[0]) - diff(v[0], names[1])
    if len(names) != 3:
        raise InputError(f"curl needs two or three coordinates of space, not {', '.join(names) or 'none'}")
    pairs = ((1, 2), (2, 0), (0, 1))
    return Vector(diff(v[j], names[i]) - diff(v[i], names[j]) for i, j in pairs)


def dot(a: Sequence[Scalar], b: Sequence[Scalar]) -> Any:
    """Inner product of two vectors.

    Raises:
        InputError: They have different numbers of components.
    """
    if len(a) != len(b):
        raise InputError(f"dot of vectors with {len(a)} and {len(b)} components; give as many")
    return sum(p * q for p, q in zip(a, b, strict=True))


def _components(vector: Sequence[Scalar], what: str) -> Sequence[Scalar]:
    """The components of a vector, one for each coordinate of space.

    Raises:
        InputError: There are more or fewer.
    """
    names = space()
    if not isinstance(vector, (tuple, list)) or len(vector) != len(names):
        count = f"{len(vector)} components" if isinstance(vector, (tuple, list)) else type(vector).__name__
        raise InputError(
            f"{what} needs a component for each of {', '.join(names)}, such as grad(u), not {count}"
        )
    return vector
