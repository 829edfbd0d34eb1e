"""What follows the training may fail: the run still ends with its result."""

import json
import logging

import pytest

from sapts_pinn import solve
from sapts_pinn.problems.zoo import build
from sapts_pinn.solving import examination

FAULTS = {
    "diagnose": ("diagnosis", "burgers-inverse", "the diagnosis of this run could not be found"),
    "uncertainty": (
        "standard_errors",
        "burgers-inverse",
        "the standard errors of this run could not",
    ),
    "numerical_errors": ("numerical_errors", "burgers-inverse", "the numerical errors of this run could not"),
    "audited": ("audit", "poisson-1d", "the audit of this run could not be found"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_what_follows_loses_no_result(tmp_path, monkeypatch, caplog, name):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("unforeseen")

    key, problem, sentence = FAULTS[name]
    monkeypatch.setattr(examination, name, broken)
    with caplog.at_level(logging.WARNING, "sapts_pinn"):
        solution = solve(
            build(problem), budget="2 iterations", network=(4,), points=32, condition_points=8,
            out=tmp_path / "run",
        )  # fmt: skip
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert not result[key] and result["status"] == "budget spent (2 iterations)"
    (remark,) = [text for text in result["remarks"] if text.startswith(sentence)]
    assert "ZeroDivisionError: unforeseen" in remark and remark in str(solution)
    (record,) = [r for r in caplog.records if r.getMessage().startswith(sentence)]
    assert record.name.startswith("sapts_pinn.") and record.exc_info[0] is ZeroDivisionError
