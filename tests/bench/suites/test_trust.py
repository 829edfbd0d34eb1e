"""The suite `trust`: its table, and what it calls right, told and silent."""

import math

import pytest

from benched import run_suite
from sapts_pinn.bench.suites.trust import deviation, judged


def test_trust(tmp_path, capsys, here):
    arguments = ["--parts", "cases", "--cases", "16", "--budget", "2 iterations", "--threads", "1"]
    found, _ = run_suite("trust", arguments, tmp_path, capsys)
    assert [row["outcome"] for row in found["rows"]] != [] and all("words" in row for row in found["rows"])


def row(found, expected=1.0, estimate=None, words=(), status="budget spent (30s)"):
    return {
        "found": found,
        "expected": expected,
        "estimate": estimate,
        "words": list(words),
        "status": status,
    }


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (row(1.005), "right"),
        (row(1.2), "SILENT"),
        (row(1.2, estimate=0.1), "told"),
        (row(1.2, estimate=1e-3), "SILENT"),
        (row(1.2, words=["the initial value has a kink"]), "told"),
        (row(math.nan), "SILENT"),
        (row(1.2, status="failed: the loss is nan"), "told"),
        (row(0.0, expected=None), "SILENT"),
        (row(0.0, expected=None, words=["zero is a solution"]), "told"),
    ],
)
def test_outcomes(given, outcome):
    assert judged(given, 0.01) == outcome


def test_deviation_is_relative():
    assert deviation(row(3.0, expected=-2.0)) == pytest.approx(2.5)
    assert deviation(row(1.0, expected=None)) is None
