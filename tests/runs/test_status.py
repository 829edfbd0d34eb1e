"""The sentence of each reason to stop, and the reason that a sentence tells."""

import json
import pickle

import pytest

from sapts_pinn.runs.status import Status, StopReason

SENTENCES = {
    StopReason.RUNNING: "",
    StopReason.BUDGET: "budget spent (12 iterations)",
    StopReason.TARGET: "target error 0.1 reached",
    StopReason.ACCURATE: "accuracy 0.1 reached by the error estimate",
    StopReason.CONVERGED: "converged to working precision",
    StopReason.OBJECTED: "stopped: no step lowers the loss, but the audit objects",
    StopReason.EXHAUSTED: "stopped: the method has nothing left to try",
    StopReason.STALLED: "stopped: the loss falls no more",
    StopReason.INTERRUPTED: "interrupted by SIGTERM",
    StopReason.FAILED: "failed: the loss is nan after 3 steps",
    StopReason.UNFINISHED: "unfinished: this is its last checkpoint",
    StopReason.REQUESTED: "the loss has not improved for 3 steps",
}


@pytest.mark.parametrize("reason", StopReason)
def test_a_sentence_tells_its_reason(reason):
    text = SENTENCES[reason]
    status = Status.parse(json.loads(json.dumps(Status(text))))
    assert (status, status.reason) == (text, reason)
    assert pickle.loads(pickle.dumps(Status(text, StopReason.REQUESTED))).reason is StopReason.REQUESTED


def test_a_detail_goes_into_the_sentence():
    assert StopReason.BUDGET.status("5s") == "budget spent (5s)"
    assert StopReason.FAILED.status("{x}").reason is StopReason.FAILED


@pytest.mark.parametrize("text", ["failed to improve", "interruption wanted", "stopped by hand", "budgets"])
def test_words_of_a_callback_are_no_failure(text):
    assert Status(text).reason is StopReason.REQUESTED


def test_the_budget_of_windows_is_a_budget():
    assert Status.parse("budget spent (9 iterations), 3 windows").reason is StopReason.BUDGET
    assert not Status()
