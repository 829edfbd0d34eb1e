"""Trees of formulas: what changes nothing is left out, and signs and numbers stand in front."""

import ast

import pytest

from sapts_pinn.problems.written import trees


def tree(text):
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (trees.total(tree("a"), tree("-b")), "a - b"),
        (trees.total(tree("0"), tree("b")), "b"),
        (trees.total(tree("1"), tree("1j")), "1 + 1j"),
        (trees.difference(tree("a"), tree("0")), "a"),
        (trees.product(tree("a"), tree("-2")), "-(2 * a)"),
        (trees.product(tree("2*a"), tree("3*b")), "6 * (a * b)"),
        (trees.product(tree("a"), tree("1j")), "1j * a"),
        (trees.product(tree("0"), tree("b")), "0"),
        (trees.quotient(tree("-a"), tree("b")), "-(a / b)"),
        (trees.quotient(tree("0"), tree("b")), "0"),
        (trees.power(tree("a"), tree("1")), "a"),
        (trees.number(-2), "-2"),
        (trees.number(2 - 3j), "2.0 - 3.0 * 1j"),
        (trees.negative(tree("-a")), "a"),
    ],
)
def test_what_changes_nothing_is_left_out(made, expected):
    assert ast.unparse(made) == expected


@pytest.mark.parametrize(
    ("of", "by", "expected"),
    [
        ("-(2*(k*u.x))", (0,), "-(2 * (k * u.x).x)"),
        ("(k*u.x).y", (0,), "(k * u.x).xy"),
        ("3*u.y", (0,), "3 * u.xy"),
        ("u", (1,), "u.y"),
        ("2*x", (0,), "2"),
        ("x", (1,), "0"),
        ("x", (0, 0), "0"),
        ("k", (0,), "0"),
        ("3", (0,), "0"),
    ],
)
def test_a_derivative_of_an_expression(of, by, expected):
    assert ast.unparse(trees.slope(tree(of), by, ("x", "y"), ("u",))) == expected
