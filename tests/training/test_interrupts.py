"""Ctrl-C in Python: the first ends a run after its step, the second aborts it."""

import signal
import threading

import pytest

from sapts_pinn import solve
from sapts_pinn.callbacks import Callback
from sapts_pinn.runs.checkpoint import load_checkpoint
from sapts_pinn.runs.status import Status, StopReason
from sapts_pinn.training.interrupts import interruptible
from small_runs import SMALL, At, rod


@pytest.fixture
def listening():
    """Listen to SIGINT, which a shell has its background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_keyboard_interrupt_in_python_returns_what_there_is(tmp_path, listening):
    class Interrupt(Callback):
        def on_step(self, trainer):
            if trainer.iteration == 4:
                signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    for number, callback in enumerate([Interrupt(), At(4, KeyboardInterrupt())]):
        folder = tmp_path / f"run{number}"
        solution = solve(rod(), budget="50 iterations", out=folder, callbacks=[callback], **SMALL)
        assert solution.result["status"].startswith("interrupted") and solution.result["iterations"] == 4
        assert load_checkpoint(folder / "checkpoint.pt")["trainer"]["iteration"] == 4
    assert signal.getsignal(signal.SIGINT) is before


def test_the_first_signal_asks_and_the_second_aborts(listening):
    asked = []
    with interruptible(asked.append):
        signal.raise_signal(signal.SIGINT)
        assert asked == ["interrupted by SIGINT"] and Status(asked[0]).reason is StopReason.INTERRUPTED
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert len(asked) == 1 and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_somebody_else_stays(listening):
    theirs = []
    signal.signal(signal.SIGINT, lambda *_: theirs.append(1))
    handler = signal.getsignal(signal.SIGINT)
    with interruptible(theirs.append):
        signal.raise_signal(signal.SIGINT)
    assert theirs == [1] and signal.getsignal(signal.SIGINT) is handler


def test_beside_the_main_thread_nothing_changes(listening):
    found = []

    def work() -> None:
        with interruptible(found.append):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]
