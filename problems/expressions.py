"""Derivatives of expressions in an equation, such as that of k u.x in the divergence form (k u.x).x.

An equation gets values at points, not functions, so that k u.x is a vector of numbers [N].  Its derivative
along a coordinate x follows by the chain rule,

    df/dx = (partial f / partial x) + sum over derivatives c that f reads of (partial f / partial c) c.x,

with the partial derivatives by autograd, which are exact as f is computed point by point, and c.x from the
network as every other derivative.  That needs arguments which autograd follows; a function gets them when it
turns out to ask for such a derivative (`fields.call_by_name`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..derivatives.multi_index import MultiIndex
from ..errors import InputError
from .curvilinear import Space

Channels = Callable[[MultiIndex], Tensor]
Parse = Callable[[str, Sequence[str]], MultiIndex | None]

_CURRENT: ContextVar[Followed | None] = ContextVar("followed", default=None)
_NOTES: ContextVar[list[Note] | None] = ContextVar("notes", default=None)
_SPACE: ContextVar[Space | None] = ContextVar("space", default=None)


class NeedsFollowing(Exception):
    """Raised by an operator whose function was called with arguments that autograd does not follow."""


class Expression(Tensor):
    """Values [N] of an expression, whose attributes made of coordinate names are its derivatives."""

    def __getattribute__(self, name: str) -> Any:
        """Look up a derivative, or an attribute of a tensor."""
        if not name.startswith("_"):
            followed = current()
            index = None if followed is None else followed.spelled(name)
            if followed is not None and index is not None:
                return followed.derivative(self, index)
        return super().__getattribute__(name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """Copy the numbers: what searches remember of an expression is no expression any more."""
        return self.as_subclass(Tensor).detach().clone()


class Note(NamedTuple):
    """An expression that was differentiated.

    Attributes:
        values: Its values [N].
        axis: Position of the coordinate.
        slope: The derivative [N].
    """

    values: Tensor
    axis: int
    slope: Tensor


@dataclass
class Followed:
    """Arguments of a function that autograd follows.

    Attributes:
        names: Names of the coordinates.
        coordinates: Their values [N], in that order.
        parse: Reads a derivative's name.
        leaves: Derivatives of unknowns that were read, by unknown and multi-index.
        sources: Where those of an unknown come from.
        live: Whether something that was read has a graph of its own, which results belong to.
    """

    names: tuple[str, ...]
    coordinates: tuple[Tensor, ...]
    parse: Parse
    leaves: dict[tuple[str, MultiIndex], Tensor] = field(default_factory=dict)
    sources: dict[str, Channels] = field(default_factory=dict)
    live: bool = False

    def channels(self, unknown: str, source: Channels) -> Channels:
        """Followed derivatives of an unknown."""
        self.sources[unknown] = source
        return lambda index: self._leaf(unknown, index)

    def _leaf(self, unknown: str, index: MultiIndex) -> Tensor:
        key = (unknown, index)
        if key not in self.leaves:
            value = self.sources[unknown](index)
            self.live |= value.requires_grad
            self.leaves[key] = follow(value)
        return self.leaves[key]

    def spelled(self, name: str) -> MultiIndex | None:
        """Multi-index of an attribute; None where it is one of tensors."""
        if hasattr(Tensor, name) and not (name == "t" and name in self.names):
            return None
        return self.parse(name, self.names)

    def derivative(self, expression: object, index: MultiIndex) -> Tensor:
        """Derivative of an expression [N].

        Raises:
            InputError: It is no expression at the points.
        """
        dtype = self.coordinates[0].dtype
        if isinstance(expression, Tensor) and expression.is_complex():
            dtype = dtype.to_complex()
        found = torch.as_tensor(expression, dtype=dtype)
        count = len(self.coordinates[0])
        if found.shape not in ((), (count,)):
            raise InputError(
                f"values at the points, of shape ({count},), can be differentiated, not those of shape "
                f"{tuple(found.shape)}"
            )
        found = found.expand(count)
        for axis in index:
            slope = self._along(found, axis)
            if (notes := _NOTES.get()) is not None:
                notes.append(Note(found.detach(), axis, slope.detach()))
            found = slope
        return found

    def over(self, expression: Any, radius: str, slope: Any = None) -> Any:
        """Quotient of an expression [N] by a radius; with its slope in the radius, the limit at a centre."""
        r = self.coordinates[self.names.index(radius)]
        if slope is None:
            return expression / r
        centre = torch.logical_not(r.detach()).to(r.dtype)  # no comparison, which would count as a branch
        return expression / (r + centre) + centre * slope

    def _along(self, expression: Tensor, axis: int) -> Tensor:
        """Derivative along a coordinate, by the chain rule."""
        if not expression.requires_grad:
            return torch.zeros_like(expression)
        if expression.is_complex():
            return torch.complex(self._along(expression.real, axis), self._along(expression.imag, axis))
        read = list(self.leaves.items())
        inputs = [self.coordinates[axis], *(leaf for _, leaf in read)]
        partial = torch.autograd.grad(expression.sum(), inputs, create_graph=True, allow_unused=True)
        terms = [] if partial[0] is None else [partial[0]]
        for ((unknown, own), _), slope in zip(read, partial[1:], strict=True):
            if slope is not None:
                terms.append(slope * self._leaf(unknown, tuple(sorted((*own, axis)))))
        return torch.stack(terms).sum(0).as_subclass(Expression) if terms else torch.zeros_like(expression)


def follow(value: Tensor) -> Tensor:
    """Let autograd follow values from here on."""
    with torch.enable_grad():
        followed = value if value.requires_grad else value.detach().requires_grad_()
        return followed.as_subclass(Expression)


@contextmanager
def following(followed: Followed) -> Iterator[None]:
    """Let operators and attributes differentiate back to these arguments."""
    token = _CURRENT.set(followed)
    try:
        with torch.enable_grad():
            yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def noting(notes: list[Note]) -> Iterator[None]:
    """Collect the expressions that are differentiated."""
    token = _NOTES.set(notes)
    try:
        yield
    finally:
        _NOTES.reset(token)


@contextmanager
def in_space(names: Space) -> Iterator[None]:
    """Let operators go over these coordinates: those of space."""
    token = _SPACE.set(names)
    try:
        yield
    finally:
        _SPACE.reset(token)


def current() -> Followed | None:
    """The arguments that are followed now, if some are."""
    return _CURRENT.get()


def followed() -> Followed:
    """The arguments that are followed now.

    Raises:
        NeedsFollowing: None are.
    """
    found = current()
    if found is None:
        raise NeedsFollowing
    return found


def space() -> Space:
    """Coordinates of space of the equation that is evaluated.

    Raises:
        InputError: None is.
    """
    names = _SPACE.get()
    if names is None:
        raise InputError("grad, div, laplace and curl go into equations, conditions and Solution.evaluate")
    return names


def plain(result: object, detached: bool) -> object:
    """Plain tensors in place of the expressions that a function returned, without their graph if wanted."""
    if isinstance(result, (list, tuple)):
        return (
            type(result)(plain(one, detached) for one in result) if type(result) in (list, tuple) else result
        )
    if not isinstance(result, Tensor):
        return result
    found = result.as_subclass(Tensor)
    return found.detach() if detached else found
