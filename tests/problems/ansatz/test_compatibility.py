"""Conditions that contradict each other where they meet."""

import re
import warnings

import pytest
import torch

from sapts_pinn.geometry import Ball, Box, Interval, Polygon, Time
from sapts_pinn.problems import Dirichlet, Initial, Problem
from sapts_pinn.problems.wellposed.findings import IllPosed
from written_data import heat

pytestmark = [
    pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed"),
    pytest.mark.filterwarnings("ignore:contradictory conditions"),
]

X, T = Interval(0, 1), Time(0, 1)


SQUARE = Box((0, 0), (1, 1))


L_SHAPE = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])


laplace = lambda u: u.xx + u.yy


@pytest.mark.parametrize(
    ("conditions", "jump", "soft"),
    [
        ([Dirichlet("u", 0.0), Initial("u", lambda x: 1 + x)], "2", "initial value of u"),
        ([Initial("u", 1e-8), Dirichlet("u", 0.0)], "1e-08", "initial value of u"),
        ([Dirichlet("u", lambda t: torch.cos(t)), Initial("u", 0.25)], "0.75", "initial value of u"),
        ([Dirichlet("u", 0.0, hard=True), Initial("u", 1.0)], "1", "initial value of u"),
        ([Dirichlet("u", 0.0), Initial("u", 1.0, hard=True)], "1", "u on x=0, x=1"),
        (
            [Initial("u", lambda x: x - x**2, velocity=1.0), Dirichlet("u", 0.0)],
            "1",
            "initial value and velocity of u",
        ),
        ([Dirichlet("u", 0.0, on="x=0"), Dirichlet("u", 1.0, on="x=0")], "1", "u on x=0 (2)"),
    ],
)
def test_contradictions_warn_with_the_size_of_the_jump(conditions, jump, soft):
    with pytest.warns(
        UserWarning, match=f"contradictory conditions: (the velocity of )?u .* by {jump}\\b.* weighted term"
    ) as record:
        problem = Problem(X * T, "u", lambda u: u.tt - u.xx, conditions)
    (told,) = (w for w in record if w.category is not IllPosed)
    assert told.filename == __file__
    assert [term.name for term in problem.terms] == ["equation", soft]
    assert str(told.message) in str(problem)
    assert ("the velocity of u on t=0" in str(told.message)) is ("velocity" in soft)


def test_contradictions_elsewhere():
    with pytest.warns(UserWarning, match="u on sphere and on t=0 differ by 1 where they meet"):
        problem = Problem(
            Ball((0, 0), 1) * T, "u", lambda u: u.t - u.xx - u.yy, [Dirichlet("u", 1.0), Initial("u", 0.0)]
        )
    assert [term.name for term in problem.terms] == ["equation", "initial value of u"]
    cavity = [Dirichlet("u", 0.0, on=["x", "y=0"]), Dirichlet("u", 1.0, on="y=1")]
    with pytest.warns(
        UserWarning, match="u on x=[01] and on y=1 differ by 1 where they meet; u on y=1 is a weighted"
    ):
        Problem(SQUARE, "u", laplace, cavity)
    with pytest.warns(UserWarning, match="differ by 1 where they meet$"):  # a term anyway: nothing to decide
        problem = Problem(L_SHAPE * T, "u", lambda u: u.t - u.xx, [Dirichlet("u", 1.0), Initial("u", 0.0)])
    assert len(problem.ansatz.exact) == 1


@pytest.mark.parametrize("pi", [3.14159, 3.1416])
def test_a_constant_with_few_digits_is_noted_and_both_conditions_are_built_in(pi):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        problem = heat(lambda x: torch.sin(pi * x))
    assert [term.name for term in problem.terms] == ["equation"]
    assert re.search(
        r"note .* u on x=1 and on t=0 differ by \S+e-06 where they meet, .*the solution is off", str(problem)
    )


def test_no_contradiction_between_different_unknowns():
    Problem(
        X * T,
        ("u", "v"),
        lambda u, v: (u.t - v.x, v.t - u.x),
        [Dirichlet("u", 1.0), Initial("v", 5.0), Initial("u", 1.0)],
    )


@pytest.mark.parametrize(
    "initial", [lambda x: torch.remainder(x, 0.25), lambda x: ((x > 0) & (x < 1)) * 0.25, 0.25]
)
def test_a_value_at_the_very_corner_hides_no_contradiction(initial):
    with pytest.warns(UserWarning, match="u on x=1 and on t=0 differ by 0.25 where they meet"):
        heat(initial, until=0.1)


@pytest.mark.filterwarnings("error:contradictory conditions")
@pytest.mark.parametrize(
    "initial", [lambda x: torch.sqrt(x) * (1 - x), lambda x: torch.tanh(1e6 * x) * (1 - x)]
)
def test_what_is_steep_at_a_corner_is_no_contradiction(initial):
    heat(initial, until=0.1)
