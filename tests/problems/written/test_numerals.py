"""Numbers as they are written: exactly where that is short."""

import math

import pytest

from sapts_pinn.problems.written.numerals import Numeral, numeral


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (40, Numeral("40")),
        (16000.0, Numeral("16000")),
        (0.25, Numeral("0.25")),
        (1e-4, Numeral("1", ten=-4)),
        (3.2e7, Numeral("3.2", ten=7)),
        (8 / 3, Numeral("8/3")),
        (4 * math.pi, Numeral("4", pi=1)),
        (0.01 / math.pi, Numeral("0.01", pi=-1)),
        (2 * math.pi**2, Numeral("2", pi=2)),
        (17 * math.pi**2 - 1, Numeral("167", exact=False)),
        (0.123456, Numeral("0.123", exact=False)),
        (1.23456e-7, Numeral("1.23", ten=-7, exact=False)),
    ],
)
def test_a_number_is_written_short(value, expected):
    assert numeral(value) == expected
