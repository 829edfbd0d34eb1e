"""Objections that rest on the error estimate."""

import copy

import pytest

from sapts_pinn.results.doubt import TOPIC, object_to
from sapts_pinn.runs.status import StopReason

RESULT = {
    "status": str(StopReason.CONVERGED.status()),
    "audit": {"passed": True, "objections": [], "figures": {"relative_residual": 2e-3}},
    "error_estimate": {"relative": 1.3},
    "diagnosis": {"limit": "capacity", "words": "a larger network"},
}


def objected(**changes):
    result = copy.deepcopy({**RESULT, **changes})
    object_to(result)
    return result


@pytest.mark.parametrize(("error", "said"), [(1.3, "130% of it"), (0.5, "50% of it"), (None, "unknown")])
def test_an_estimate_as_large_as_the_solution_is_objected_to(error, said):
    found = objected(error_estimate={"relative": error})
    (objection,) = found["audit"]["objections"]
    assert objection["topic"] == TOPIC and not found["audit"]["passed"]
    assert said in objection["words"] and "2.0e-03 of the equation's terms" in objection["words"]
    assert found["status"] == StopReason.OBJECTED.status()
    assert found["diagnosis"] == {"limit": TOPIC, "words": objection["words"]}


@pytest.mark.parametrize(
    "changes", [{"error_estimate": {"relative": 0.4}}, {"error_estimate": None}, {"audit": None}]
)
def test_others_are_not(changes):
    assert objected(**changes) == {**RESULT, **changes}


def test_what_is_known_already_is_not_said_again():
    objections = [{"topic": "scale", "words": "too small", "figures": {}}]
    audit = {"passed": False, "objections": objections, "figures": {}}
    assert objected(audit=audit)["audit"]["objections"] == objections


def test_a_run_that_was_too_short_stays_one():
    budget = {"limit": "budget", "words": "give it more time"}
    found = objected(diagnosis=budget, status="budget spent (1s)")
    assert found["diagnosis"] == budget and found["status"] == "budget spent (1s)"
    assert not found["audit"]["passed"]
