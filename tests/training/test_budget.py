"""Budgets as people write them, and when they are spent."""

import math

import pytest

from heat import SHORT, heat
from sapts_pinn import solve
from sapts_pinn.training.budget import Budget


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2min", Budget(seconds=120)),
        ("90s", Budget(seconds=90)),
        ("1h30min", Budget(seconds=5400)),
        ("1.5 h", Budget(seconds=5400)),
        ("500 iterations", Budget(iterations=500)),
        ("1e4 evaluations", Budget(evaluations=10_000)),
        ("2min, 500 iterations", Budget(seconds=120, iterations=500)),
        (30, Budget(seconds=30)),
        (0.5, Budget(seconds=0.5)),
        (1e-5, Budget(seconds=1e-5)),
    ],
)
def test_budgets_are_read_as_people_write_them(text, expected):
    assert Budget.parse(text) == expected
    assert Budget.parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text", ["2 minuts", "", "fast", "min", "-3s", "0s", "3", "2min 5", "2x", math.nan, math.inf]
)
def test_other_budgets_are_refused(text):
    with pytest.raises(ValueError, match=r"cannot read the budget .*write for example '2min'"):
        Budget.parse(text)


@pytest.mark.parametrize(
    "budget", [Budget(iterations=1_234_567), Budget(evaluations=1e6), Budget(seconds=86_400.5)]
)
def test_a_budget_survives_being_written(budget):
    assert Budget.parse(str(budget)) == budget


def test_every_limit_ends_a_run():
    by_steps = solve(heat(), budget="4 iterations", **SHORT)
    assert by_steps.result["iterations"] == 4 and by_steps.result["status"] == "budget spent (4 iterations)"
    by_work = solve(heat(), budget="5 evaluations", **SHORT)
    assert 5 <= by_work.result["gradient_evaluations"] <= 6
    by_time = solve(heat(), budget="0.3s", **SHORT)
    assert 0.3 <= by_time.result["seconds"] < 2


def test_the_share_that_is_spent_is_that_of_the_nearest_limit():
    budget = Budget.parse("10s, 200 iterations")
    assert budget.used(5.0, 20, 1e9) == 0.5 and budget.used(1.0, 300, 0) == 1.5
    assert Budget().used(1e9, 1e9, 1e9) == 0.0 and str(Budget()) == "unlimited"
