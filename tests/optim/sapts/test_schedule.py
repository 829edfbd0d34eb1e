"""Number of local steps: what makes it grow and fall, and when parts see too little."""

from __future__ import annotations

import math

import pytest

from draws import randn
from sapts_pinn.optim.sapts.schedule import LocalStepSchedule
from sapts_runs import pinn, sapts


def test_eta_is_what_the_parts_have_not_seen_of_the_gradients_change() -> None:
    objective = pinn()
    optimizer = sapts(objective, "data", parts=3)
    optimizer.step(objective)
    H = optimizer.curvature.H
    change, seen = randn(len(H), seed=1), randn(len(H), seed=2)
    missed = change - seen
    eta = math.sqrt(float(missed @ H @ missed) / float(change @ H @ change))
    optimizer.schedule.eta = 0.0
    optimizer.schedule.compare(optimizer.curvature, change, seen)
    assert optimizer.schedule.eta == pytest.approx(0.02 * eta, rel=1e-10)
    optimizer.schedule.compare(optimizer.curvature, change, change)
    assert optimizer.schedule.eta == pytest.approx(0.98 * 0.02 * eta, rel=1e-10)


@pytest.mark.parametrize(("eta", "fade"), [(0.99, True), (0.5, False)])
def test_parts_that_see_nothing_fade(monkeypatch: pytest.MonkeyPatch, eta: float, fade: bool) -> None:
    monkeypatch.setattr(LocalStepSchedule, "compare", lambda self, *_: setattr(self, "eta", eta))
    objective = pinn()
    optimizer = sapts(objective, "data", parts=3)
    swept = []
    for _ in range(30):
        optimizer.step(objective)
        swept.append("sweep" in optimizer.info)
    assert any(swept[:3]) and any(swept[-10:]) != fade
