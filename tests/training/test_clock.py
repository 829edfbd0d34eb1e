"""Time, work and budget of a run, and the agreement of ranks on when to stop."""

from typing import Any

import pytest

from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.runs.status import Status, StopReason
from sapts_pinn.training import clock as module
from sapts_pinn.training.budget import Budget
from sapts_pinn.training.clock import Clock


class TwoRanks(SingleProcess):
    """This process and another, whose answers are made from those of this one."""

    def __init__(self, other: Any) -> None:
        super().__init__()
        self.size, self.other, self.asked = 2, other, 0

    def gather_objects(self, value: Any) -> list[Any]:
        self.asked += 1
        return [value, self.other(value)]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    time = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: time[0])
    return time


def test_seconds_go_on_over_sessions_and_leave_out_what_was_discounted(now):
    clock = Clock(Budget(seconds=20), started=90.0)
    clock.restore(5.0, (3.0, 2.0), None)
    now[0] += 50  # the data are read
    clock.start(7)
    now[0] += 4
    clock.discount(1.0)
    assert clock.seconds == clock.common_seconds == 8 and clock.seconds_left == 12
    assert clock.used(9) == pytest.approx(0.4) and clock.total_work() == [3.0, 2.0]
    assert clock.deadline == now[0] + 12 + module.ASK_EVERY
    clock.step_accepted()
    now[0] += 1
    clock.step_accepted()
    assert clock.seconds_to_first_step == 64


def test_the_first_reason_counts_and_the_budget_is_the_last():
    clock = Clock(Budget(iterations=3))
    assert not clock.ending(1, Status(), False)
    converged = StopReason.CONVERGED.status()
    assert clock.ending(3, Status(), False).reason is StopReason.BUDGET
    assert clock.ending(3, converged, True) == converged
    clock.request_stop("enough")
    clock.request_stop("more than enough")
    assert clock.ending(2, converged, True) == "enough"


def test_ranks_that_converge_together_say_so_whatever_one_of_them_was_asked():
    clock, converged = Clock(Budget(iterations=9), TwoRanks(lambda mine: mine)), StopReason.CONVERGED.status()
    clock.request_stop("this rank has seen enough")
    assert clock.ending(3, converged, True) == converged


def test_ranks_ask_once_in_a_while_and_take_the_reason_of_any(now):
    ranks = TwoRanks(lambda mine: mine)
    clock = Clock(Budget(seconds=100), ranks)
    clock.start(0)
    now[0] += 0.1
    assert not clock.ending(1, Status(), False) and ranks.asked == 1
    for iteration in range(2, 11):  # ten steps a second
        assert not clock.ending(iteration, Status(), False)
    assert ranks.asked == 1
    ranks.other = lambda mine: (StopReason.TARGET.status(0.1), *mine[1:])
    assert clock.ending(11, Status(), False) == "target error 0.1 reached" and ranks.asked == 2


def test_ranks_know_the_last_step_without_asking():
    ranks = TwoRanks(lambda mine: mine)
    clock = Clock(Budget(iterations=5), ranks)
    assert clock.ending(5, Status(), False).reason is StopReason.BUDGET and not ranks.asked


def test_the_work_of_ranks_that_are_gone_is_estimated():
    clock = Clock(Budget(), TwoRanks(lambda mine: (mine[0] + 1, mine[1])))
    clock.counters.functions, clock.counters.gradients = 4.0, 2.0
    assert clock.total_work() == [9.0, 4.0]
    clock.counters.functions = 6.0
    clock.leave()
    assert clock.apart and clock.total_work() == [13.0, 4.0]
