"""Formulas as MathML Core, which browsers typeset by themselves."""

from __future__ import annotations

import re
from html import escape

from .numerals import Numeral
from .writer import ATOM, POWER, PRODUCT, QUOTIENT, Part, Range, Writer

LETTERS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi "
    "pi rho sigma tau phi chi psi omega"
)
GREEK = dict(zip(LETTERS.split(), "αβγδεζηθικλμνξπρστφχψω", strict=True))
SIGNS = {
    "+": "+",
    "-": "−",
    "=": "=",
    "*": "·",
    "": "\u2062",
    "<": "&lt;",
    "<=": "≤",
    ">": "&gt;",
    ">=": "≥",
}  # the last is a product that is not seen
NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "log": "ln", "sign": "sgn",
    "maximum": "max", "minimum": "min", "real": "Re", "imag": "Im", "bessel_j0": "J₀", "bessel_j1": "J₁",
    "spherical_bessel_j0": "j₀",
}  # fmt: skip


class MathML(Writer):
    """Notation of a browser; names and numbers are escaped."""

    def name(self, name: str) -> str:
        """The name, a Greek letter where it is one, digits at its end as an index."""
        found = re.fullmatch(r"([^\W\d_]+)_?(\d+|[^\W\d_])?", name)
        stem, index = (found[1], found[2]) if found else (name, None)
        letter = f"<mi>{GREEK.get(stem, escape(stem))}</mi>"
        return letter if index is None else f"<msub>{letter}{_letters(index)}</msub>"

    def number(self, value: Numeral) -> Part:
        """Digits, fractions, powers of ten and of pi."""
        above, _, below = value.digits.partition("/")
        factors = [f"<mn>{above}</mn>"]
        if value.ten:
            ten = f"<msup><mn>10</mn>{_signed(value.ten)}</msup>"
            factors = [ten] if above == "1" else [*factors, "<mo>×</mo>", ten]
        if value.pi > 0:
            pi = "<mi>π</mi>" if value.pi == 1 else f"<msup><mi>π</mi><mn>{value.pi}</mn></msup>"
            factors = [pi] if value.digits == "1" and not value.ten else [*factors, pi]
        text = f"<mrow>{''.join(factors)}</mrow>" if len(factors) > 1 else factors[0]
        if below or value.pi < 0:
            return Part(f"<mfrac>{text}{f'<mn>{below}</mn>' if below else '<mi>π</mi>'}</mfrac>", ATOM, True)
        return Part(text, PRODUCT if len(factors) > 1 or value.ten else ATOM, not text.startswith("<mi>"))

    def derivative(self, of: str, coordinates: str) -> str:
        """Coordinates as an index."""
        return f"<msub>{of}{_letters(coordinates)}</msub>"

    def at(self, of: str, place: str) -> str:
        """Parentheses, as those of the arguments of a function."""
        return f"<mrow>{of}{self.enclosed(place)}</mrow>"

    def integral(self, inside: Part, over: list[Range]) -> str:
        """The sign with its limits."""
        signs = [
            "<mo>∫</mo>"
            if one.limits is None
            else "<msubsup><mo>∫</mo><mrow>{}</mrow><mrow>{}</mrow></msubsup>".format(
                *(p.text for p in one.limits)
            )
            for one in over
        ]
        ends = [f"<mspace width='0.2em'/><mi>d</mi>{one.variable}" for one in over]
        return f"<mrow>{''.join(signs)}{self.at_least(inside, QUOTIENT)}{''.join(ends)}</mrow>"

    def normal_derivative(self, name: str) -> str:
        """The fraction of the differentials of u and n."""
        return f"<mfrac><mrow><mo>∂</mo>{self.name(name)}</mrow><mrow><mo>∂</mo><mi>n</mi></mrow></mfrac>"

    def jump(self, inside: str) -> str:
        """Double brackets."""
        return f"<mrow><mo>⟦</mo>{inside}<mo>⟧</mo></mrow>"

    def call(self, function: str, arguments: list[Part]) -> Part:
        """Roots, bars and powers of e; the name and its arguments else."""
        inside = self.listed([part.text for part in arguments])
        if function == "sqrt":
            return Part(f"<msqrt>{inside}</msqrt>", POWER)
        if function == "abs":
            return Part(f"<mrow><mo>|</mo>{inside}<mo>|</mo></mrow>", ATOM)
        if function == "conj":
            return Part(f"<mover><mrow>{inside}</mrow><mo>¯</mo></mover>", ATOM)
        if function == "exp":
            return Part(f"<msup><mi>e</mi><mrow>{inside}</mrow></msup>", POWER)
        return Part(f"<mrow><mi>{NAMES.get(function, function)}</mi>{self.enclosed(inside)}</mrow>", ATOM)

    def joined(self, left: str, sign: str, right: str) -> str:
        """Parts in a row, with the sign as an operator."""
        return f"<mrow>{left}<mo>{SIGNS[sign]}</mo>{right}</mrow>"

    def quotient(self, above: Part, below: Part) -> Part:
        """A fraction; of a number, a factor before what is divided."""
        return Part(f"<mfrac><mrow>{above.text}</mrow><mrow>{below.text}</mrow></mfrac>", ATOM)

    def power(self, base: str, exponent: Part) -> str:
        """A raised exponent."""
        return f"<msup><mrow>{base}</mrow><mrow>{exponent.text}</mrow></msup>"

    def cases(self, test: str, yes: str, no: str) -> str:
        """A brace before two lines."""
        rows = [(yes, test), (no, "<mtext>else</mtext>")]
        cells = "".join(f"<mtr><mtd>{value}</mtd><mtd>{when}</mtd></mtr>" for value, when in rows)
        return f"<mrow><mo>{{</mo><mtable>{cells}</mtable></mrow>"

    def listed(self, texts: list[str]) -> str:
        """Commas."""
        return "<mo>,</mo>".join(texts)

    def enclosed(self, text: str) -> str:
        """Parentheses."""
        return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>"


def _letters(text: str) -> str:
    """Letters of an index, each a name of its own."""
    return "<mrow>" + "".join(f"<mi>{GREEK.get(c, escape(c))}</mi>" for c in text) + "</mrow>"


def _signed(value: int) -> str:
    return f"<mrow><mo>−</mo><mn>{-value}</mn></mrow>" if value < 0 else f"<mn>{value}</mn>"


def as_mathml(left: str, right: str = "0") -> str | None:
    """The equation left = right as a MathML element; None where a part has no notation.

    Args:
        left: A formula in the syntax of Python.
        right: Another one.
    """
    sides = [MathML().write(side) for side in (left, right)]
    return None if None in sides else f'<math display="block">{sides[0]}<mo>=</mo>{sides[1]}</math>'
