"""Tables and figures of the suite `supervised`, from made-up rows."""

from __future__ import annotations

import math

import pytest

from benched import made_up
from sapts_pinn.bench.harness import supervised_report
from sapts_pinn.bench.harness.supervised_report import SECONDS, WORK

ROWS = [
    made_up("tr", 0, 0.02, pace=2.0),
    made_up("tr", 1, 0.04, pace=2.0),
    made_up("adam", 0, math.nan, lr=1e-2),
    made_up("adam", 0, 0.03, lr=1e-3),
    made_up("adam", 0, 0.05, lr=1e-4),
    made_up("adam", 1, 0.06, lr=1e-3),
]


def test_a_table_takes_the_best_rate_and_compares_at_equal_work_and_time() -> None:
    title, columns, body = supervised_report.final_table(ROWS, "mnist", ["tr", "adam"], [0, 1], ["adam"])
    assert "accuracy" in title and "larger is better" in title and columns[-1] == "to adam, equal time"
    tr, adam = body
    # At work 4 it has done 2 of its 4 seconds, when the errors of both seeds are 0.225; adam has ended.
    assert tr[:7] == ["tr", "-", "2/2", "97.00 (96.00..98.00)", "8.0", "10.0", "4.0"]
    assert tr[7:] == ["-18.00 at 4", "+1.50 at 4"]
    assert adam[:4] == ["adam", "0.001", "2/2", "95.50 (94.00..97.00)"] and adam[-1] == ""
    title, columns, body = supervised_report.sweep_table(ROWS, "mnist", ["adam"], 0)
    assert columns[1:] == ["0.0001", "0.001", "0.01"] and body == [["adam", "95.00", "97.00", "diverged"]]


def test_a_text_is_shown_in_nats_and_what_is_missing_as_such() -> None:
    rows = [{**row, "task": "tinyshakespeare"} for row in ROWS[:2]]
    methods = ["tr", "sgd"]
    title, columns, body = supervised_report.final_table(rows, "tinyshakespeare", methods, [0, 1, 2], ["sgd"])
    assert "smaller is better" in title and "test nats per character" in columns
    assert body[0][2:4] == ["2/3", "0.030 (0.020..0.040)"] and body[0][-1] == "-"
    assert body[1][:4] == ["sgd", "-", "0/3", "-"]


def test_the_best_so_far_is_kept_and_interpolated() -> None:
    row = {"curve": [[0, 0, 0.8], [2, 1, 0.4], [4, 3, 0.6], [6, 4, math.nan]]}
    assert supervised_report.best_until(row, 1.0, WORK) == pytest.approx(0.6)
    assert supervised_report.best_until(row, 5.0, WORK) == pytest.approx(0.4)
    assert supervised_report.best_until(row, 0.5, SECONDS) == pytest.approx(0.6)


def test_figures_of_the_sensitivity() -> None:
    rows = [made_up("tr", 0, 0.02 * k, radius=10.0**-k) for k in (1, 2, 3)]
    rows += [made_up("adam", 0, m, lr=r) for r, m in ((1e-3, 0.05), (1e-2, 0.5), (1e-1, math.nan))]
    found = supervised_report.figures(rows, "mnist", ["tr", "adam", "sgd"])
    assert found["tr"] == pytest.approx({"best": 98, "worst": 94, "median": 96, "worst_minus_best": -4})
    assert found["adam"]["median"] == pytest.approx(50) and found["adam"]["worst"] == -math.inf
    _, _, body = supervised_report.sensitivity_table(rows, "mnist", ["tr", "adam", "sgd"], [1e-2, 1e-1])
    assert body[0] == ["tr", "96.00", "98.00", "98.00", "94.00", "96.00", "-4.00"]
    assert body[1][2:] == ["diverged", "95.00", "diverged", "50.00", "diverged"]
    assert body[2] == ["sgd", *["-"] * 6]
