"""Counts of work and progress of sweeps and plain steps."""

from __future__ import annotations

import math

import pytest
import torch

from draws import rng
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim.earnings import Earnings
from sapts_pinn.optim.methods import METHODS
from sapts_pinn.problems import build


def test_gains_add_up_and_shares_are_of_the_total() -> None:
    earned = Earnings()
    assert earned.words == "" and math.isnan(earned.share_of_gain) and math.isnan(earned.share_of_work)
    earned.add_sweep(3.0, 8.0, 2.0, True)
    earned.add_sweep(1.0, 2.0, 2.0, False)
    earned.add_plain_step(1.0, 2.0, 1.0)
    assert earned.sweep_gain == pytest.approx(math.log(4)) and earned.plain_gain == pytest.approx(math.log(2))
    assert (earned.sweeps, earned.accepted, earned.plain_steps) == (2, 1, 1)
    assert earned.share_of_gain == pytest.approx(2 / 3) and earned.share_of_work == pytest.approx(4 / 5)
    assert earned.words == "1 of 2 sweeps over the parts were taken: 67% of the progress for 80% of the work"
    assert Earnings.of(earned.state_dict()) == earned and Earnings.of(None) == Earnings()


def test_parts_that_earned_nothing_are_told() -> None:
    earned = Earnings()
    earned.add_sweep(3.0, 2.0, 2.0, False)
    assert "the loss has not fallen" in earned.words
    earned.add_plain_step(1.0, 2.0, 1.0)
    assert "0 of 1 sweeps over the parts were taken: the parts earned nothing (0% of" in earned.words
    assert "75% of the work" in earned.words


def test_a_loss_that_is_zero_or_unknown_counts_as_no_gain() -> None:
    earned = Earnings()
    earned.add_plain_step(1.0, math.nan, 1.0)
    earned.add_sweep(1.0, 1.0, 0.0, True)
    assert earned.plain_gain == earned.sweep_gain == 0.0


@pytest.mark.parametrize("name", ["sapts-d", "sapts-p"])
def test_of_a_run_they_are_all_of_its_work_and_progress(name: str) -> None:
    """Work as the objective counts it, progress from the first loss to the last."""
    problem, generator = build("burgers"), rng(0)
    network = build_network((8, 8), len(problem.ansatz.feature_names), 1, generator, torch.float64)
    model = Model(problem, network)
    objective = LeastSquares(model, {t.name: t.sites(200, generator, "uniform") for t in problem.terms})
    optimizer = METHODS[name].phases[0].make(objective.parameters, parts=2, batch=1.0)
    first = objective.value()
    for _ in range(40):
        last = float(optimizer.step(objective))
    earned = optimizer.earned
    assert earned is not None and earned.sweeps > 0
    assert earned.plain_steps > 0 if name == "sapts-p" else earned.sweeps > earned.plain_steps
    assert earned.sweep_work + earned.plain_work == pytest.approx(objective.counters.gradients)
    assert earned.sweep_gain + earned.plain_gain == pytest.approx(math.log(first / last))


def test_shares_are_known_as_soon_as_anything_was_earned() -> None:
    earned = Earnings()
    earned.add_sweep(0.25, 1.25, 1.0, True)
    assert earned.share_of_gain == 1.0 and earned.share_of_work == 1.0
    earned.add_plain_step(0.25, 1.0, 0.8)
    assert earned.share_of_gain == pytest.approx(0.5) and earned.share_of_work == 0.5
