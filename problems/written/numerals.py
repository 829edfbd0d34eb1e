"""Numbers of a formula as people write them: decimals, fractions, multiples of pi; else three digits."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

EXACT = 4e-16  # relative error of a number that is written exactly, by rounding of its last bits
DENOMINATOR = 99  # largest
POWERS_OF_PI = (0, 1, -1, 2)
SMALL, LARGE = 1e-3, 1e6  # beyond these a number has a power of ten


class Numeral(NamedTuple):
    """A number that is not negative, as it is written.

    Attributes:
        digits: A decimal, or a fraction such as "8/3".
        ten: Exponent of a power of ten, as in 3.2 10^-7.
        pi: Exponent of a power of pi.
        exact: Whether nothing was rounded.
    """

    digits: str
    ten: int = 0
    pi: int = 0
    exact: bool = True


def numeral(value: float) -> Numeral:
    """The shortest way to write a number that is not negative."""
    for power in POWERS_OF_PI:
        ratio = value / math.pi**power
        short = float(f"{ratio:.4g}")
        if abs(short * math.pi**power - value) <= (EXACT if power else 0.0) * value:
            return Numeral(*_decimal(short, 4), pi=power)
    ratio_of = Fraction(value).limit_denominator(DENOMINATOR)
    if ratio_of.numerator <= 10 * DENOMINATOR and float(ratio_of) == value:
        return Numeral(f"{ratio_of.numerator}/{ratio_of.denominator}")
    return Numeral(*_decimal(value, 3), exact=False)


def _decimal(value: float, digits: int) -> tuple[str, int]:
    """Digits and exponent of ten, which is 0 for numbers of an ordinary size."""
    if value == 0 or SMALL <= value < LARGE:
        return f"{float(f'{value:.{digits}g}'):.10g}", 0
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{float(mantissa):.10g}", int(exponent)
