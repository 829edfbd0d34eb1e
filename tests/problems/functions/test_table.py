"""Tabulated data as functions."""

import numpy as np
import pytest
import torch

from sapts_pinn import Dirichlet, Initial, Problem, Table, div, grad, solve
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems.fields import derivatives

X, Y = np.linspace(0, 1, 33), np.linspace(0, 2, 41)
P = torch.rand(50, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * torch.tensor(
    [1.0, 2.0]
)


def test_values_and_derivatives_are_those_of_the_function():
    one = Table(X, np.sin(3 * X))
    found = derivatives(lambda p: one(p[:, 0]), P[:, :1], [(), (0,), (0, 0)])
    a = 3 * P[:, 0]
    for got, exact, tolerance in zip(
        found, (a.sin(), 3 * a.cos(), -9 * a.sin()), (1e-5, 1e-3, 5e-2), strict=True
    ):
        assert (got - exact).abs().max() < tolerance
    two = Table(X, Y, np.sin(3 * X)[:, None] * np.cos(Y))
    value, x, xy, yy = derivatives(lambda p: two(*p.unbind(1)), P, [(), (0,), (0, 1), (1, 1)])
    b = P[:, 1]
    for got, exact in (
        (value, a.sin() * b.cos()),
        (x, 3 * a.cos() * b.cos()),
        (xy, -3 * a.cos() * b.sin()),
        (yy, -a.sin() * b.cos()),
    ):
        assert (got - exact).abs().max() < 2e-2
    nodes = torch.as_tensor(X)
    torch.testing.assert_close(one(nodes), torch.sin(3 * nodes), rtol=0, atol=1e-14)
    assert one(nodes.reshape(3, 11)).shape == (3, 11) and float(two(0.5, 1)) == pytest.approx(
        np.sin(1.5) * np.cos(1), abs=1e-5
    )


def test_a_grid_in_three_coordinates():
    z = np.linspace(-1, 1, 25)
    table = Table(X, Y, z, np.sin(3 * X)[:, None, None] * np.cos(Y)[:, None] * np.exp(z))
    p = torch.cat([P, 2 * P[:, :1] - 1], 1)
    a, b, c = 3 * p[:, 0], p[:, 1], p[:, 2].exp()
    found = derivatives(lambda q: table(*q.unbind(1)), p, [(), (0,), (0, 2), (1, 1), (2, 2)])
    value = a.sin() * b.cos() * c
    exact = (value, 3 * a.cos() * b.cos() * c, 3 * a.cos() * b.cos() * c, -value, value)
    for got, true, tolerance in zip(found, exact, (1e-5, 1e-3, 1e-3, 1e-2, 2e-2), strict=True):
        assert (got - true).abs().max() < tolerance
    with pytest.raises(InputError, match=r"asked for 1\.5 in its third coordinate, which goes from -1 to 1"):
        table(0.5, 1.0, 1.5)


def test_a_cubic_is_met_exactly():
    cubic = Table(X, X**3 - X)
    third = derivatives(lambda p: cubic(p[:, 0]), P[:, :1], [(), (0, 0)])
    torch.testing.assert_close(third[0], P[:, 0] ** 3 - P[:, 0], rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(third[1], 6 * P[:, 0], rtol=1e-9, atol=1e-9)


def test_a_table_stands_for_its_function_in_equations_and_conditions():
    k, start = Table(X, 1 + X**2), Table(X, X - X**3)

    def solved(coefficient, initial):
        rod = Interval(0, 1) * Time(0, 1)
        conditions = [Dirichlet("u", 0.0), Initial("u", initial)]
        problem = Problem(rod, "u", lambda u, x: u.t - div(coefficient(x) * grad(u)), conditions)
        return solve(problem, network=(5,), points=32, budget="3 iterations", method="tr")

    by_table = solved(k, lambda x: start(x))
    by_hand = solved(lambda x: 1 + x**2, lambda x: x - x**3)
    assert by_table.result["loss"] == pytest.approx(by_hand.result["loss"], rel=1e-6)
    assert by_table.result["weights"] == by_hand.result["weights"] == {"equation": 1.0}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ((X,), "Table takes x and values, .* or scattered points and values, not 1 arrays"),
        ((X[::-1], X), "x must be 4 or more increasing numbers, .* sort it"),
        ((X, Y, Y, Y, np.zeros((33, 41, 41, 41))), "not 5 arrays"),
        ((X, Y, X[:3], np.zeros((33, 41, 3))), "z must be 4 or more increasing numbers"),
        ((X[:3], X[:3]), "x must be 4 or more increasing numbers"),
        ((X, Y, np.zeros((41, 33))), r"the values are of shape \(41, 33\), and must be \(33, 41\)"),
        ((X, np.where(X > 0.5, np.nan, X)), "16 numbers are not finite"),
        ((X, ["a"] * 33), "Table takes arrays of numbers"),
    ],
)
def test_wrong_tables_are_refused(data, sentence):
    with pytest.raises(InputError, match=sentence):
        Table(*data)


def test_outside_of_the_table_there_is_no_value():
    table = Table(X, X)
    assert float(table(torch.tensor(1 + 1e-12, dtype=torch.float64))) == pytest.approx(1)
    with pytest.raises(
        InputError, match=r"asked for 1\.2 in its first coordinate, which goes from 0 to 1; give a larger"
    ):
        table(torch.tensor([0.5, 1.2]))
    with pytest.raises(InputError, match=r"the equation: a table is asked for .* in its first coordinate"):
        Problem(Interval(0, 2), "u", lambda u, x: u.xx + table(x), [Dirichlet("u")])
    with pytest.raises(InputError, match="a table of 1 coordinates is called with 1, not 2"):
        table(P[:, 0], P[:, 1])


def test_derivatives_that_jump_are_refused():
    table = Table(X, X)
    with pytest.raises(InputError, match="the derivative of order 3 of a table is asked for"):
        derivatives(lambda p: table(p[:, 0]), P[:, :1], [(0, 0, 0)])
