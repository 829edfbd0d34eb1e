"""Number of local steps: what makes it grow and fall, and when parts see too little."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator

from draws import randn
from sapts_pinn.optim import RadiusRule, Sweep
from sapts_pinn.optim.base import SubdomainStats
from sapts_pinn.optim.curvature import Identity
from sapts_pinn.optim.sapts.blocks import ParameterDecomposition
from sapts_pinn.optim.sapts.decomposition import Cut
from sapts_pinn.optim.sapts.local_solve import Correction
from sapts_pinn.optim.sapts.schedule import LONG, SELDOM, LocalStepSchedule
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_runs import pinn, sapts


def test_eta_is_what_the_parts_have_not_seen_of_the_gradients_change() -> None:
    objective = pinn()
    optimizer = sapts(objective, "data", parts=3)
    optimizer.step(objective)
    H = optimizer.curvature.H
    change, seen = randn(len(H), seed=1), randn(len(H), seed=2)
    missed = change - seen
    eta = math.sqrt(float(missed @ H @ missed) / float(change @ H @ change))
    schedule = optimizer.schedule
    schedule.eta, schedule.sweeps = 0.0, 0
    schedule.compare(optimizer.curvature, change, seen)
    assert schedule.eta == pytest.approx(LONG * eta, rel=1e-10)
    for _ in range(SELDOM - 1):
        schedule.compare(optimizer.curvature, change, 2 * seen)
        assert schedule.eta == pytest.approx(LONG * eta, rel=1e-10), "only every fourth sweep is measured"
    schedule.compare(optimizer.curvature, change, change)
    assert schedule.eta == pytest.approx((1 - LONG) * LONG * eta, rel=1e-10)


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


def test_sweeps_as_predicted_lengthen_and_others_shorten() -> None:
    schedule = LocalStepSchedule(Sweep(local_steps=6, low=0.1, high=0.3), RadiusRule(), 1.0, True)
    assert schedule.steps == 4 and schedule.due
    once = swept(SubdomainStats(0, work=1.0))
    for rho, steps in ((0.9, 5.0), (0.1, 5.0), (0.3, 5.0), (0.9, 6.0), (0.9, 6.0), (0.05, 3.6)):
        schedule.after_sweep(rho, 0.5, 1.0, once)
        assert schedule.steps == pytest.approx(steps), (
            "between low and high it stays; never more than allowed"
        )
    for _ in range(9):
        schedule.after_sweep(-math.inf, 0.0, 1.0, once)
    assert schedule.steps == 1.0 and not schedule.due, "the next steps are plain"


def test_parts_that_know_too_little_shorten_whatever_rho_is() -> None:
    schedule = LocalStepSchedule(Sweep(), RadiusRule(), 1.0, True)
    schedule.eta = 0.95
    schedule.after_sweep(0.9, 0.5, 1.0, swept(SubdomainStats(0)))
    assert (schedule.unpaid, schedule.steps) == (1, pytest.approx(0.6 * 4))
    schedule.eta = 0.5
    schedule.after_sweep(0.9, 0.5, 1.0, swept(SubdomainStats(0)))
    assert (schedule.unpaid, schedule.steps) == (0, pytest.approx(1.25 * 0.6 * 4))


def test_blocks_sweep_while_stretches_with_sweeps_earn_more() -> None:
    """Plain steps cost one gradient, sweeps the work of all groups and one gradient of the whole."""
    for gain, expected in ((2.0, True), (1.0, False)):  # for 15 gradients
        schedule = LocalStepSchedule(Sweep(), RadiusRule(), 1.0, False)
        work = swept(SubdomainStats(0, work=10.0), SubdomainStats(1, work=4.0))
        for stretch in range(3):
            assert schedule.due == (stretch != 1)
            for _ in range(10 if stretch == 1 else 1):
                if schedule.due:
                    schedule.after_sweep(0.9, gain, 1.0, work)
                else:
                    schedule.after_plain_step(1.0, 0.9, 0.9)
        assert schedule.due == expected == (gain > 15 * -math.log(0.9))


def test_sweeps_are_tried_again_later_each_time_they_did_not_pay() -> None:
    waits = []
    for unpaid in (0, 1, 3):
        schedule = LocalStepSchedule(Sweep(), RadiusRule(), 1.0, True)
        schedule.steps, schedule.unpaid, count = 1.0, unpaid, 0
        while not schedule.due:
            schedule.after_plain_step(1.0, 0.9, 0.9)
            count += 1
        waits.append(count)
    assert waits == [math.ceil(math.log(2) / math.log(1 + 0.1 / 2**unpaid)) for unpaid in (0, 1, 3)]
    assert waits[0] == 8


def test_the_radius_of_sweeps_follows_their_ratio_where_the_number_of_steps_is_adaptive() -> None:
    rule = RadiusRule()
    schedule = LocalStepSchedule(Sweep(local_steps=3), rule, 2.0, True)
    assert schedule.reach == rule.reach(2.0, 3) == 6.0
    schedule.after_sweep(-1.0, 0.0, 2.0, swept(SubdomainStats(0)))
    assert schedule.reach == rule.next_reach(6.0, -1.0, 2.0) == 1.0
    again = LocalStepSchedule(Sweep(local_steps=3), rule, 2.0, True)
    again.load_state_dict(schedule.state_dict())
    assert vars(again).keys() == vars(schedule).keys() and again.reach == schedule.reach
    assert again.regimes == schedule.regimes
    fixed = LocalStepSchedule(Sweep(adaptive=False, local_steps=3), rule, 2.0, True)
    fixed.after_sweep(-1.0, 0.0, 2.0, swept(SubdomainStats(0)))
    assert (fixed.reach, fixed.steps) == (6.0, 3.0), "the optimizer's own radius is theirs"


def test_what_blocks_earn_is_counted_per_gradient_of_all_groups() -> None:
    """A sweep costs the work of all its parts and one gradient of the whole, a plain step one gradient."""
    schedule = LocalStepSchedule(Sweep(), RadiusRule(), 1.0, False)
    schedule.after_sweep(0.9, 0.5, 1.0, swept(SubdomainStats(0, work=2.5), SubdomainStats(1, work=1.25)))
    assert (schedule.regimes.fall, schedule.regimes.work) == (0.5, 4.75)
    schedule.after_plain_step(2.0, 1.0, 0.9)
    assert (schedule.regimes.fall, schedule.regimes.work) == (0.5 + math.log(2.0), 5.75)
    for before, after in ((1.0, 1.0), (1.0, 2.0), (1.0, 0.0)):  # no fall, or one without a logarithm
        schedule.after_plain_step(before, after, None)
    assert (schedule.regimes.fall, schedule.regimes.work) == (0.5 + math.log(2.0), 8.75)
    of_data = LocalStepSchedule(Sweep(), RadiusRule(), 1.0, True)
    of_data.after_sweep(0.9, 0.5, 1.0, swept(SubdomainStats(0, work=2.5)))
    of_data.after_plain_step(2.0, 1.0, 0.9)
    assert of_data.regimes.total == 0.0, "parts that move all parameters are not compared"


def test_what_blocks_cost_is_counted_in_gradients_of_the_batch() -> None:
    """Local steps on a quarter of the points, counted as 0.25 each, cost as much as plain steps there."""
    schedule = LocalStepSchedule(Sweep(), RadiusRule(), 1.0, False)
    schedule.after_sweep(0.9, 0.5, 1.0, swept(SubdomainStats(0, work=0.5)), cost=0.25)
    assert schedule.regimes.work == 3.0
    objective = pinn()
    half = {name: torch.arange(len(s.points) // s.fold)[::2] for name, s in objective.sites.items()}
    cut = Cut(2, "layers", 0.0, True, True, Generator(), SingleProcess())
    batch = objective.restrict(half, estimate=True)
    assert ParameterDecomposition().divide(objective, cut).cost == 1.0
    assert ParameterDecomposition().divide(batch, cut).cost == pytest.approx(0.5, abs=0.05)


def test_while_plain_steps_are_in_force_they_do_not_lengthen_sweeps() -> None:
    schedule = LocalStepSchedule(Sweep(), RadiusRule(), 1.0, False)
    schedule.regimes.in_force = False
    schedule.after_plain_step(2.0, 1.0, 0.9)
    assert schedule.steps == 4.0 and not schedule.due
    schedule.regimes.in_force = True
    schedule.after_plain_step(2.0, 1.0, 0.9)
    assert schedule.steps == pytest.approx(1.1 * 4.0) and schedule.due


class Measured(Identity):
    """The first-order model, with squares of lengths that are given in turn."""

    def __init__(self, *squares: float) -> None:
        super().__init__()
        self.squares = list(squares)

    def square(self, v: torch.Tensor) -> float:
        return self.squares.pop(0)


@pytest.mark.parametrize("squares", [(0.0, 0.0), (0.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (math.nan, math.nan)])
def test_where_the_model_measures_no_length_eta_stays(squares: tuple[float, float]) -> None:
    """Squares are 0 where nothing has changed, negative of an indefinite model, NaN without an inverse."""
    schedule = LocalStepSchedule(Sweep(), RadiusRule(), 1.0, True)
    schedule.eta = 0.5
    schedule.compare(Measured(*squares), torch.ones(2), torch.ones(2))
    assert schedule.eta == 0.5
    schedule.sweeps = 0
    schedule.compare(Measured(1.0, 4.0), torch.ones(2), torch.ones(2))
    assert schedule.eta == pytest.approx(0.5 + LONG * (2.0 - 0.5)), "the second is what was missed"
