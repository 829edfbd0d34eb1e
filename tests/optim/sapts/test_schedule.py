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
    schedule = LocalStepSchedule(Sweep(local_steps=6, low=0.1, high=0.3), RadiusRule(), 0.5)
    assert schedule.steps == 4 and schedule.due
    once = swept(SubdomainStats(0, work=1.0))
    for rho, steps in ((0.9, 5.0), (0.2, 5.0), (0.9, 6.0), (0.9, 6.0), (0.05, 3.6)):
        schedule.after_sweep(rho, 0.5, 1.0, once, shared=True, groups=1)
        assert schedule.steps == pytest.approx(steps), (
            "between low and high it stays; never more than allowed"
        )
    for _ in range(9):
        schedule.after_sweep(-math.inf, 0.0, 1.0, once, shared=True, groups=1)
    assert schedule.steps == 1.0 and not schedule.due, "the next steps are plain"


def test_blocks_must_earn_as_much_per_work_as_plain_steps() -> None:
    """A plain step of two groups that halves f; the longest group of the sweep took 3 units of work."""
    schedule = LocalStepSchedule(Sweep(), RadiusRule(), 0.5)
    schedule.after_plain_step(1.0, 0.5, 0.2, groups=2)
    assert schedule.plain_rate == pytest.approx(2 * math.log(2))
    work = swept(SubdomainStats(0, work=3.0), SubdomainStats(1, work=1.0))
    enough = 2 * math.log(2) * (3.0 + 1 / 2)
    schedule.after_sweep(0.9, 1.001 * enough, 1.0, work, shared=False, groups=2)
    assert (schedule.unpaid, schedule.steps) == (0, 5.0)
    schedule.after_sweep(0.9, 0.999 * enough, 1.0, work, shared=False, groups=2)
    assert (schedule.unpaid, schedule.steps) == (1, 3.0), "as predicted, and still not worth its work"


def test_sweeps_are_tried_again_later_each_time_they_did_not_pay() -> None:
    waits = []
    for unpaid in (0, 1, 3):
        schedule = LocalStepSchedule(Sweep(), RadiusRule(), 0.5)
        schedule.steps, schedule.unpaid, count = 1.0, unpaid, 0
        while not schedule.due:
            schedule.after_plain_step(1.0, 0.9, 0.9, groups=1)
            count += 1
        waits.append(count)
    assert waits == [math.ceil(math.log(2) / math.log(1 + 0.1 / 2**unpaid)) for unpaid in (0, 1, 3)]
    assert waits[0] == 8


def test_the_radius_follows_adaptive_sweeps_and_stays_with_a_fixed_number_of_steps() -> None:
    rule, once = RadiusRule(), swept(SubdomainStats(0, length=2.0, work=1.0))
    schedule = LocalStepSchedule(Sweep(local_steps=6), rule, 0.5)
    assert schedule.reach == rule.reach(0.5, 6)
    for rho, length in ((-1.0, 2.0), (0.99, 0.9), (0.5, 0.1)):
        expected = rule.next_reach(schedule.reach, rho, length)
        schedule.after_sweep(rho, 0.5, length, once, shared=True, groups=1)
        assert schedule.reach == expected
    assert schedule.reach == 2.0, "half of the way of the first, and twice as much after the second"
    fixed = LocalStepSchedule(Sweep(adaptive=False, local_steps=3), rule, 0.5)
    before = fixed.state_dict()
    fixed.after_sweep(-1.0, 0.0, 2.0, once, shared=False, groups=1)
    assert fixed.state_dict() == before and fixed.steps == 3.0 and fixed.due


def test_what_was_learnt_goes_through_a_saved_state() -> None:
    schedule, again = (LocalStepSchedule(Sweep(), RadiusRule(), radius) for radius in (0.5, 2.0))
    schedule.after_plain_step(1.0, 0.5, 0.9, groups=1)
    schedule.after_sweep(-1.0, 0.0, 0.3, swept(SubdomainStats(0, work=1.0)), shared=False, groups=1)
    again.load_state_dict(schedule.state_dict())
    known = ("steps", "reach", "eta", "plain_rate", "unpaid")
    assert [getattr(again, name) for name in known] == [getattr(schedule, name) for name in known]
