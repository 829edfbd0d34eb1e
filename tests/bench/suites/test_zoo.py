"""The suite `zoo`."""

import pytest

from benched import run_suite
from sapts_pinn.bench.suites import zoo
from sapts_pinn.problems.zoo import ZOO


def test_zoo(tmp_path, capsys, here):
    arguments = ["--problems", "heat,poisson-1d", "--budget", "1 iterations", "--threads", "1"]
    found, out = run_suite("zoo", arguments, tmp_path, capsys)
    assert all(row["status"].startswith("budget spent") for row in found["rows"])
    assert all(word in out for word in ("heat", "1e-06", "poisson-1d", "missed"))


def test_goals_are_judged_by_the_mean_over_the_seeds():
    goal = zoo.Goal("heat", zoo.ERROR, floor=1e-2, target=1e-4)
    assert goal.verdict([1e-5, 9e-4]) == "target"  # geometric mean 9.5e-5
    assert goal.verdict([1e-5, 2e-3]) == "floor"
    assert goal.verdict([1e-1]) == "missed"
    assert goal.verdict([float("nan")]) == "missed"
    assert zoo.coefficient("nu", 2.0).of({"coefficients": {"nu": 1.9}}) == pytest.approx(0.05)
    assert zoo.quantity("drag").of({"quantities": {"drag": {"relative_error": 0.02}}}) == 0.02
    assert not set(goal.problem for goal in zoo.GOALS) - set(ZOO)
