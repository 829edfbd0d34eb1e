"""Early stop: a run without progress ends after the given patience."""

from heat import SHORT, heat
from sapts_pinn import solve
from sapts_pinn.callbacks import EarlyStop


def test_early_stop_ends_a_run_without_progress():
    solution = solve(
        heat(), method="adam", budget="200 iterations", callbacks=[EarlyStop(3, factor=1e-3)], **SHORT
    )
    assert solution.result["iterations"] == 4
    assert solution.result["status"] == "the loss has not improved for 3 steps"
