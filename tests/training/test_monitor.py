"""The error is measured now and then, for a small share of the time."""

import pytest

from sapts_pinn.callbacks.base import Estimate
from sapts_pinn.runs.status import StopReason
from sapts_pinn.training import monitor as module
from sapts_pinn.training.budget import Budget
from sapts_pinn.training.clock import Clock
from sapts_pinn.training.monitor import EXPECTED, OF_ESTIMATES, SHARE, ErrorMonitor, EstimateMonitor


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: time[0])
    return time


def test_measuring_takes_its_share_of_the_time(now):
    def measure(model: float) -> float:
        now[0] += 0.1
        return model

    monitor, clock = ErrorMonitor(measure, target=0.25), Clock(Budget())
    assert monitor.is_due(clock, False) and monitor.error is None and not monitor.reached
    monitor.measure(0.5, clock, 1, False)
    assert monitor.column(1) == {"relative_l2_error": 0.5} and monitor.column(2) == {
        "relative_l2_error": None
    }
    now[0] += 0.6
    assert monitor.is_due(clock, False), "the first measurement evaluates the reference as well"
    monitor.measure(0.25, clock, 2, False)
    assert monitor.reached.reason is StopReason.TARGET
    now[0] += 0.1 / SHARE - 0.1
    assert not monitor.is_due(clock, False)
    now[0] += 0.2
    assert monitor.is_due(clock, False)


def test_somebody_else_may_take_over(now):
    monitor, clock = ErrorMonitor(lambda model: 1.0, "test_error_rate"), Clock(Budget())
    measure = monitor.hand_over()
    assert measure is not None and measure(0) == 1.0 and monitor.hand_over() is None
    assert not monitor.is_due(clock, False) and monitor.column(1) == {}
    monitor.measure(0, clock, 1, False)
    assert monitor.error is None


def test_estimates_are_rare(now):
    def estimate(model: float) -> Estimate:
        now[0] += 4.0
        return Estimate(model, reliable=model > 0.2)

    monitor, clock = EstimateMonitor(estimate), Clock(Budget())
    assert monitor.error is None is monitor.estimate and not monitor.is_due(clock, False)
    now[0] += 1.01 * EXPECTED / OF_ESTIMATES
    assert monitor.is_due(clock, False) and not monitor.is_due(clock, True)
    monitor.measure(0.5, clock, 1, False)
    assert (monitor.estimate, monitor.error) == ((0.5, True), None), "an estimate is no measured error"
    assert monitor.column(1) == {"error_estimate": 0.5} and monitor.column(2) == {"error_estimate": None}
    now[0] += 3.9 / OF_ESTIMATES
    assert not monitor.is_due(clock, False)
    now[0] += 0.2 / OF_ESTIMATES
    assert monitor.is_due(clock, False)
    monitor.measure(0.1, clock, 2, False)
    assert monitor.estimate == (0.1, False) and monitor.column(2) == {"error_estimate": None}, "in doubt"
    monitor.finish(0.9, clock, 9, False)
    assert monitor.estimate == (0.1, False), "the examination after the run makes a better one"


def test_an_estimate_that_fails_is_the_last_one(now, caplog):
    def estimate(model: float) -> Estimate:
        raise ZeroDivisionError

    monitor, clock = EstimateMonitor(estimate), Clock(Budget())
    now[0] += 100.0
    with caplog.at_level("INFO", "sapts_pinn"):
        monitor.measure(0.5, clock, 1, False)
    assert monitor.estimate is None and "no error estimates" in caplog.text
    now[0] += 1e6
    assert not monitor.is_due(clock, False)
