"""Derivatives of expressions in equations."""

import pytest
import torch

from sapts_pinn import (
    BoundaryEquation,
    Coefficient,
    Dirichlet,
    Initial,
    Observations,
    Problem,
    Unknown,
    solve,
)
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Box, Interval, Time
from sapts_pinn.problems.expressions import Expression
from sapts_pinn.problems.fields import Field, call_by_name

X = torch.linspace(0.1, 0.9, 7, dtype=torch.float64)
T = torch.linspace(0.2, 0.6, 7, dtype=torch.float64)
INDEX = {(): 0, (0,): 1, (1,): 2, (0, 0): 3, (0, 1): 4, (1, 1): 5, (0, 0, 0): 6}


def evaluated(function, live=False):
    """Values of a function of u = exp(2 x + 3 t), whose derivatives are known."""
    u = torch.exp(2 * X + 3 * T)
    tables = {i: u * 2.0 ** i.count(0) * 3.0 ** i.count(1) for i in INDEX}
    if live:
        tables = {i: v.clone().requires_grad_() for i, v in tables.items()}
    known = {"u": Field("u", ("x", "t"), tables.__getitem__), "x": X, "t": T, "c": torch.tensor(0.5).double()}
    return call_by_name(function, known, "f"), u, tables


@pytest.mark.parametrize(
    ("function", "exact"),
    [
        (lambda u, x: (x**2 * u.x).x, lambda u: 4 * X * u + 4 * X**2 * u),
        (lambda u, t: (t * u).t, lambda u: u + 3 * T * u),
        (lambda u, x, t: (torch.sin(x * t) * u).xt, None),
        (lambda u: (u * u.x).x, lambda u: 4 * u**2 + 4 * u**2),
        (lambda u, c: (c * u.x).x + u.t, lambda u: 2 * u + 3 * u),
        (lambda u, x: ((x * u).x * x).x, lambda u: (1 + 6 * X + 4 * X**2) * u),
        (lambda x, u: (x**3).x + 0 * u, lambda u: 3 * X**2),
    ],
)
def test_derivatives_of_expressions_are_exact(function, exact):
    found, u, _ = evaluated(function)
    if exact is None:
        x, t = X.clone().requires_grad_(), T.clone().requires_grad_()
        value = torch.sin(x * t) * torch.exp(2 * x + 3 * t)
        (first,) = torch.autograd.grad(value.sum(), x, create_graph=True)
        (expected,) = torch.autograd.grad(first.sum(), t)
    else:
        expected = exact(u)
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=0)
    assert type(found) is torch.Tensor and not found.requires_grad


def test_results_belong_to_the_graph_of_what_was_read():
    found, u, tables = evaluated(lambda u, x: (x * u * u.x).x, live=True)
    weights = torch.autograd.grad(found.sum(), [tables[()], tables[(0,)], tables[(0, 0)]])
    for got, expected in zip(weights, (2 * u + X * 4 * u, u + 2 * X * 2 * u, X * u), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-13, atol=0)
    with torch.no_grad():
        assert not evaluated(lambda u, x: (x * u * u.x).x, live=True)[0].requires_grad


def test_an_equation_that_needs_none_gets_plain_tensors():
    seen = []
    evaluated(lambda u, x: seen.append(type(x)) or u.x)
    assert seen == [torch.Tensor]
    seen.clear()

    def divergence(u, x):
        seen.append(type(x))
        return (x * u.x).x

    evaluated(divergence)
    evaluated(divergence)
    assert seen == [torch.Tensor, Expression, Expression], "the second call knows"


def test_the_needs_are_those_of_the_product_rule():
    problem = Problem(Box((0, 0), (1, 1)), "u", lambda u: ((1 + u * u) * u.x).x + u.yy + 1, [Dirichlet("u")])
    assert problem.equation_term.needs == {"u": ((), (0,), (0, 0), (1, 1))}


def test_the_divergence_form_trains_as_the_form_written_out():
    f = lambda x: torch.cos(3 * x)

    def solved(equation):
        problem = Problem(Interval(0, 1), "u", equation, [Dirichlet("u")])
        return solve(problem, network=(6,), points=40, budget="5 iterations", method="tr")

    by_hand = solved(lambda u, x: (1 + x**2) * u.xx + 2 * x * u.x + f(x))
    found = solved(lambda u, x: ((1 + x**2) * u.x).x + f(x))
    assert found.result["loss"] == pytest.approx(by_hand.result["loss"], rel=1e-9)
    at = {"x": X}
    flux = found.evaluate(lambda u, x: ((1 + x**2) * u.x).x, at)
    by_rule = found.evaluate(lambda u, x: (1 + x**2) * u.xx + 2 * x * u.x, at)
    torch.testing.assert_close(flux, by_rule, rtol=1e-12, atol=1e-14)


def test_unknown_fields_coefficients_and_conditions_may_be_in_expressions():
    data = Observations("u", {"x": X}, X)
    Problem(
        Interval(0, 1), ("u", Unknown("k", of="x", positive=True)), lambda u, k: (k * u.x).x + 1,
        [Dirichlet("u"), data],
    )  # fmt: skip
    Problem(
        Interval(0, 1), "u", lambda u, c, x: ((c + x) * u.x).x + 1, [Dirichlet("u"), data], [Coefficient("c")]
    )
    edge = BoundaryEquation(lambda u, x: ((1 + x) * u.x).x - u.y, on="y")
    problem = Problem(Box((0, 0), (1, 1)), "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", on="x"), edge])
    assert problem.condition_terms[1].needs == {"u": ((0,), (1,), (0, 0))}
    moving = Problem(
        Interval(0, 1) * Time(0, 1),
        "u",
        lambda u, t: ((1 + t) * u).t - u.xx,
        [Dirichlet("u"), Initial("u", lambda x: x * (1 - x))],
    )
    assert moving.equation_term.needs == {"u": ((), (1,), (0, 0))}


def test_what_is_no_derivative_is_a_sentence():
    with pytest.raises(
        InputError, match="'Tensor' object has no attribute 'q'; a derivative is made of names of coord"
    ):
        evaluated(lambda u, x: (x * u.x).q)
    with pytest.raises(
        InputError, match=r"of shape \(7,\), can be differentiated, not those of shape \(7, 1\)"
    ):
        evaluated(lambda u, x: (x * u.x).unsqueeze(1).x)
