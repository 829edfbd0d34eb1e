"""Fields: the values and derivatives of an unknown as they appear in an equation, by name.

An equation is an ordinary Python function, `lambda u: u.t + u * u.x - nu * u.xx`.  It is called with `Field`
objects.  A field behaves like the tensor of its values [N]; an attribute made of coordinate names, or
`u.d("x", "t")`, is the field of that derivative.  A derivative is identified by its multi-index: the sorted
tuple of coordinate positions, so that u.xt and u.tx are the same and u itself is ().  Where the numbers come
from is not the field's business: it asks a function, which may look them up in a Taylor jet or, to find
out what an equation needs, note the request.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from types import BuiltinMethodType
from typing import TypeAlias, TypeVar, cast
from weakref import WeakSet

import torch
from torch import Tensor

from ..derivatives.multi_index import MultiIndex
from ..errors import InputError
from .expressions import Followed, NeedsFollowing, follow, following, plain
from .functions.special import differentiable
from .mistakes import mistake

T = TypeVar("T")

Channels = Callable[[MultiIndex], Tensor]
Operand: TypeAlias = "Field | Tensor | complex"  # numbers and arrays of NumPy as well

POINTS_AT_ONCE = 8192  # points differentiated at a time, which bounds the memory of the graphs
RESERVED = ("d", "value", "at")  # attributes of a field, hence no coordinate names


def parse_derivative(text: str, names: Sequence[str]) -> MultiIndex | None:
    """Parse a string of coordinate names such as "xxt" to a multi-index; None when it is no such string.

    A coordinate's own name always means that coordinate.

    Raises:
        AttributeError: It spells two different ones ("xxx" with coordinates x and xx).
    """
    if text in names:
        return (names.index(text),)
    found = _parses(text, names)
    if len(found) > 1:
        meanings = " or ".join(f"d({', '.join(repr(names[i]) for i in index)})" for index in sorted(found))
        raise AttributeError(f"{text!r} is ambiguous: write {meanings}")
    return next(iter(found), None)


def _parses(text: str, names: Sequence[str]) -> set[MultiIndex]:
    if not text:
        return {()}
    return {
        tuple(sorted((position, *rest)))
        for position, name in enumerate(names)
        if text.startswith(name)
        for rest in _parses(text[len(name) :], names)
    }


class Field:
    """An unknown at N points: its values as a tensor [N], its derivatives as attributes.

    Args:
        name: The unknown's name, for messages.
        names: Coordinate names in the order of the domain.
        channels: Gives the tensor [N] of a multi-index.
        index: The derivative this field itself stands for.
    """

    __slots__ = ("_channels", "_index", "_name", "_names")
    __array_ufunc__ = None  # numpy leaves the arithmetic of its scalars and arrays with fields to us

    def __init__(self, name: str, names: Sequence[str], channels: Channels, index: MultiIndex = ()) -> None:
        self._name = name
        self._names = tuple(names)
        self._channels = channels
        self._index = index

    @property
    def value(self) -> Tensor:
        """Values [N] of the field."""
        return self._channels(self._index)

    def d(self, *names: str) -> Field:
        """The derivative with respect to the named coordinates, one order for each name.

        Raises:
            AttributeError: A name is not a coordinate of the problem.
        """
        index = list(self._index)
        for name in names:
            if name not in self._names:
                raise AttributeError(self._unknown_name(name))
            index.append(self._names.index(name))
        return self._of(tuple(sorted(index)))

    def _of(self, index: MultiIndex) -> Field:
        return type(self)(self._name, self._names, self._channels, index)

    def channel(self, index: MultiIndex) -> Tensor:
        """Values [N] of a derivative of the unknown itself."""
        return self._channels(index)

    def part(self, places: slice) -> Field:
        """The field at some of its points."""
        return Field(self._name, self._names, lambda index: self._channels(index)[places], self._index)

    def at(self, **places: Operand) -> Field:
        """Refuse another place, such as u.at(t=t - 1): only in the equation of a problem there is one."""
        raise InputError(
            f"{self!r}.at(...) is for the equation of a problem, and not beside diff, grad, div, laplace and "
            "curl; write derivatives by name there, such as u.x"
        )

    def __getattr__(self, text: str) -> Field:
        if text.startswith("__") or text in Field.__slots__:  # copying asks before the slots are filled
            raise AttributeError(text)
        try:
            index = parse_derivative(text, self._names)
        except AttributeError as error:
            raise AttributeError(f"{self._name}.{error}") from None
        if index is None:
            raise AttributeError(self._unknown_name(text))
        return self._of(tuple(sorted((*self._index, *index))))

    def _unknown_name(self, text: str) -> str:
        return (
            f"{self._name}.{text}, but {text!r} is not made of the coordinates {', '.join(self._names)}; "
            f"write for example {self._name}.{self._names[0]} or {self._name}.d({self._names[-1]!r})"
        )

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., object],
        types: object,
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        return func(*(_plain(a) for a in args), **{k: _plain(v) for k, v in (kwargs or {}).items()})

    # Arithmetic leaves the world of fields: the result is a plain tensor.
    def __add__(self, other: Operand) -> Tensor:
        return self.value + _operand(other)

    def __sub__(self, other: Operand) -> Tensor:
        return self.value - _operand(other)

    def __rsub__(self, other: Operand) -> Tensor:
        return _operand(other) - self.value

    def __mul__(self, other: Operand) -> Tensor:
        return self.value * _operand(other)

    def __truediv__(self, other: Operand) -> Tensor:
        return self.value / _operand(other)

    def __rtruediv__(self, other: Operand) -> Tensor:
        return _operand(other) / self.value

    def __pow__(self, other: Operand) -> Tensor:
        exponent = _operand(other)
        # Multiplication is exact where pow, and its derivative, go through logarithms.
        if isinstance(exponent, int) and 1 <= exponent <= 4:
            value = self.value
            power = value
            for _ in range(exponent - 1):
                power = power * value
            return power
        return self.value**exponent

    def __rpow__(self, other: Operand) -> Tensor:
        return _operand(other) ** self.value

    def __neg__(self) -> Tensor:
        return -self.value

    def __pos__(self) -> Tensor:
        return self.value

    def __abs__(self) -> Tensor:
        return self.value.abs()

    def __lt__(self, other: Operand) -> Tensor:
        return self.value < _operand(other)

    def __le__(self, other: Operand) -> Tensor:
        return self.value <= _operand(other)

    def __gt__(self, other: Operand) -> Tensor:
        return self.value > _operand(other)

    def __ge__(self, other: Operand) -> Tensor:
        return self.value >= _operand(other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"{self._name}.{spell(self._index, self._names)}" if self._index else self._name


def _plain(value: object) -> object:
    if isinstance(value, Field):
        return value.value
    if isinstance(value, (list, tuple)):  # torch.stack([u, v]), torch.maximum((u, v)) ...
        return type(value)(_plain(v) for v in value)
    return value


def _operand(value: Operand) -> Tensor | complex:
    return value.value if isinstance(value, Field) else value


def spell(index: MultiIndex, names: Sequence[str]) -> str:
    """The name of a derivative: (0, 0, 1) -> "xxt"."""
    return "".join(names[i] for i in index)


@lru_cache(maxsize=256)  # an equation is called at every evaluation
def parameter_names(function: Callable[..., object], what: str = "the function") -> tuple[str, ...]:
    """Names of the parameters of a user's function, by which arguments are matched.

    Args:
        function: The user's function; parameters with a default value are left alone.
        what: How to call the function in a message.

    Raises:
        InputError: It has parameters without a name of their own, as built-in functions do.
    """
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:  # a built-in without a signature
        parameters = []
        nameless = True
    else:
        nameless = any(p.kind not in named for p in parameters)
    if nameless:
        raise InputError(
            f"{what} is {function!r}, whose parameters have no names to match; "
            "wrap it in a function that names them, such as lambda x: torch.sin(x)"
        )
    return tuple(p.name for p in parameters if p.default is inspect.Parameter.empty)


def call_by_name(function: Callable[..., T], known: Mapping[str, object], what: str) -> T:
    """Call a user's function with the arguments it names.

    Args:
        function: The user's function; parameters with a default value are left alone.
        known: Arguments by name: unknowns, coordinates, coefficients.
        what: How to call the function in a message.

    Raises:
        InputError: The function asks for a name that is not known, or contains a mistake.
    """
    names = parameter_names(function, what)
    for name in names:
        if name not in known:
            raise InputError(
                f"{what} asks for {name!r}, which is none of {', '.join(known)}; rename the parameter"
            )
    try:
        if function in _FOLLOWED:
            return _followed(function, names, known)
        found = function(**{name: known[name] for name in names})
        if isinstance(found, BuiltinMethodType):  # the attribute t of a tensor
            raise TypeError(f"it returned {found.__name__}, a builtin_function_or_method")
        return found
    except RuntimeError:  # of torch: may be a mistake too, or memory; `mistake` is for those who know
        raise
    except Exception as error:
        if function not in _FOLLOWED and _differentiates(error, known):
            with suppress(AttributeError, TypeError):
                found = _followed(function, names, known)
                _FOLLOWED.add(function)
                return found
        raise mistake(what, error) from error


_FOLLOWED: WeakSet[Callable[..., object]] = WeakSet()  # functions that differentiate expressions


def _differentiates(error: Exception, known: Mapping[str, object]) -> bool:
    """Return whether a function failed as it asks for derivatives of an expression, which tensors lack."""
    text = str(error)
    missing = isinstance(error, AttributeError) and text.startswith("'Tensor' object has no attribute")
    method = isinstance(error, TypeError) and "builtin_function_or_method" in text  # of tensors: .t
    asked = any(isinstance(value, Field) for value in known.values()) and (missing or method)
    return asked or isinstance(error, NeedsFollowing)


def _followed(function: Callable[..., T], names: Sequence[str], known: Mapping[str, object]) -> T:
    """Call a function with arguments that autograd follows, so that it can differentiate expressions.

    Raises:
        InputError: There is no unknown among the arguments.
    """
    fields = [value for value in known.values() if isinstance(value, Field)]
    if not fields:
        raise InputError(
            "diff, grad, div, laplace and curl go where there are unknowns, such as in equations"
        )
    coordinates = fields[0]._names
    values = [follow(cast("Tensor", known[name])) for name in coordinates]
    arguments = Followed(coordinates, tuple(values), parse_derivative)
    given = {
        name: Field(v._name, v._names, arguments.channels(v._name, v._channels), v._index)
        if isinstance(v, Field)
        else v
        for name, v in known.items()
    } | dict(zip(coordinates, values, strict=True))
    arguments.live = any(isinstance(v, Tensor) and v.requires_grad for v in known.values())
    within = torch.is_grad_enabled()
    with following(arguments), differentiable():
        found = _plain(function(**{name: given[name] for name in names}))
        return cast("T", plain(found, detached=not (within and arguments.live)))


def derivatives(
    function: Callable[[Tensor], Tensor], points: Tensor, indices: Sequence[MultiIndex]
) -> list[Tensor]:
    """Derivatives of a function of the coordinates, by reverse mode applied again and again.

    That needs no functorch, whose first call imports SymPy and takes seconds.

    Args:
        function: Maps points [N, d] to values [N] or [N, m], point by point.
        points: [N, d].
        indices: Multi-indices.

    Returns:
        One tensor for each multi-index, shaped like the values, without a graph.
    """
    chunks = [_derivatives(function, x, indices) for x in points.detach().split(POINTS_AT_ONCE)]
    return [torch.cat(parts) for parts in zip(*chunks, strict=True)]


def _derivatives(
    function: Callable[[Tensor], Tensor], points: Tensor, indices: Sequence[MultiIndex]
) -> list[Tensor]:
    with torch.enable_grad():
        x = points.clone().requires_grad_()
        known: dict[MultiIndex, Tensor] = {(): function(x)}
        gradients: dict[MultiIndex, Tensor] = {}  # one pass serves all coordinates
        highest = max((len(index) for index in indices), default=0)

        def along(index: MultiIndex) -> Tensor:
            if index not in known:
                lower = index[:-1]
                if lower not in gradients:
                    gradients[lower] = _gradient(along(lower), x, again=len(index) < highest)
                known[index] = gradients[lower][..., index[-1]]
            return known[index]

        return [along(tuple(index)).detach() for index in indices]


def _gradient(values: Tensor, x: Tensor, again: bool = True) -> Tensor:
    """The gradients [N, d] or [N, m, d] of values [N] or [N, m] with respect to x [N, d].

    With a graph if they are to be differentiated again.
    """
    if not values.requires_grad:
        return values.new_zeros(*values.shape, x.shape[1])
    columns = [values] if values.ndim == 1 else list(values.unbind(1))
    gradients = [
        torch.autograd.grad(column.sum(), x, retain_graph=True, create_graph=again, materialize_grads=True)[0]
        for column in columns
    ]
    return gradients[0] if values.ndim == 1 else torch.stack(gradients, 1)


def slope(function: Callable[[Tensor], Tensor], points: Tensor, axis: int) -> Tensor:
    """The derivative of a function [N, d] -> [N] along a coordinate, itself differentiable in the points."""
    if torch._C._get_tracing_state() is not None:
        raise InputError(
            "torch.jit.trace would record the derivative that this solution's ansatz contains for one number "
            "of points only; use torch.export.export"
        )
    if torch._C._functorch.is_functorch_wrapped_tensor(points):  # reverse mode would drop the tangents
        tangent = torch.zeros_like(points)
        tangent[:, axis] = 1.0
        derivative: Tensor = torch.func.jvp(function, (points,), (tangent,))[1]
        return derivative
    with torch.enable_grad():
        x = points if points.requires_grad else points.detach().requires_grad_()
        out = _gradient(function(x), x)[:, axis]
    return out if points.requires_grad else out.detach()
