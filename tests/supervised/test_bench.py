"""The supervised suite: its tables from a made-up journal, small runs from end to end, wrong input."""

from __future__ import annotations

import json
import math
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import torch

from sapts_pinn.bench import main
from sapts_pinn.bench.harness import supervised_report
from sapts_pinn.bench.harness.supervised_report import SECONDS, WORK
from sapts_pinn.bench.suites import supervised
from sapts_pinn.supervised import tasks

Row = dict[str, Any]


def made_up(method: str, seed: int, final: float, pace: float = 1.0, **options: float) -> Row:
    """A run of 4 seconds whose error falls from 0.9 by halves; with a pace it does so much work a second."""
    curve = [[pace * t, float(t), max(0.9 * 0.5**t, final)] for t in range(4)] + [[4 * pace, 4.0, final]]
    return {
        "task": "mnist", "method": method, "budget": "4s", "seed": seed, **options, "metric": final,
        "curve": curve, "gradient_evaluations": 4 * pace, "function_evaluations": 5 * pace, "seconds": 4.0,
        "iterations": 9, "loss": 0.1, "status": "budget spent (4s)",
    }  # fmt: skip


ROWS = [
    made_up("tr", 0, 0.02, pace=2.0),
    made_up("tr", 1, 0.04, pace=2.0),
    made_up("adam", 0, math.nan, lr=1e-2),
    made_up("adam", 0, 0.03, lr=1e-3),
    made_up("adam", 0, 0.05, lr=1e-4),
    made_up("adam", 1, 0.06, lr=1e-3),
]


def in_this_process(function: Any, **arguments: Any) -> Any:
    with redirect_stdout(sys.stderr):  # as a child does
        return json.loads(json.dumps(function(**arguments)))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(supervised, "in_child", in_this_process)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def run(folder: Path, data: Path, *arguments: str) -> dict[str, Any]:
    command = ["supervised", *arguments, "--threads", "1", "--data", str(data), "--out", str(folder)]
    assert main(command) == 0
    found: dict[str, Any] = json.loads((folder / "bench.json").read_text())
    return found


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


def test_the_suite_from_end_to_end(
    small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], here: None
) -> None:
    arguments = ["--tasks", "mnist", "--methods", "tr,adam", "--budget", "3 iterations"]
    found = run(tmp_path, small_data, *arguments, "--seeds", "0,1")
    assert len(found["rows"]) == 2 + 6 + 1
    assert found["learning_rates"]["mnist"]["adam"] in supervised.RATES["adam"]
    for row in found["rows"]:
        curve = row["curve"]
        assert curve[0][:1] == [0.0] and len(curve) == 4 and curve[-1][2] == row["metric"]
        assert curve[-1][0] == row["gradient_evaluations"] and row["iterations"] == 3
        assert row["seconds"] >= curve[-1][1]
    assert (tmp_path / found["picture"]).stat().st_size > 0
    out = capsys.readouterr().out
    for word in ("machine", "float32", "threads 1", "mnist 3 iterations", "seeds 0, 1", "linear decay"):
        assert word in out
    assert "| tr | - | 2/2 |" in (tmp_path / "supervised.md").read_text()
    assert "favours them" in out


@pytest.mark.parametrize("task", ["cifar10", "tinyshakespeare"])
def test_constant_rates_on_other_tasks(task: str, small_data: Path, tmp_path: Path, here: None) -> None:
    arguments = ["--tasks", task, "--methods", "sgd", "--budget", "1 iterations", "--seeds", "0"]
    found = run(tmp_path, small_data, *arguments, "--constant")
    assert all(row["decay"] is False for row in found["rows"]) and len(found["rows"]) == 6


def test_the_sensitivity_from_end_to_end(small_data: Path, tmp_path: Path, here: None) -> None:
    arguments = ["--sensitivity", "--tasks", "mnist", "--methods", "tr,sgd", "--budget", "1 iterations"]
    found = run(tmp_path, small_data, *arguments)
    assert len(found["rows"]) == 14 and set(found["figures"]["mnist"]) == {"tr", "sgd"}
    assert (tmp_path / found["picture"]).stat().st_size > 0
    assert "worst - best" in (tmp_path / "supervised-sensitivity.md").read_text()


def test_a_time_budget_is_spent_on_training(
    small_data: Path, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measurements are off the clock: three seconds of them, here."""
    outputs = tasks.outputs
    monkeypatch.setattr(tasks, "outputs", lambda *given: [time.sleep(0.3), outputs(*given)][1])
    row = supervised.measure("mnist", "sgd", "0.5s", 0, {"lr": 0.1}, 1, str(small_data))
    seconds = [at for _, at, _ in row["curve"]]
    assert len(seconds) >= 10 and sorted(seconds) == seconds and 0.5 <= row["seconds"] < 2.5


def test_it_goes_on_where_it_was_and_a_failure_does_not_end_it(
    small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, stop = [], [True]

    def child(function: Any, method: str, seed: int, options: dict[str, float], **rest: Any) -> Row:
        calls.append((method, seed, options.get("lr")))
        if method == "tr" and seed == 0:
            raise RuntimeError("the child process of supervised {...} failed: killed by SIGKILL")
        if options.get("lr") == 1e-2 and stop.pop():
            raise KeyboardInterrupt
        return made_up(method, seed, abs(options.get("lr", 1.0) - 3e-3))

    monkeypatch.setattr(supervised, "in_child", child)
    arguments = ["--tasks", "mnist", "--methods", "tr,adam", "--seeds", "0,1", "--budget", "4s"]
    command = ["supervised", *arguments, "--data", str(small_data), "--out", str(tmp_path)]
    assert main(command) == 1
    said = capsys.readouterr()
    assert "the same command goes on from here" in said.err and "| 0.003 |" not in said.out
    assert "results so far" in said.out
    stop.append(False)
    assert main(command) == 0
    assert calls[6:] == [
        ("tr", 0, None), ("adam", 0, 1e-2), ("adam", 0, 3e-2), ("tr", 1, None), ("adam", 1, 3e-3),
    ]  # fmt: skip
    said = capsys.readouterr()
    assert said.out.count("note: task mnist, method tr, budget 4s, seed 0: killed by SIGKILL") == 1
    assert "tr          -   1/2" in said.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tasks", "mnits"], "there is no data set 'mnits'; did you mean 'mnist'?"),
        (["--methods", "adm"], "there is no method 'adm' for samples; did you mean 'adam'?"),
        (["--seeds", ","], "--seeds is empty; give at least one number"),
        (["--seeds", "0,-1"], "--seeds must be at least 0, not -1"),
        (["--budget", "soon"], "cannot read the budget 'soon'"),
        (["--threads", "0"], "--threads must be at least 1, not 0"),
        (["--data", "file"], "file is a file; give the folder of the data"),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert main(["supervised", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
