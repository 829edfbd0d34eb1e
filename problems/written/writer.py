"""Translation of a formula in the syntax of Python to a notation; a word that is not known has none."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from typing import NamedTuple

from .numerals import Numeral, numeral
from .statement import INTEGRAL, JUMP, NORMAL
from .symbols import FUNCTIONS

NEGATIVE, SUM, QUOTIENT, PRODUCT, POWER, ATOM = range(6)  # what binds how tightly

COMPARED: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


class Part(NamedTuple):
    """A piece of a formula in some notation, and how tightly it binds."""

    text: str
    binds: int
    is_number: bool = False


class Range(NamedTuple):
    """A variable of an integral, with its limits where they are not the domain's."""

    variable: str
    limits: tuple[Part, Part] | None


class UnknownNotationError(ValueError):
    """A formula holds something that has no notation."""


class Writer(ABC):
    """A notation for formulas."""

    def write(self, formula: str) -> str | None:
        """Notation of a formula, None where a part of it has none.

        Args:
            formula: An expression in the syntax of Python, such as "u.t + u*u.x".
        """
        try:
            return self._part(ast.parse(formula, mode="eval").body).text
        except (UnknownNotationError, SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    # -- the notation ----------------------------------------------------------------------------------------

    @abstractmethod
    def name(self, name: str) -> str:
        """A name."""

    @abstractmethod
    def number(self, value: Numeral) -> Part:
        """A number that is not negative."""

    @abstractmethod
    def derivative(self, of: str, coordinates: str) -> str:
        """A partial derivative of what is written already."""

    @abstractmethod
    def at(self, of: str, place: str) -> str:
        """A value at another place."""

    @abstractmethod
    def integral(self, inside: Part, over: list[Range]) -> str:
        """An integral over variables."""

    @abstractmethod
    def normal_derivative(self, name: str) -> str:
        """The outward normal derivative."""

    @abstractmethod
    def jump(self, inside: str) -> str:
        """The difference of the values on both sides of a surface."""

    @abstractmethod
    def call(self, function: str, arguments: list[Part]) -> Part:
        """A function of `FUNCTIONS` with its arguments."""

    @abstractmethod
    def joined(self, left: str, sign: str, right: str) -> str:
        """Two parts with a sign between them: "+", "-", a comparison, or "" in a product."""

    @abstractmethod
    def quotient(self, above: Part, below: Part) -> Part:
        """A quotient."""

    @abstractmethod
    def power(self, base: str, exponent: Part) -> str:
        """A power."""

    @abstractmethod
    def cases(self, test: str, yes: str, no: str) -> str:
        """A choice between two values by a comparison."""

    @abstractmethod
    def listed(self, texts: list[str]) -> str:
        """Parts with commas between them."""

    @abstractmethod
    def enclosed(self, text: str) -> str:
        """A part in parentheses."""

    # -- the structure ---------------------------------------------------------------------------------------

    def at_least(self, part: Part, binds: int) -> str:
        """A part, in parentheses unless it binds as tightly as that."""
        return part.text if part.binds >= binds else self.enclosed(part.text)

    def _part(self, node: ast.expr) -> Part:
        match node:
            case ast.Name(id=name):
                return Part(self.name(name), ATOM)
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool) and value >= 0:
                return self.number(numeral(value))
            case ast.Constant(value=1j):
                return Part(self.name("i"), ATOM)
            case ast.Attribute(value=inner, attr=coordinates):
                return Part(self.derivative(self.at_least(self._part(inner), ATOM), coordinates), ATOM)
            case ast.Call(func=ast.Attribute(value=inner, attr="at"), args=[], keywords=places) if places:
                return Part(self.at(self._part(inner).text, self._place(places)), ATOM)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return Part(self.joined("", "-", self.at_least(self._part(inner), QUOTIENT)), NEGATIVE)
            case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
                return self._called(function, arguments)
            case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in COMPARED:
                sides = self._part(left).text, self._part(right).text
                return Part(self.joined(sides[0], COMPARED[type(sign)], sides[1]), NEGATIVE)
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(self._part(left), op, self._part(right))
        raise UnknownNotationError(type(node).__name__)

    def _called(self, function: str, arguments: list[ast.expr]) -> Part:
        match (function, arguments):
            case (name, [ast.Name(id=unknown)]) if name == NORMAL:
                return Part(self.normal_derivative(unknown), ATOM)
            case (name, [inner]) if name == JUMP:
                return Part(self.jump(self._part(inner).text), ATOM)
            case (name, [inner, *over]) if name == INTEGRAL and over:
                return Part(self.integral(self._part(inner), [self._range(one) for one in over]), QUOTIENT)
            case ("where", [test, yes, no]):
                parts = (self._part(node).text for node in (test, yes, no))
                return Part(self.cases(*parts), ATOM)
        if function not in FUNCTIONS:
            raise UnknownNotationError(function)
        return self.call(function, [self._part(argument) for argument in arguments])

    def _range(self, node: ast.expr) -> Range:
        match node:
            case ast.Name(id=name):
                return Range(self.name(name), None)
            case ast.Tuple(elts=[ast.Name(id=name), low, high]):
                return Range(self.name(name), (self._part(low), self._part(high)))
        raise UnknownNotationError(type(node).__name__)

    def _place(self, places: list[ast.keyword]) -> str:
        """Coordinates of a place, without the name of one that its value shows, as in u(t - 1)."""
        if len(places) == 1:
            names = {node.id for node in ast.walk(places[0].value) if isinstance(node, ast.Name)}
            if places[0].arg in names:
                return self._part(places[0].value).text
        words = [(self.name(str(p.arg)), self._part(p.value).text) for p in places]
        return self.listed([self.joined(name, "=", value) for name, value in words])

    def _binary(self, a: Part, op: ast.operator, b: Part) -> Part:
        match op:
            case ast.Add():
                return Part(self.joined(a.text, "+", self.at_least(b, SUM)), SUM)
            case ast.Sub():
                return Part(self.joined(a.text, "-", self.at_least(b, QUOTIENT)), SUM)
            case ast.Mult():
                sign = "*" if b.is_number else ""
                return Part(self.joined(self.at_least(a, PRODUCT), sign, self.at_least(b, PRODUCT)), PRODUCT)
            case ast.Div():
                return self.quotient(a, b)
            case ast.Pow():
                return Part(self.power(self.at_least(a, ATOM), b), POWER)
        raise UnknownNotationError(type(op).__name__)


def is_rounded(formula: str) -> bool:
    """Test whether a number of a formula is written with fewer digits than it has."""
    constants = (n.value for n in ast.walk(ast.parse(formula)) if isinstance(n, ast.Constant))
    return any(isinstance(value, (int, float)) and not numeral(abs(value)).exact for value in constants)
