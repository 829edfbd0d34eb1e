"""Formulas as a line of text: u_t + u u_x - (0.01/pi) u_xx = 0."""

from __future__ import annotations

from .numerals import Numeral
from .writer import ATOM, POWER, PRODUCT, QUOTIENT, Part, Range, Writer

NAMES = {
    "maximum": "max",
    "minimum": "min",
    "real": "Re",
    "imag": "Im",
    "bessel_j0": "J_0",
    "bessel_j1": "J_1",
    "spherical_bessel_j0": "j_0",
}


class Plain(Writer):
    """Notation of a terminal, in ASCII."""

    def name(self, name: str) -> str:
        """The name itself."""
        return name

    def number(self, value: Numeral) -> Part:
        """Digits, with e for a power of ten and the word pi."""
        digits = value.digits + (f"e{value.ten}" if value.ten else "")
        if value.pi < 0:
            return Part(f"{digits}/pi", QUOTIENT, True)
        if value.pi:
            power = "pi" if value.pi == 1 else f"pi^{value.pi}"
            return Part(power if digits == "1" else f"{digits} {power}", PRODUCT, digits != "1")
        return Part(digits, QUOTIENT if "/" in digits else ATOM, True)

    def derivative(self, of: str, coordinates: str) -> str:
        """Coordinates as an index, u_xx."""
        return f"{of}_{coordinates}"

    def at(self, of: str, place: str) -> str:
        """Parentheses, as those of the arguments of a function."""
        return f"{of}({place})"

    def integral(self, inside: Part, over: list[Range]) -> str:
        """The word int with its limits."""
        signs = [
            "int" if one.limits is None else "int_{}^{}".format(*(self.at_least(p, ATOM) for p in one.limits))
            for one in over
        ]
        return " ".join([*signs, self.at_least(inside, QUOTIENT), *(f"d{one.variable}" for one in over)])

    def normal_derivative(self, name: str) -> str:
        """The quotient du/dn."""
        return f"d{name}/dn"

    def jump(self, inside: str) -> str:
        """Brackets."""
        return f"[{inside}]"

    def call(self, function: str, arguments: list[Part]) -> Part:
        """The name and its arguments."""
        return Part(f"{NAMES.get(function, function)}({self.listed([p.text for p in arguments])})", ATOM)

    def joined(self, left: str, sign: str, right: str) -> str:
        """Parts beside each other."""
        if not left:
            return sign + right
        return f"{left} {sign} {right}" if sign else f"{left} {right}"

    def quotient(self, above: Part, below: Part) -> Part:
        """A slash."""
        return Part(f"{self.at_least(above, PRODUCT)}/{self.at_least(below, POWER)}", QUOTIENT)

    def power(self, base: str, exponent: Part) -> str:
        """A caret."""
        return f"{base}^{self.at_least(exponent, ATOM)}"

    def cases(self, test: str, yes: str, no: str) -> str:
        """The two values in words."""
        return f"({yes} where {test}, else {no})"

    def listed(self, texts: list[str]) -> str:
        """Commas."""
        return ", ".join(texts)

    def enclosed(self, text: str) -> str:
        """Parentheses."""
        return f"({text})"


def as_text(left: str, right: str = "0") -> str | None:
    """The equation left = right as a line of text; None where a part has no notation.

    Args:
        left: A formula in the syntax of Python.
        right: Another one.
    """
    sides = [Plain().write(side) for side in (left, right)]
    return None if None in sides else " = ".join(map(str, sides))
