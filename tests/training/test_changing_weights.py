"""Weights of soft terms change in the middle of runs: of two sessions, of every optimizer."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from heat import weighted
from sapts_pinn import solve
from sapts_pinn.callbacks import Callback
from sapts_pinn.optim.baselines import LBFGS
from sapts_pinn.optim.sapts.optimizer import SAPTS
from sapts_pinn.optim.trust_region import TrustRegion
from sapts_pinn.results.solution import Solution
from sapts_pinn.training import balancing

SMALL = {"network": (6, 6), "points": 96, "condition_points": 16, "resample": 8}


problem = cache(weighted)

METHODS = ["tr", "tr-gauss-newton", "tr-lbfgs", "adam", "lbfgs", "sapts-d", "sapts-p", "sapts-ip"]
SOON = 12  # instead of FIRST


def settings_of(method: str) -> dict[str, Any]:
    settings: dict[str, Any] = {"method": method, "budget": f"{SOON + 8} iterations", **SMALL}
    if method.startswith("sapts"):
        settings["parts"] = 2
    if method == "lbfgs":
        settings["options"] = {"iterations": 2}
    return settings


@pytest.fixture
def early_changes(monkeypatch):
    monkeypatch.setattr(balancing, "FIRST", SOON)
    monkeypatch.setattr(balancing, "CHANGE", 1.01)  # some methods have not got far by then


@cache
def in_one_session(method: str) -> Solution:
    return solve(problem(), **settings_of(method))


@pytest.mark.usefixtures("early_changes")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "stop",
    [pytest.param(SOON - 3, marks=pytest.mark.slow), SOON, pytest.param(SOON + 4, marks=pytest.mark.slow)],
)
def test_two_sessions_are_one_run_across_a_change(tmp_path: Path, method: str, stop: int):
    class Stop(Callback):
        def on_step(self, trainer):
            if trainer.iteration == stop:
                trainer.stop("interrupted")

    whole, settings = in_one_session(method), settings_of(method)
    solve(problem(), callbacks=[Stop()], out=tmp_path / "run", **settings)
    resumed = solve(problem(), resume=tmp_path / "run", **settings)
    weights = [{k: v for k, v in row.items() if k.startswith("weight_")} for row in whole.history]
    assert weights[SOON] != weights[0]  # there was a change in between
    pairs = zip(whole.model.state_dict().values(), resumed.model.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    kept = ("iteration", "loss", "radius", "accepted", *weights[0])
    assert [[row[k] for k in kept] for row in whole.history] == [
        [row[k] for k in kept] for row in resumed.history
    ]
    assert whole.result["weights"] == resumed.result["weights"]


@pytest.mark.parametrize(("method", "kind"), [("tr", TrustRegion), ("sapts-d", SAPTS), ("lbfgs", LBFGS)])
def test_every_change_makes_the_optimizer_forget_and_nothing_else_does(monkeypatch, method: str, kind: type):
    monkeypatch.setattr(balancing, "FIRST", SOON)
    at: list[int] = []
    changed_before = kind.objective_changed

    class Watch(Callback):
        def on_start(self, trainer):
            def told(optimizer):
                at.append(trainer.iteration)
                changed_before(optimizer)

            monkeypatch.setattr(kind, "objective_changed", told)

    budget = f"{4 * SOON + 2} iterations"
    history = solve(problem(), **{**settings_of(method), "budget": budget}, callbacks=[Watch()]).history
    weights = {row["iteration"]: [v for k, v in row.items() if k.startswith("weight_")] for row in history}
    changed = [i for i in range(1, 4 * SOON + 2) if weights[i] != weights[i + 1]]  # all are recorded
    assert at == changed
    assert set(at) <= {SOON, 2 * SOON, 4 * SOON} and at
