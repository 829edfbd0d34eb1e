"""Formula of a user's function: it is called once with symbols, which note what is done with them.

The formula is an expression in the syntax of Python, `u.t + u*u.x - 0.00318*u.xx`, and a tree of the module
`ast` while it is made.  What symbols do not know, such as a table or a branch, has no formula.  A formula is
then evaluated beside the function on random numbers, so that none is given out that says something else.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real

import torch
from torch import Tensor

from ..fields import Field, call_by_name, spell

FUNCTIONS = (
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "exp", "log", "sqrt", "abs",
)  # fmt: skip
BINARY = ("add", "sub", "mul", "div", "pow")
ALIASES = {
    "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div", "absolute": "abs",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
}  # fmt: skip
LARGEST = 120  # symbols and numbers of a formula that can still be read
CLOSE = 1e-9  # relative difference of a formula and its function by rounding


class NoFormulaError(Exception):
    """A symbol was used in a way that has no formula."""


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
    ) -> Symbol:
        name = func.__name__.strip("_")
        if kwargs and name not in ("ones_like", "zeros_like"):
            raise NoFormulaError(name)
        return _applied(name, [*args])

    def __getattr__(self, name: str) -> Callable[..., Symbol]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *others: _applied(name.strip("_"), [self, *others])

    def __add__(self, other: object) -> Symbol:
        return _binary("add", self, other)

    def __radd__(self, other: object) -> Symbol:
        return _binary("add", other, self)

    def __sub__(self, other: object) -> Symbol:
        return _binary("sub", self, other)

    def __rsub__(self, other: object) -> Symbol:
        return _binary("sub", other, self)

    def __mul__(self, other: object) -> Symbol:
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
        return Symbol(_negative(self.node), self.size)

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Symbol:
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


def _applied(name: str, arguments: list[object]) -> Symbol:
    """A function of PyTorch on symbols.

    Raises:
        NoFormulaError: It is none that has a formula.
    """
    name = ALIASES.get(name, name)
    if name in ("rsub", "rdiv", "rtruediv", "rpow"):
        swapped = {"rsub": "sub", "rdiv": "div", "rtruediv": "div", "rpow": "pow"}[name]
        return _binary(swapped, *reversed(arguments)) if len(arguments) == 2 else _refuse(name)
    if name in BINARY and len(arguments) == 2:
        return _binary(name, *arguments)
    if name in ("neg", "negative", "square", "reciprocal", "ones_like", "zeros_like") and len(arguments) == 1:
        one = arguments[0]
        return {
            "neg": lambda: _binary("sub", 0, one),
            "negative": lambda: _binary("sub", 0, one),
            "square": lambda: _binary("pow", one, 2),
            "reciprocal": lambda: _binary("div", 1, one),
            "ones_like": lambda: Symbol(_number(1)),
            "zeros_like": lambda: Symbol(_number(0)),
        }[name]()
    if name == "where" and len(arguments) == 3 and isinstance(arguments[0], Symbol):
        return Symbol(ast.Call(ast.Name(name), [*map(_node, arguments)], []), sum(map(_size, arguments)))
    if name in FUNCTIONS and len(arguments) == (2 if name == "atan2" else 1):
        return Symbol(ast.Call(ast.Name(name), [*map(_node, arguments)], []), sum(map(_size, arguments)))
    return _refuse(name)


def _compared(left: object, sign: ast.cmpop, right: object) -> Symbol:
    return Symbol(ast.Compare(_node(left), [sign], [_node(right)]), _size(left) + _size(right))


def _refuse(name: str) -> Symbol:
    raise NoFormulaError(name)


def _node(value: object) -> ast.expr:
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
    if isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value):
        return _number(int(value) if isinstance(value, Integral) else float(value))
    raise NoFormulaError(type(value).__name__)


def _size(value: object) -> int:
    """Number of symbols and numbers in an operand."""
    inner = value.value if isinstance(value, Field) else value
    return inner.size if isinstance(inner, Symbol) else 1


def _number(value: float) -> ast.expr:
    """A number; a negative one is a sign and its size."""
    size = ast.Constant(abs(value))
    return ast.UnaryOp(ast.USub(), size) if value < 0 else size


def _negative(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    return node if _is(node, 0) else ast.UnaryOp(ast.USub(), node)


def _is_negative(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _value(node: ast.Constant) -> float:
    assert isinstance(node.value, (int, float))
    return node.value


def _is(node: ast.expr, value: float) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def _binary(name: str, left: object, right: object) -> Symbol:
    """The sum, difference, product, quotient or power of two operands, without what changes nothing."""
    made: dict[str, Callable[[ast.expr, ast.expr], ast.expr]] = {
        "add": _sum, "sub": _difference, "mul": _product, "div": _quotient, "pow": _power,
    }  # fmt: skip
    size = _size(left) + _size(right)
    return Symbol(made[name](_node(left), _node(right)), size)


def _sum(a: ast.expr, b: ast.expr) -> ast.expr:
    if isinstance(a, ast.Constant) and isinstance(b, ast.Constant):
        return ast.Constant(_value(a) + _value(b))
    if _is(a, 0):
        return b
    if _is(b, 0):
        return a
    if _is_negative(b):
        return ast.BinOp(a, ast.Sub(), _negative(b))
    return ast.BinOp(a, ast.Add(), b)


def _difference(a: ast.expr, b: ast.expr) -> ast.expr:
    return _sum(a, _negative(b)) if not _is(b, 0) else a


def _product(a: ast.expr, b: ast.expr) -> ast.expr:
    """A product with its sign and its number in front: u.xx * -0.5 is -(0.5*u.xx)."""
    if _is_negative(a) or _is_negative(b):
        inner = _product(_positive(a), _positive(b))
        return inner if _is_negative(a) and _is_negative(b) else _negative(inner)
    (first, a_left), (second, b_left) = _split(a), _split(b)
    factor = first * second
    if factor == 0:
        return ast.Constant(0)
    rest = _rest(a_left, b_left)
    if rest is None or factor == 1:
        return ast.Constant(factor) if rest is None else rest
    return ast.BinOp(ast.Constant(factor), ast.Mult(), rest)


def _split(node: ast.expr) -> tuple[float, ast.expr | None]:
    """The number in front of a product, and what is left of it."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return value, None
        case ast.BinOp(left=ast.Constant(value=int() | float() as value), op=ast.Mult(), right=rest):
            return value, rest
    return 1, node


