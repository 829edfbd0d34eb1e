"""Random features before any training: when they are tried, gone on with, and given up."""

import json
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import ellipj

from sapts_pinn import Dirichlet, Initial, Problem, solve
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.problems import build
from sapts_pinn.problems.wellposed.findings import IllPosed
from sapts_pinn.results.solution import Solution
from sapts_pinn.runs.status import StopReason
from sapts_pinn.solving.features import FEATURES, settings_of
from sapts_pinn.solving.features_first import (
    ENOUGH,
    OF_TRAINING,
    features_are_open,
    is_hopeless,
    trial_of,
)
from sapts_pinn.solving.settings import AUTO, RunSettings


def layer(width: float = 1e-3) -> Problem:
    """A boundary layer that no few random units can follow."""
    return Problem(
        Interval(0, 1), "u", lambda u: -width * u.xx + u.x - 1, [Dirichlet("u", 0.0)], name="layer"
    )


def attempt(problem):
    arguments = {"method": AUTO, "budget": "1min"}
    return trial_of(problem, arguments, settings_of(problem, RunSettings.given(arguments)), SingleProcess())


def open_for(problem, ranks=1, **given):
    arguments = {"method": AUTO, "budget": "1min", **given}
    return features_are_open(problem, arguments, settings_of(problem, RunSettings.given(arguments)), ranks)


def test_they_are_open_to_a_run_that_names_nothing():
    problem = build("heat")
    assert open_for(problem) and open_for(problem, seed=3, out="runs/heat", target_error=1e-3)
    assert open_for(problem, device="cuda")


@pytest.mark.parametrize(
    "given",
    [
        {"method": "tr"},
        {"budget": "100 iterations"},
        {"budget": "1min, 100 evaluations"},
        {"network": (20, 20)},
        {"activation": "sin"},
        {"points": 512},
        {"windows": 1},
        {"resample": 0},
        {"options": {"radius": 0.1}},
        {"dtype": "float32"},
        {"parts": 2},
        {"init": "a solution"},
        {"resume": "runs/heat"},
        {"ranks": 2},
    ],
)
def test_they_are_not_where_a_setting_of_training_is_named(given):
    assert not open_for(build("heat"), **given)


def test_they_are_not_for_windows_and_unknowns_with_networks_of_their_own():
    assert not open_for(build("lorenz")), "which is solved in windows"
    assert not open_for(build("diffusion-inverse")), "whose coefficient is a field"
    assert set(OF_TRAINING) <= set(solve.__kwdefaults__), "the names are those of solve"


def test_a_smooth_solution_is_gone_on_with(tmp_path):
    out = tmp_path / "run"
    found = solve(build("poisson-1d"), budget="2min", out=out, progress=False)
    assert found.result["method"] == FEATURES and found.error() < 1e-12
    config = json.loads((out / "config.json").read_text())
    assert config["method"] == FEATURES and config["chosen"].startswith("random features leave ")
    assert "method             features, as random features leave" in str(found)
    steps = [row["iteration"] for row in found.history]
    assert steps == sorted(set(steps)) and steps[0] == 1, "the history has the steps of the trial"
    again = solve(build("poisson-1d"), budget="2min", seed=0, progress=False)
    x = torch.linspace(0, 1, 11, dtype=torch.float64)
    assert (found.predict(x=x) == again.predict(x=x)).all(), "a seed fixes the run"
    resumed = solve(build("poisson-1d"), budget="3min", resume=out, progress=False)
    assert resumed.result["method"] == FEATURES


def test_callbacks_are_told_of_a_run_that_is_gone_on_with():
    seen = []
    solve(build("poisson-1d"), budget="2min", callbacks=[lambda run: seen.append(run.iteration)])
    assert seen and seen[0] > 1, "of the steps after the trial"


def test_a_layer_ends_the_trial_and_a_network_is_trained():
    found = attempt(layer())
    assert found.state is None and found.seconds > 0
    solution = solve(layer(), budget="4s", progress=False)
    assert solution.result["method"] == "sapts-d"
    assert "worth dividing, and random features leave" in solution.result["chosen"]
    seconds = [row["seconds"] for row in solution.history]
    assert seconds[0] > 0.2 and solution.result["seconds"] < 8, "the trial's time counts"


def test_the_trial_ends_where_its_residual_is_enough():
    found = attempt(build("heat"))
    assert found.state is not None and found.seconds == 0
    own = found.state["optimizer"]["features"]
    assert own["score"] <= ENOUGH and own["left"].keys() == {100}


def test_what_the_audit_objects_to_is_not_gone_on_with(monkeypatch):
    from sapts_pinn.solving import features_first

    monkeypatch.setattr(features_first, "audited", lambda *given: (SimpleNamespace(passed=False), []))
    found = attempt(build("poisson-1d"))
    assert found.state is None and "the audit objects" in found.words


