"""The walk over a formula, which is the same for every notation."""

import pytest

from sapts_pinn.problems.written.plain import Plain


def test_a_deep_formula_has_no_notation_and_is_no_fault():
    assert Plain().write("-" * 5000 + "x") is None


@pytest.mark.parametrize("value", ["True", "2j", "None", "..."])
def test_only_real_numbers_and_i_are_numbers(value):
    assert Plain().write(value) is None


@pytest.mark.parametrize(
    "value", ["integral(u)", "integral(u, 2)", "integral(u, (x, 0))", "u.at()", "u.of(x=1)"]
)
def test_what_is_no_integral_and_no_place_has_no_notation(value):
    assert Plain().write(value) is None and Plain().write("1j") == "i"
