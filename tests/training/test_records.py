"""Rows of the history."""

from types import SimpleNamespace
from typing import Any

from sapts_pinn.objectives.base import Counters
from sapts_pinn.optim.base import StepInfo, SubdomainStats, SweepInfo
from sapts_pinn.optim.earnings import Earnings
from sapts_pinn.training.records import EVERY, Records, sweep_columns


def add(
    records: Records, iteration: int, info: StepInfo, earned: Earnings | None = None, **error: Any
) -> dict[str, Any]:
    start = {"iteration": iteration, "seconds": 0.0, "loss": 1.0}
    objective: Any = SimpleNamespace(last_terms={"equation": 0.75, "u": 0.25})
    sites: Any = {"equation": SimpleNamespace(weight=None), "u": SimpleNamespace(weight=2.0)}
    optimizer: Any = SimpleNamespace(info=info, count=0, earned=earned)
    records.take_terms(info, objective, changed=False)
    records.add(start, objective, sites, optimizer, Counters(), error)
    return records.rows[-1]


def test_terms_are_known_once_a_step_is_accepted():
    records = Records()
    assert add(records, 1, StepInfo(accepted=False, radius=0.5))["loss_equation"] is None
    row = add(records, 2, StepInfo(accepted=True, radius=1.0), relative_l2_error=0.1)
    assert (row["loss_equation"], row["loss_u"], row["weight_u"], row["accepted"]) == (0.75, 0.25, 2.0, 1)
    assert row["relative_l2_error"] == 0.1 and "weight_equation" not in row
    records.forget_terms()
    assert add(records, 3, StepInfo(accepted=False))["loss_equation"] is None


def test_a_row_of_the_same_iteration_is_replaced():
    records = Records()
    add(records, 1, StepInfo(radius=0.5))
    add(records, 1, StepInfo(radius=0.25))
    assert [row["radius"] for row in records.rows] == [0.25]


def test_a_step_of_a_method_with_parts_says_itself_if_it_was_taken():
    """The counts of such a method have a name in common with the figures of a step."""
    row = add(Records(), 5, StepInfo(accepted=False), Earnings(sweeps=4, accepted=3))
    assert (row["accepted"], row["sweeps"], row["sweeps_accepted"]) == (0, 4, 3)


def test_rows_are_dense_at_first():
    records = Records()
    assert all(records.is_due(i) for i in (1, 99, 100, 100 + EVERY)) and not records.is_due(101)
    records.every = 1
    assert records.is_due(101)


def test_columns_of_a_sweep():
    part = SubdomainStats(number=1, gain=0.5, radius=0.1, steps=3, accepted=2, work=4)
    sweep = SweepInfo(rho=0.9, accepted=True, predicted=1.0, before=2.0, local_steps=3)
    row = sweep_columns(StepInfo(sweep=sweep, parts=(part,)), 2)
    assert (row["sweep_rho"], row["sweep_accepted"], row["local_steps"]) == (0.9, 1, 3)
    assert row["part1_gain"] is None and row["part2_gain"] == 0.5 and row["part2_work"] == 4
    plain = sweep_columns(StepInfo(), 1)
    assert (plain["sweep_rho"], plain["sweep_accepted"], plain["local_steps"]) == (None, None, 0)
