"""Symbols in place of the arguments of a user's function, which note what is done with them.

A symbol is a tree of the module `ast`, an expression in the syntax of Python: `u.t + u*u.x - 0.00318*u.xx`.
"""

from __future__ import annotations

import ast
import cmath
import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from numbers import Complex, Integral
from typing import Any

import torch
from torch import Tensor

from ..expressions import current
from ..fields import Field
from . import trees

FUNCTIONS: dict[str, tuple[Callable[..., Tensor], int]] = {
    **{
        name: (getattr(torch, name), 1)
        for name in (
            *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log", "sqrt"),
            *("abs", "sign", "erf", "erfc", "real", "imag", "conj"),
        )
    },
    **{name: (getattr(torch, name), 2) for name in ("atan2", "maximum", "minimum")},
    **{name: (getattr(torch.special, name), 1) for name in ("bessel_j0", "bessel_j1", "spherical_bessel_j0")},
}  # those with a notation, and how many arguments they have
BINARY = {
    "add": trees.total, "sub": trees.difference, "mul": trees.product, "div": trees.quotient,
    "pow": trees.power,
}  # fmt: skip
WRITTEN: dict[str, tuple[int, Callable[..., ast.expr]]] = {
    "neg": (1, trees.negative),
    "negative": (1, trees.negative),
    "square": (1, lambda a: trees.power(a, trees.number(2))),
    "reciprocal": (1, lambda a: trees.quotient(trees.number(1), a)),
    "ones_like": (1, lambda _: trees.number(1)),
    "zeros_like": (1, lambda _: trees.number(0)),
    "full_like": (2, lambda _, value: value),
    "complex": (2, lambda a, b: trees.total(a, trees.product(ast.Constant(1j), b))),
}  # how many arguments, and what becomes of them
ALIASES = {
    "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div", "absolute": "abs",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "conj_physical": "conj",
    "max": "maximum", "min": "minimum",
}  # fmt: skip
LIKE = ("ones_like", "zeros_like", "full_like")  # constants, of a dtype and on a device
SAME = ("detach", "clone", "contiguous", "double", "to")  # methods that change no value
LARGEST = 120  # symbols and numbers of a formula that can still be read


class NoFormulaError(Exception):
    """A symbol was used in a way that has no formula."""


class Stack(tuple[Any, ...]):
    """Expressions that were stacked to be added."""

    def sum(self, dim: int) -> Symbol:
        """Their sum; that along another direction is refused by its value, which is compared."""
        found: Symbol = functools.reduce(operator.add, self)
        return found


class Symbol:
    """An expression of unknowns and coordinates in place of its values.

    Args:
        node: The expression.
        size: Number of symbols and numbers in it.

    Raises:
        NoFormulaError: It is too long to be read.  (Parts of it are shared: written out it can be longer than
            any memory, and is stopped before.)
    """

    dtype, device = torch.float64, torch.device("cpu")  # users give them to constants
    __array_ufunc__ = None  # NumPy leaves the arithmetic of its scalars with symbols to us

    def __init__(self, node: ast.expr, size: int = 1) -> None:
        if size > LARGEST:
            raise NoFormulaError("too long")
        self.node, self.size = node, size

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., object],
        types: object,
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> Any:
        name = func.__name__.strip("_")
        if kwargs and name not in LIKE:
            raise NoFormulaError(name)
        return _applied(name, [*args])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        known = current()
        index = None if known is None else known.spelled(name)
        if known is not None and index is not None:
            return known.derivative(self, index)
        if name in ("real", "imag"):
            return _applied(name, [self])
        return lambda *others: _applied(name.strip("_"), [self, *others])

    def __add__(self, other: object) -> Symbol:
        return _binary("add", self, other)

    def __radd__(self, other: object) -> Symbol:
        return _binary("add", other, self)

    def __sub__(self, other: object) -> Symbol:
        return _binary("sub", self, other)

    def __rsub__(self, other: object) -> Symbol:
        return _binary("sub", other, self)

    def __mul__(self, other: object) -> Any:
        if isinstance(other, tuple):  # a vector multiplies its components
            return NotImplemented
        return _binary("mul", self, other)

    def __rmul__(self, other: object) -> Symbol:
        return _binary("mul", other, self)

    def __truediv__(self, other: object) -> Symbol:
        return _binary("div", self, other)

    def __rtruediv__(self, other: object) -> Symbol:
        return _binary("div", other, self)

    def __pow__(self, other: object) -> Symbol:
        return _binary("pow", self, other)

    def __rpow__(self, other: object) -> Symbol:
        return _binary("pow", other, self)

    def __neg__(self) -> Symbol:
        return Symbol(trees.negative(self.node), self.size)

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Any:
        return _applied("abs", [self])

    def __lt__(self, other: object) -> Symbol:
        return _compared(self, ast.Lt(), other)

    def __le__(self, other: object) -> Symbol:
        return _compared(self, ast.LtE(), other)

    def __gt__(self, other: object) -> Symbol:
        return _compared(self, ast.Gt(), other)

    def __ge__(self, other: object) -> Symbol:
        return _compared(self, ast.GtE(), other)

    def __bool__(self) -> bool:
        raise NoFormulaError("a branch")

    def __float__(self) -> float:
        raise NoFormulaError("a number")