def test_the_trivial_solution_is_not_gone_on_with():
    """Newton's method from u = 0 stays there; a network has others in reach."""
    with pytest.warns(IllPosed):
        problem = Problem(Interval(0, 3), "u", lambda u: u.xx + 9 * u - u**3, [Dirichlet("u", 0.0)])
    found = attempt(problem)
    assert found.state is None and "random features find u = 0" in found.words


def test_a_fault_in_the_equation_is_raised():
    broken = []

    def equation(u, x):
        if broken:
            raise RuntimeError("the disk is full")
        return u.xx + 1

    problem = Problem(Interval(0, 1), "u", equation, [Dirichlet("u", 0.0)])
    broken.append(True)
    with pytest.raises(RuntimeError, match="the disk is full"):
        solve(problem, budget="5s", progress=False)


def test_ctrl_c_in_the_trial_ends_the_run_after_its_first_step(monkeypatch):
    from sapts_pinn.solving import features_first

    monkeypatch.setattr(
        features_first.Judge, "on_step", lambda self, trainer: trainer.stop("interrupted by SIGINT")
    )
    found = solve(layer(), budget="1min", progress=False)
    assert found.result["status"] == "interrupted by SIGINT" and found.result["iterations"] == 1


@pytest.mark.parametrize(
    ("left", "most", "hopeless"),
    [
        ({100: 9e-2}, 800, False),  # one number says nothing
        ({100: 9e-2, 200: 4e-2}, 800, False),  # convection
        ({100: 9e-2, 200: 4e-2, 400: 2e-10}, 800, False),
        ({100: 0.5, 200: 0.49}, 800, True),  # burgers
        ({100: 3e-2, 200: 7e-3, 400: 2e-3}, 800, True),  # allen-cahn
        ({100: 8e-3, 200: 9e-7}, 400, False),  # kovasznay, whose most is 400
        ({100: 4e-2, 200: 6e-3, 400: 2e-3}, 1600, True),  # poisson-5d
        ({150: 1e-3, 300: 1e-5}, 600, False),
        ({150: 1e-3, 300: 2e-3}, 600, True),  # a residual that rises
    ],
)
def test_what_is_hopeless(left, most, hopeless):
    assert is_hopeless(left, most) is hopeless


def pendulum(end: float = 10.0) -> Problem:
    """A pendulum let go at 3 radians."""
    return Problem(
        Time(0, end), "th", lambda th: th.tt + torch.sin(th), [Initial("th", 3.0, velocity=0.0)],
        name="pendulum",
    )  # fmt: skip


def test_an_initial_value_problem_is_solved_in_windows(tmp_path):
    """By Jacobi's elliptic functions: th = 2 asin(k cd(t; k)), k = sin(3 / 2)."""
    found = solve(pendulum(), budget="3min", out=tmp_path / "run", progress=False)
    assert found.result["status"] == "converged to working precision"
    count = found.config["windows"]
    assert count > 1 and found.result["method"] == FEATURES
    assert found.config["chosen"].endswith(f"of the equation as a whole: {count} windows of time")
    t, k = np.linspace(0, 10, 201), np.sin(1.5)
    _, cn, dn, _ = ellipj(t, k**2)
    assert np.abs(found.predict(t=t) - 2 * np.arcsin(k * cn / dn)).max() < 1e-11
    loaded = Solution.load(tmp_path / "run", problem=pendulum())
    assert (loaded.predict(t=t) == found.predict(t=t)).all()


def test_a_smooth_one_is_solved_as_a_whole():
    found = solve(pendulum(1.0), budget="1min", progress=False)
    assert found.result["method"] == FEATURES and found.config["windows"] == 1


@pytest.mark.parametrize("given", [{"windows": 1}, {"method": "tr"}, {"target_error": 0.1}])
def test_windows_are_not_tried_where_something_is_asked_for(given):
    budget = "1s" if "method" not in given else "5 iterations"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem = replace(pendulum(), reference=lambda t: 3 * torch.cos(t))
        found = solve(problem, **{"budget": budget, "progress": False, **given})
    method = next((line for line in str(found).splitlines() if line.startswith("  method ")), "")
    assert found.config["windows"] == 1 and "windows" not in method


def test_ctrl_c_in_the_trial_of_windows_is_no_failure_of_them(monkeypatch):
    """The whole is given up, the first window is interrupted, and no other is tried."""
    from sapts_pinn.solving import features_first, steps

    calls = []

    def stop(judge, trainer):
        calls.append(trainer.model.problem.domain.bounds[1].item())
        trainer.stop("hopeless")

    def interrupted(part, *settings):
        calls.append(part.domain.bounds[1].item())
        return SimpleNamespace(trainer=SimpleNamespace(status=StopReason.INTERRUPTED.status("SIGINT")))

    monkeypatch.setattr(features_first.Judge, "on_step", stop)
    monkeypatch.setattr(steps, "_tried", interrupted)
    found = solve(pendulum(), budget="1min", progress=False)
    assert calls == [10.0, 2.5], "the whole once, and one window"
    assert found.result["status"] == "interrupted by SIGINT" and found.result["iterations"] == 1
