"""The suite `supervised`: small runs from end to end, and wrong input."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from benched import Row, in_this_process, made_up
from sapts_pinn.bench import main
from sapts_pinn.bench.suites import supervised
from sapts_pinn.supervised import tasks


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


@pytest.mark.slow
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