def _rest(a: ast.expr | None, b: ast.expr | None) -> ast.expr | None:
    """A product of what has no number in front."""
    if a is None or b is None:
        return a or b
    base, exponent = _as_power(a)
    if ast.dump(base) == ast.dump(b):  # u*u*u is u**3
        return ast.BinOp(base, ast.Pow(), ast.Constant(exponent + 1))
    if isinstance(b, ast.BinOp) and isinstance(b.op, ast.Mult):  # a*(b*c) is a*b*c
        return ast.BinOp(ast.BinOp(a, ast.Mult(), b.left), ast.Mult(), b.right)
    return ast.BinOp(a, ast.Mult(), b)


def _positive(node: ast.expr) -> ast.expr:
    return _negative(node) if _is_negative(node) else node


def _as_power(node: ast.expr) -> tuple[ast.expr, int]:
    """Base and whole exponent of an expression."""
    match node:
        case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=int(exponent))) if exponent > 0:
            return base, exponent
    return node, 1


def _quotient(a: ast.expr, b: ast.expr) -> ast.expr:
    if _is(b, 1):
        return a
    if _is_negative(a) != _is_negative(b):
        return _negative(_quotient(_positive(a), _positive(b)))
    return ast.BinOp(_positive(a), ast.Div(), _positive(b)) if _is_negative(a) else ast.BinOp(a, ast.Div(), b)


def _power(a: ast.expr, b: ast.expr) -> ast.expr:
    return a if _is(b, 1) else ast.BinOp(a, ast.Pow(), b)


def formulas(
    function: Callable[..., object],
    unknowns: Sequence[str],
    points: Mapping[str, Tensor],
    coefficients: Sequence[str] = (),
) -> list[str] | None:
    """Formulas of what a user's function returns, in the syntax of Python.

    Args:
        function: Of unknowns, coordinates and coefficients, matched by parameter name.
        unknowns: Names of the unknowns.
        points: Columns [N] of the coordinates by name, at which the formulas are tried.
        coefficients: Names of the coefficients.

    Returns:
        One formula for each expression, with derivatives as attributes (`u.xx`); None where there is none.
    """
    coordinates = tuple(points)

    def symbols(name: str) -> Callable[[tuple[int, ...]], Symbol]:
        base = ast.Name(name)
        return lambda index: Symbol(ast.Attribute(base, spell(index, coordinates)) if index else base)

    known: dict[str, object] = {name: Field(name, coordinates, symbols(name)) for name in unknowns}  # type: ignore[arg-type]
    known |= {name: Symbol(ast.Name(name)) for name in (*coordinates, *coefficients)}
    try:
        result = call_by_name(function, known, "the function")
        rows = result if isinstance(result, (tuple, list)) else (result,)
        trees = [_node(row) for row in rows]
        texts = [ast.unparse(tree) for tree in trees]
        return texts if _agree(function, texts, unknowns, points, coefficients) else None
    except Exception:  # of the user's function, to which a symbol is no tensor
        return None


def _agree(
    function: Callable[..., object],
    texts: Sequence[str],
    unknowns: Sequence[str],
    points: Mapping[str, Tensor],
    coefficients: Sequence[str],
) -> bool:
    """Test whether formulas have the values of their function, on random numbers."""
    generator = torch.Generator().manual_seed(7)
    count = len(next(iter(points.values())))
    drawn: dict[tuple[str, tuple[int, ...]], Tensor] = {}

    def channels(name: str) -> Callable[[tuple[int, ...]], Tensor]:
        def value(index: tuple[int, ...]) -> Tensor:
            if (name, index) not in drawn:
                drawn[name, index] = torch.rand(count, generator=generator, dtype=torch.float64) + 0.5
            return drawn[name, index]

        return value

    known: dict[str, object] = {name: Field(name, tuple(points), channels(name)) for name in unknowns}
    known |= {**points}
    known |= {name: torch.tensor(0.7 + 0.1 * i, dtype=torch.float64) for i, name in enumerate(coefficients)}
    result = call_by_name(function, known, "the function")
    rows = result if isinstance(result, (tuple, list)) else (result,)
    language = {name: getattr(torch, name) for name in (*FUNCTIONS, "where")}
    for row, text in zip(rows, texts, strict=True):
        theirs, ours = (
            _column(row, count),
            _column(eval(text, {"__builtins__": {}}, {**language, **known}), count),
        )
        if not torch.allclose(ours, theirs, rtol=CLOSE, atol=CLOSE * float(theirs.abs().max())):
            return False
    return True


def _column(value: object, count: int) -> Tensor:
    plain = value.value if isinstance(value, Field) else value
    return torch.as_tensor(plain, dtype=torch.float64).expand(count)
