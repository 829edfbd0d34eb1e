"""An accuracy as the end of a run: by its estimate, and with larger networks where one stalls."""

import json
import math

import pytest

from sapts_pinn import Dirichlet, Problem, solve
from sapts_pinn.callbacks.base import Estimate
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval
from sapts_pinn.problems import build
from sapts_pinn.results.solution import Solution
from sapts_pinn.solving import accuracy
from sapts_pinn.solving.accuracy import DOUBTFUL, is_within

SMALL = {"network": (6,), "points": 128, "method": "tr", "progress": False}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Estimates from the first step on."""
    monkeypatch.setattr(accuracy, "FIRST", 0.0)
    monkeypatch.setattr(accuracy, "SHARE", 1.0)


def bump() -> Problem:
    """-u'' = 1: a parabola."""
    return Problem(Interval(0, 1), "u", lambda u: u.xx + 1, [Dirichlet("u", 0.0)], name="bump")


def test_a_doubtful_estimate_has_to_be_smaller():
    sure, doubtful, small = Estimate(1e-6, True), Estimate(1e-6, False), Estimate(0.9e-6 / DOUBTFUL, False)
    assert is_within(sure, 1e-6, bump()) and not is_within(doubtful, 1e-6, bump())
    assert is_within(small, 1e-6, bump())
    fitted = build("burgers-inverse-noise-1")
    assert is_within(sure, 1e-6, fitted) and not is_within(small, 1e-6, fitted), "the noise is not in it"


def test_a_run_ends_when_its_estimate_is_within_the_accuracy(tmp_path):
    found = solve(bump(), accuracy=1e-2, budget="5000 iterations", out=tmp_path / "run", **SMALL)
    assert found.result["status"] == "accuracy 0.01 reached by the error estimate"
    assert found.error_estimate.relative <= 1e-2 and found.result["iterations"] < 5000
    assert found.result["diagnosis"] is None, "nothing limits a run that has what was wanted"
    assert json.loads((tmp_path / "run" / "result.json").read_text())["status"] == found.result["status"]


def test_a_network_that_stalls_is_followed_by_a_larger_one(tmp_path, monkeypatch):
    monkeypatch.setattr(accuracy, "STEPS", 30)
    given = {**SMALL, "network": (2,), "out": tmp_path / "run"}
    found = solve(build("poisson-multiscale"), accuracy=1e-9, budget="600 iterations", **given)
    notes = [note for note in found.result["remarks"] if note.startswith("before: ")]
    assert notes and found.config["network"] != [2] and found.config["points"] > 128
    assert found.config["init"]["problem"] == "poisson-multiscale", "which starts from the solution before"
    assert found.config["method"] == "tr", "a method that was named stays"
    assert any(
        "the accuracy of 1e-09 was not reached: an error estimate of" in n for n in found.result["remarks"]
    )
    loaded = Solution.load(tmp_path / "run")
    assert loaded.result["remarks"] == found.result["remarks"] and loaded.error() == found.error()


def test_the_budget_is_that_of_all_runs(monkeypatch):
    monkeypatch.setattr(accuracy, "STEPS", 30)
    found = solve(bump(), accuracy=1e-15, budget="100 iterations", **{**SMALL, "network": (2,)})
    total = sum(row.get("iteration", 0) for row in found.history[-1:])
    assert total <= 100 and math.isfinite(found.result["loss"])


def test_a_run_by_features_is_not_grown():
    found = solve(build("poisson-1d"), accuracy=1e-17, budget="1min", progress=False)
    assert found.result["method"] == "features" and "before: " not in str(found)
    assert "the accuracy of 1e-17 was not reached" in str(found)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"accuracy": 0}, r"accuracy must be a relative error between 0 and 1, not 0"),
        ({"accuracy": "1e-6"}, r"between 0 and 1, not '1e-6'"),
        (
            {"accuracy": 1e-6, "windows": 2},
            r"accuracy cannot be had with windows=2; drop it, or give windows=1",
        ),
    ],
)
def test_what_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        solve(build("heat"), **given)
