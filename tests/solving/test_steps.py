"""Windows whose lengths are found, against SciPy's implicit Runge-Kutta method."""

import json
import math
import time

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from sapts_pinn import Initial, Problem, Solution, solve
from sapts_pinn.geometry import Time
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.results.repeat import command
from sapts_pinn.solving.features import settings_of
from sapts_pinn.solving.features_first import Trial
from sapts_pinn.solving.settings import RunSettings
from sapts_pinn.solving.steps import in_steps


def robertson(end: float) -> Problem:
    """Three species, one of them of size 1e-5, and rates that differ by nine orders of magnitude."""

    def equation(y1, y2, y3):
        slow, back, fast = 0.04 * y1, 1e4 * y2 * y3, 3e7 * y2 * y2
        return y1.t + slow - back, y2.t - slow + back + fast, y3.t - fast

    starts = [Initial("y1", 1.0), Initial("y2", 0.0), Initial("y3", 0.0)]
    return Problem(Time(0, end), ("y1", "y2", "y3"), equation, starts, name="robertson")


def prothero(rate: float = 1e4) -> Problem:
    """u' = rate (cos t - u) - sin t from 0: cos t - exp(-rate t), Prothero and Robinson's problem."""
    import torch

    return Problem(
        Time(0, 4), "u", lambda u, t: u.t + rate * (u - torch.cos(t)) + torch.sin(t), [Initial("u", 0.0)],
        name="prothero",
    )  # fmt: skip


def steps(problem, seconds):
    settings = settings_of(problem, RunSettings.given({"method": "features", "budget": "10min"}))
    whole = Trial(settings, None, "random features leave 1", 0.0)
    return in_steps(problem, whole, SingleProcess(), time.monotonic() + seconds)


def test_windows_are_short_where_it_is_fast():
    found = steps(prothero(), 600)
    meet = [0.0, *found.meet, 4.0]
    assert found.complete and len(found.trials) == len(meet) - 1
    assert meet[1] < 0.02 and meet[-1] - meet[-2] > 0.5, "the transient takes 1e-4"
    assert meet == sorted(meet)


def test_where_the_time_is_over_they_say_how_far_they_came():
    found = steps(prothero(), 0)
    assert not found.complete and found.why == "0 windows of time came to t=0 of 4" and not found.trials


def test_what_blows_up_has_no_window_that_is_short_enough(monkeypatch):
    """u' = u^2 from 1 is infinite at t = 1; an error of 1e-13 in u moves that time as much."""
    monkeypatch.setattr("sapts_pinn.solving.steps.SHORTEST", 1e-6)
    problem = Problem(Time(0, 2), "u", lambda u: u.t - u * u, [Initial("u", 1.0)])
    found = steps(problem, 600)
    assert not found.complete and found.meet[-1] < 1 and len(found.meet) > 3


def test_a_stiff_system_is_solved_as_it_is_written(tmp_path):
    found = solve(robertson(40.0), budget="20min", out=tmp_path / "run", progress=False)
    t = np.concatenate([[0], np.geomspace(1e-6, 40, 400)])
    by = lambda t, y: [-0.04 * y[0] + 1e4 * y[1] * y[2], 0.04 * y[0] - 1e4 * y[1] * y[2] - 3e7 * y[1] ** 2,
                       3e7 * y[1] ** 2]  # fmt: skip
    wanted = solve_ivp(by, (0, 40), [1, 0, 0], "Radau", t, rtol=1e-12, atol=1e-16).y
    values = found.predict(t=t)
    for name, right in zip(("y1", "y2", "y3"), wanted, strict=True):
        assert np.linalg.norm(values[name] - right) < 1e-8 * np.linalg.norm(right), name
    assert found.result["audit"]["passed"] and found.result["error_estimate"]["relative"] < 1e-6
    lengths = np.diff([0, *found.config["edges"], 40])
    assert lengths.max() > 100 * lengths.min()

    loaded = Solution.load(tmp_path / "run", problem=robertson(40.0))
    assert all((loaded.predict(t=t)[name] == values[name]).all() for name in values)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    again = command({**config, "source": "robertson.py"})
    assert "--windows" not in again and "--method" not in again, "lengths that are found are found again"


@pytest.mark.slow
def test_a_relaxation_oscillation_is_solved():
    """Van der Pol's equation with mu = 100 over a period, 162.8."""
    problem = Problem(
        Time(0, 162.8), ("x", "v"), lambda x, v: (x.t - v, v.t - 100 * (1 - x * x) * v + x),
        [Initial("x", 2.0), Initial("v", 0.0)], name="van der pol",
    )  # fmt: skip
    found = solve(problem, budget="30min", progress=False)
    t = np.linspace(0, 162.8, 2001)
    by = lambda t, y: [y[1], 100 * (1 - y[0] ** 2) * y[1] - y[0]]
    right = solve_ivp(by, (0, 162.8), [2, 0], "Radau", t, rtol=1e-12, atol=1e-13).y[0]
    error = np.linalg.norm(found.predict(t=t)["x"] - right) / np.linalg.norm(right)
    assert error < 1e-6 and found.result["audit"]["passed"]
    assert math.isfinite(found.error_estimate.relative) and found.error_estimate.relative < 1e-3