def _applied(name: str, arguments: list[object]) -> Any:
    """A function of PyTorch on symbols.

    Raises:
        NoFormulaError: It is none that has a formula.
    """
    name = name.removeprefix("special_")
    name = ALIASES.get(name, name)
    if name in ("rsub", "rdiv", "rtruediv", "rpow"):
        swapped = {"rsub": "sub", "rdiv": "div", "rtruediv": "div", "rpow": "pow"}[name]
        return _binary(swapped, *reversed(arguments)) if len(arguments) == 2 else _refuse(name)
    if name in BINARY and len(arguments) == 2:
        return _binary(name, *arguments)
    written = WRITTEN.get(name)
    if written is not None and len(arguments) == written[0]:
        return Symbol(written[1](*map(node_of, arguments)), sum(map(size_of, arguments)))
    if name in SAME and isinstance(arguments[0], Symbol):
        return arguments[0]
    if name == "stack" and len(arguments) <= 2 and isinstance(arguments[0], (list, tuple)):
        return Stack(arguments[0])
    choice = name == "where" and len(arguments) == 3 and isinstance(arguments[0], Symbol)
    if choice or (name in FUNCTIONS and len(arguments) == FUNCTIONS[name][1]):
        if all(isinstance(node_of(argument), ast.Constant) for argument in arguments):
            return _number(name, arguments)
        return call(ast.Name(name), arguments)
    return _refuse(name)


def _number(name: str, arguments: Sequence[object]) -> Symbol:
    """The value of a function of numbers."""
    values = [eval(ast.unparse(node_of(argument)), {"__builtins__": {}}) for argument in arguments]
    found = FUNCTIONS[name][0](*(torch.as_tensor(value + 0.0) for value in values)).item()
    return Symbol(trees.number(found))


def call(function: ast.expr, arguments: Sequence[object], **named: object) -> Symbol:
    """A call of a function with symbols and numbers."""
    keywords = [ast.keyword(name, node_of(value)) for name, value in named.items()]
    nodes = [node_of(argument) for argument in arguments]
    return Symbol(ast.Call(function, nodes, keywords), sum(map(size_of, (*arguments, *named.values()))))


def _compared(left: object, sign: ast.cmpop, right: object) -> Symbol:
    return Symbol(ast.Compare(node_of(left), [sign], [node_of(right)]), size_of(left) + size_of(right))


def _refuse(name: str) -> Symbol:
    raise NoFormulaError(name)


def node_of(value: object) -> ast.expr:
    """A symbol, a field of symbols or a number as an expression.

    Raises:
        NoFormulaError: It is something else.
    """
    if isinstance(value, Field):
        value = value.value
    if isinstance(value, Symbol):
        return value.node
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if isinstance(value, Complex) and not isinstance(value, bool) and cmath.isfinite(value):
        if isinstance(value, Integral):
            return trees.number(int(value))
        plain = complex(value)
        return trees.number(plain if plain.imag else plain.real)
    raise NoFormulaError(type(value).__name__)


def size_of(value: object) -> int:
    """Number of symbols and numbers in an operand."""
    inner = value.value if isinstance(value, Field) else value
    return inner.size if isinstance(inner, Symbol) else 1


def _binary(name: str, left: object, right: object) -> Symbol:
    """The sum, difference, product, quotient or power of two operands, without what changes nothing."""
    return Symbol(BINARY[name](node_of(left), node_of(right)), size_of(left) + size_of(right))
