"""Trees of formulas, as those of the module `ast`, without what changes nothing: no u*1, u + 0 or u - -v."""

from __future__ import annotations

import ast

from ...derivatives.multi_index import MultiIndex
from ..fields import parse_derivative, spell


def number(value: complex) -> ast.expr:
    """A number: a negative one is a sign and its size, a complex one the sum of its parts."""
    if isinstance(value, complex):
        imaginary = product(number(value.imag), ast.Constant(1j))
        return total(number(value.real), imaginary)
    size = ast.Constant(abs(value))
    return ast.UnaryOp(ast.USub(), size) if value < 0 else size


def negative(node: ast.expr) -> ast.expr:
    """The expression with the other sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    return node if equals(node, 0) else ast.UnaryOp(ast.USub(), node)


def _is_negative(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def equals(node: ast.expr, value: float) -> bool:
    """Test for a number."""
    return isinstance(node, ast.Constant) and node.value == value


def total(a: ast.expr, b: ast.expr) -> ast.expr:
    """The sum."""
    match a, b:
        case ast.Constant(value=int() | float() as first), ast.Constant(value=int() | float() as second):
            return ast.Constant(first + second)
    if equals(a, 0):
        return b
    if equals(b, 0):
        return a
    if _is_negative(b):
        return ast.BinOp(a, ast.Sub(), negative(b))
    return ast.BinOp(a, ast.Add(), b)


def difference(a: ast.expr, b: ast.expr) -> ast.expr:
    """The difference."""
    return total(a, negative(b)) if not equals(b, 0) else a


def product(a: ast.expr, b: ast.expr) -> ast.expr:
    """A product with its sign and its number in front: u.xx * -0.5 is -(0.5*u.xx)."""
    if _is_negative(a) or _is_negative(b):
        inner = product(_positive(a), _positive(b))
        return inner if _is_negative(a) and _is_negative(b) else negative(inner)
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
    if isinstance(b, ast.Constant):  # u*i is i*u
        a, b = b, a
    base, exponent = _as_power(a)
    if ast.dump(base) == ast.dump(b):  # u*u*u is u**3
        return ast.BinOp(base, ast.Pow(), ast.Constant(exponent + 1))
    if isinstance(b, ast.BinOp) and isinstance(b.op, ast.Mult):  # a*(b*c) is a*b*c
        return ast.BinOp(ast.BinOp(a, ast.Mult(), b.left), ast.Mult(), b.right)
    return ast.BinOp(a, ast.Mult(), b)


def _positive(node: ast.expr) -> ast.expr:
    return negative(node) if _is_negative(node) else node


def _as_power(node: ast.expr) -> tuple[ast.expr, int]:
    """Base and whole exponent of an expression."""
    match node:
        case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=int(exponent))) if exponent > 0:
            return base, exponent
    return node, 1


def quotient(a: ast.expr, b: ast.expr) -> ast.expr:
    """The quotient, with its sign in front."""
    if equals(b, 1) or equals(a, 0):
        return a
    if _is_negative(a) != _is_negative(b):
        return negative(quotient(_positive(a), _positive(b)))
    return ast.BinOp(_positive(a), ast.Div(), _positive(b)) if _is_negative(a) else ast.BinOp(a, ast.Div(), b)


def power(a: ast.expr, b: ast.expr) -> ast.expr:
    """The power."""
    return a if equals(b, 1) else ast.BinOp(a, ast.Pow(), b)


def slope(node: ast.expr, by: MultiIndex, names: tuple[str, ...], unknowns: tuple[str, ...]) -> ast.expr:
    """Derivative of an expression by coordinates, such as (k*u.x).x, with its number in front.

    Args:
        node: The expression.
        by: Positions of the coordinates.
        names: The coordinates.
        unknowns: Names of the unknown functions; other names are coordinates and numbers.
    """
    if _is_negative(node):
        return negative(slope(_positive(node), by, names, unknowns))
    factor, rest = _split(node)
    match rest:
        case None:
            return number(0)
        case ast.Name(id=name) if name not in unknowns:
            return number(factor) if by == (names.index(name) if name in names else -1,) else number(0)
        case ast.Attribute(value=inner, attr=attribute):
            rest, by = inner, (*(parse_derivative(attribute, names) or ()), *by)
    derived = ast.Attribute(rest, spell(tuple(sorted(by)), names))
    return derived if factor == 1 else ast.BinOp(ast.Constant(factor), ast.Mult(), derived)
