"""The walk over a formula, which is the same for every notation."""

import pytest

from sapts_pinn.problems.written.plain import Plain


def test_a_deep_formula_has_no_notation_and_is_no_fault():
    assert Plain().write("-" * 5000 + "x") is None


@pytest.mark.parametrize("value", ["True", "1j", "None", "..."])
def test_only_real_numbers_are_numbers(value):
    assert Plain().write(value) is None
