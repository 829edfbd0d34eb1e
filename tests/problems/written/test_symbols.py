"""Symbols: trees of what is done with them, and refusals of what has no notation."""

import ast

import pytest
import torch

from sapts_pinn.problems.written.symbols import FUNCTIONS, NoFormulaError, Symbol, call, node_of


def text(symbol):
    return ast.unparse(symbol.node)


X = Symbol(ast.Name("x"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_with_a_notation_is_noted(name):
    function, count = FUNCTIONS[name]
    assert text(function(*[X] * count)) == f"{name}({', '.join('x' * count)})"


def test_arithmetic_compares_and_calls():
    assert text((2 - X) / 3 + (X < 1) * torch.where(X >= 0, X, -X)) == (
        "(2 - x) / 3 + (x < 1) * where(x >= 0, x, -x)"
    )
    assert text(call(ast.Name("f"), [X, 2], t=X - 1)) == "f(x, 2, t=x - 1)"
    assert text(X.sin().square()) == "sin(x) ** 2"
    assert text(torch.complex(X, X)) == "x + 1j * x" and text(X.real) == "real(x)"


@pytest.mark.parametrize(
    "wrong", [lambda: bool(X), lambda: float(X), lambda: torch.relu(X), lambda: X.long()]
)
def test_what_has_no_notation_is_refused(wrong):
    with pytest.raises(NoFormulaError):
        wrong()


@pytest.mark.parametrize("wrong", [torch.ones(2), True, float("nan"), "x"])
def test_what_is_no_number_is_no_node(wrong):
    with pytest.raises(NoFormulaError):
        node_of(wrong)
