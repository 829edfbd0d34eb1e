"""MathML of formulas: well formed, and nothing in it that could run."""

from xml.etree import ElementTree

import pytest

from sapts_pinn.problems.written import as_mathml
from sapts_pinn.problems.written.writer import is_rounded


def read(formula: str, right: str = "0") -> str:
    """Characters of a formula as they stand on the page, without what is not seen."""
    text = as_mathml(formula, right)
    assert text is not None
    return "".join(ElementTree.fromstring(text).itertext()).replace("\u2062", " ")


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("u.t + u*u.x - 0.5*u.xx", "ut+u ux−0.5 uxx=0"),
        ("a - (b + c)", "a−(b+c)=0"),
        ("lambda1*nu", "λ1 ν=0"),
        ("sqrt(x)**3", "(x)3=0"),
        ("1e-4*exp(-x)", "10−4 e−x=0"),
        ("abs(x) + log(t)", "|x|+ln(t)=0"),
        ("normal(u)/4", "∂u∂n4=0"),
        ("jump(2*u.x*n_x)", "⟦2 ux nx⟧=0"),
        ("2*3", "2·3=0"),
        ("(k*u.x).x", "(k ux)x=0"),
        ("u.at(t=t - 1) + u.at(x=0)", "u(t−1)+u(x=0)=0"),
        ("integral((s - x)*u, (s, 0, x))", "∫0x(s−x) uds=0"),
        ("integral(u, x)", "∫udx=0"),
        ("1j*conj(u) + imag(maximum(u, 2))", "i u¯+Im(max(u,2))=0"),
        ("bessel_j0(r)*sign(x)", "J₀(r) sgn(x)=0"),
        ("where(x <= 0.5, 1, 2)", "{1x≤0.52else=0"),
        ("8/3*0.0031830988618379067", "830.01π=0".replace("830", "83·0")),
    ],
)
def test_mathml_of_a_formula(formula, expected):
    assert read(formula) == expected


def test_a_fraction_and_a_root_are_elements():
    text = as_mathml("(a + b)/c", "sqrt(x)")
    assert text is not None and "<mfrac><mrow>" in text and "<msqrt><mi>x</mi></msqrt>" in text
    assert "(" not in text, "a fraction needs no parentheses"


def test_what_is_no_formula_has_no_mathml():
    for evil in ("<script>", "'<script>alert(1)</script>'", "__import__('os')", "f'{x}'"):
        assert as_mathml(evil) is None


def test_it_is_known_which_numbers_were_rounded():
    assert is_rounded("x - 0.123456") and not is_rounded("x*3.141592653589793 - 0.25*u.x")
