"""Formulas as text: parentheses where they are needed, and only there."""

import pytest

from sapts_pinn.problems.written import as_text


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("u.t + u*u.x - 0.0031830988618379067*u.xx", "u_t + u u_x - (0.01/pi) u_xx = 0"),
        ("a - (b + c)", "a - (b + c) = 0"),
        ("a + (b - c)", "a + b - c = 0"),
        ("a - -b", "a - (-b) = 0"),
        ("-(a + b)*c", "(-(a + b)) c = 0"),
        ("a/(b*c)", "a/(b c) = 0"),
        ("a/b*c", "(a/b) c = 0"),
        ("a/b/c", "(a/b)/c = 0"),
        ("(a + b)**2", "(a + b)^2 = 0"),
        ("a**-2", "a^(-2) = 0"),
        ("(-a)**2", "(-a)^2 = 0"),
        ("sin(2*x)**3", "sin(2 x)^3 = 0"),
        ("normal(u) + 1.5", "du/dn + 1.5 = 0"),
        ("jump(2*u.x*n_x)", "[2 u_x n_x] = 0"),
        ("(k*u.x).x + u.yy", "(k u_x)_x + u_yy = 0"),
        ("(-u).xy", "(-u)_xy = 0"),
        ("u.x.at(t=t - 1)", "u_x(t - 1) = 0"),
        ("u.at(x=0) + u.at(x=1 - x, t=0)", "u(x = 0) + u(x = 1 - x, t = 0) = 0"),
        ("u - integral(exp(x - s)*u, (s, 0, x + 1))/2", "u - (int_0^(x + 1) exp(x - s) u ds)/2 = 0"),
        ("integral(u + v, x, y)", "int int (u + v) dx dy = 0"),
        ("1j*u.t + real(maximum(u, 0))", "i u_t + Re(max(u, 0)) = 0"),
        ("where(x < 0.5, 1, 2)*u.x", "(1 where x < 0.5, else 2) u_x = 0"),
    ],
)
def test_text_of_a_formula(formula, expected):
    assert as_text(formula) == expected


def test_a_right_side():
    assert as_text("u", "-sin(3.141592653589793*x)") == "u = -sin(pi x)"


@pytest.mark.parametrize("formula", ["u[0]", "f(x)", "lambda: 0", "u.t +", "x @ y", "x if y else z", "'a'"])
def test_an_unknown_word_has_no_text(formula):
    assert as_text(formula) is None
