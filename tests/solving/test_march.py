"""Windows in time, one after the other."""

import pytest

from sapts_pinn import Solution, solve
from sapts_pinn.errors import InputError
from sapts_pinn.problems.zoo import build
from sapts_pinn.solving import march as module
from sapts_pinn.solving.march import _history, march

SMALL = {"network": (4,), "points": 32, "condition_points": 8}


class Run:
    def __init__(self, *rows: dict[str, float]) -> None:
        self.history = [*rows]


def test_histories_are_counted_on():
    first = Run({"iteration": 1, "seconds": 0.5, "loss": 3.0}, {"iteration": 2, "seconds": 1.0, "loss": 2.0})
    second = Run({"iteration": 1, "seconds": 0.25, "loss": 5.0})
    assert _history([first, second]) == [
        {"iteration": 1, "seconds": 0.5, "loss": 3.0, "window": 1},
        {"iteration": 2, "seconds": 1.0, "loss": 2.0, "window": 1},
        {"iteration": 3, "seconds": 1.25, "loss": 5.0, "window": 2},
    ]


def test_windows_share_the_budget_and_their_work_is_added_up(monkeypatch):
    budgets, parts = [], []

    def train(problem, budget, **settings):
        budgets.append(budget.iterations)
        parts.append(problem.domain.bounds[:, 1].tolist())
        return solve(problem, budget=budget, **settings)

    found = march(train, build("heat"), 2, budget="6 iterations", out=None, overwrite=False, **SMALL)
    assert budgets == [3, 3] and parts == [[0, 0.5], [0.5, 1]]
    assert found.result["iterations"] == 6 and found.result["problem"] == "heat"
    assert found.result["status"] == "budget spent (6 iterations), 2 windows"
    assert [row["window"] for row in found.history] == [1, 1, 1, 2, 2, 2]
    assert found.result["relative_l2_error"] == pytest.approx(found.error())


def test_no_window_follows_one_that_ended_early(monkeypatch):
    def failed(problem, **settings):
        solution = solve(problem, budget="1 iteration", **SMALL)
        solution.result["status"] = "interrupted by SIGTERM"
        return solution

    with pytest.raises(InputError, match=r"window 1 of 3 ended early \(interrupted by SIGTERM\)"):
        march(failed, build("heat"), 3, budget="3 iterations", out=None, overwrite=False)


def test_what_windows_cannot_have_is_refused():
    with pytest.raises(InputError, match="target_error cannot be had with windows=2, one by one; drop it"):
        module.march(solve, build("heat"), 2, budget="1s", out=None, overwrite=False, target_error=0.1)


def test_interrupted_windows_go_on(tmp_path):
    whole = solve(build("heat"), windows=3, budget="12 iterations", out=tmp_path / "whole", **SMALL)

    def fail(run):
        if run.iteration == 2 and run.model.problem.domain.bounds[0, 1] > 0.3:
            raise KeyboardInterrupt

    part = tmp_path / "part"
    with pytest.raises(
        InputError, match=r"window 2 of 3 ended early .*; go on by solve\(\.\.\., windows=3, resume="
    ):
        solve(build("heat"), windows=3, budget="12 iterations", out=part, callbacks=fail, **SMALL)
    with pytest.raises(InputError, match="the folder holds windows in time: give windows= as well"):
        solve(build("heat"), resume=part)
    found = solve(build("heat"), windows=3, budget="12 iterations", resume=part)
    assert found.result["iterations"] == 12 and found.result["loss"] == whole.result["loss"]
    assert found.config["points"] == SMALL["points"] and found.error() == whole.error()
    again = solve(build("heat"), windows=3, budget="12 iterations", resume=part)
    assert again.result["loss"] == whole.result["loss"], "all windows are read"
    assert Solution.load(part).error() == whole.error()
    with pytest.raises(InputError, match=r"window1.* is of a problem with other values"):
        solve(build("heat"), windows=2, budget="12 iterations", resume=part)
