"""Number of local steps: what makes it grow and fall, and when parts see too little."""

from __future__ import annotations

import math

import pytest
import torch

from draws import randn
from sapts_pinn.optim import RadiusRule, Sweep
from sapts_pinn.optim.base import SubdomainStats
from sapts_pinn.optim.sapts.local_solve import Correction
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


def swept(*records: SubdomainStats) -> list[Correction]:
    """Each of a group of its own."""
    return [Correction(torch.zeros(1), torch.zeros(1), [record]) for record in records]


def test_sweeps_that_pay_lengthen_and_others_shorten() -> None:
    schedule = LocalStepSchedule(Sweep(local_steps=6, low=0.1, high=0.3), RadiusRule())
    assert schedule.steps == 4 and schedule.due
    once = swept(SubdomainStats(0, work=1.0))
    for rho, steps in ((0.9, 5.0), (0.2, 5.0), (0.9, 6.0), (0.9, 6.0), (0.05, 3.6)):
        schedule.after_sweep(rho, 0.5, once, shared=True, groups=1)
        assert schedule.steps == pytest.approx(steps), (
            "between low and high it stays; never more than allowed"
        )
    for _ in range(9):
        schedule.after_sweep(-math.inf, 0.0, once, shared=True, groups=1)
    assert schedule.steps == 1.0 and not schedule.due, "the next steps are plain"


def test_blocks_must_earn_as_much_per_work_as_plain_steps() -> None:
    """A plain step of two groups that halves f; the longest group of the sweep took 3 units of work."""
    schedule = LocalStepSchedule(Sweep(), RadiusRule())
    schedule.after_plain_step(1.0, 0.5, 0.2, groups=2)
    assert schedule.plain_rate == pytest.approx(2 * math.log(2))
    work = swept(SubdomainStats(0, work=3.0), SubdomainStats(1, work=1.0))
    enough = 2 * math.log(2) * (3.0 + 1 / 2)
    schedule.after_sweep(0.9, 1.001 * enough, work, shared=False, groups=2)
    assert (schedule.unpaid, schedule.steps) == (0, 5.0)
    schedule.after_sweep(0.9, 0.999 * enough, work, shared=False, groups=2)
    assert (schedule.unpaid, schedule.steps) == (1, 3.0), "as predicted, and still not worth its work"


def test_sweeps_are_tried_again_later_each_time_they_did_not_pay() -> None:
    waits = []
    for unpaid in (0, 1, 3):
        schedule = LocalStepSchedule(Sweep(), RadiusRule())
        schedule.steps, schedule.unpaid, count = 1.0, unpaid, 0
        while not schedule.due:
            schedule.after_plain_step(1.0, 0.9, 0.9, groups=1)
            count += 1
        waits.append(count)
    assert waits == [math.ceil(math.log(2) / math.log(1 + 0.1 / 2**unpaid)) for unpaid in (0, 1, 3)]
    assert waits[0] == 8


def test_of_a_fixed_number_of_steps_the_reach_follows_instead() -> None:
    schedule = LocalStepSchedule(Sweep(adaptive=False, local_steps=3), RadiusRule())
    schedule.after_sweep(-1.0, 0.0, swept(*(SubdomainStats(i, length=i + 1.0) for i in range(2))), False, 2)
    assert schedule.steps == 3.0 and schedule.reach == RadiusRule().next_reach(math.inf, -1.0, 2.0) < 2.0
    again = LocalStepSchedule(Sweep(adaptive=False, local_steps=3), RadiusRule())
    again.load_state_dict(schedule.state_dict())
    assert vars(again).keys() == vars(schedule).keys() and again.reach == schedule.reach
