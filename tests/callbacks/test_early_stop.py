"""Early stop: a run without progress ends after the given patience."""

import math

import pytest

from heat import SHORT, heat
from runs_seen import seen
from sapts_pinn import solve
from sapts_pinn.callbacks import EarlyStop


def test_early_stop_ends_a_run_without_progress():
    solution = solve(
        heat(), method="adam", budget="200 iterations", callbacks=[EarlyStop(3, factor=1e-3)], **SHORT
    )
    assert solution.result["iterations"] == 4
    assert solution.result["status"] == "the loss has not improved for 3 steps"


@pytest.mark.parametrize("factor", [0.5, 0.9])
def test_a_fall_counts_if_it_is_by_the_factor_below_the_best(factor):
    stop, run = EarlyStop(3, factor), seen()
    losses = [1.0, 0.8, 0.7, 0.41, 0.9, math.nan, 0.4, 0.39]
    best, since, asked = math.inf, 0, []
    for loss in losses:
        best, since = (loss, 0) if loss < factor * best else (best, since + 1)
        asked.append(since >= 3)
        run.loss = loss
        stop.on_step(run)
        assert bool(run.stopped) == any(asked)
    assert run.stopped[0] == "the loss has not improved for 3 steps"
