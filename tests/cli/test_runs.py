"""Folders and ranks of the commands that train."""

import json
import re
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from command_line import FILES, QUICK, command, ranks, wait_for
from sapts_pinn.cli import runs


def test_folders_are_numbered_and_overwriting_is_asked_for(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert command(capsys, "solve", "poisson-1d", "--budget", "1 iteration", "--quiet", *QUICK)[0] == 0
    assert sorted(p.name for p in Path("runs").iterdir()) == ["poisson-1d-tr-seed0", "poisson-1d-tr-seed0-2"]
    again = [
        "solve",
        "poisson-1d",
        "--budget",
        "2 iterations",
        "--out",
        "runs/poisson-1d-tr-seed0",
        "--quiet",
        *QUICK,
    ]
    assert command(capsys, *again)[0] == 2
    assert command(capsys, *again, "--overwrite")[0] == 0
    assert json.loads(Path("runs/poisson-1d-tr-seed0/result.json").read_text())["iterations"] == 2


def test_parts_that_ranks_cannot_share_evenly_become_one_each():
    settings = {"method": "sapts-d", "options": {"parts": 4, "radius": 0.5}}
    runs.fit_ranks(settings, 2)
    assert settings["options"] == {"parts": 4, "radius": 0.5}
    with pytest.warns(UserWarning, match="4 parts, which 3 ranks cannot share evenly; it goes on with 3"):
        runs.fit_ranks(settings, 3)
    assert settings["options"] == {"radius": 0.5}


@pytest.mark.slow
def test_ranks_speak_with_one_voice_stop_in_order_and_go_on(tmp_path, capsys):
    process = ranks(
        2, "poisson-1d", "--method", "sapts-d", "--parts", "2", "--budget", "1h", *QUICK, cwd=tmp_path
    )
    folder = tmp_path / "runs" / "poisson-1d-sapts-d-seed0"
    wait_for((folder / "config.json").is_file, process)
    time.sleep(1.0)
    process.send_signal(signal.SIGTERM)  # torchrun's own traceback about it cannot be helped
    out, err = process.communicate(timeout=60)
    assert process.returncode and out.count("interrupted by SIGTERM") == 1
    hint = "continue with: torchrun --nproc-per-node 2 -m sapts_pinn solve --resume "
    assert err.count(hint) == 1 and {p.name for p in folder.iterdir()} == FILES
    steps = json.loads((folder / "result.json").read_text())["iterations"]
    status, _, err = command(capsys, "solve", "--resume", folder, "--budget", f"{steps + 1} iterations")
    assert status == 0, err
    result = json.loads((folder / "result.json").read_text())
    assert (result["world_size"], result["parts"], result["iterations"]) == (1, 2, steps + 1)


def test_no_file_is_executed_because_a_folder_names_it():
    how = "sapts-pinn solve FILE --resume r"
    assert runs.named_problem(None, {"source": "heat"}, how) == "heat"
    assert runs.named_problem("mine.py:u", {"source": "heat"}, how) == "mine.py:u"
    told = "if you trust the file, give it: sapts-pinn solve 'a b.py:u' --resume r"
    with pytest.raises(ValueError, match=re.escape(told)):
        runs.named_problem(None, {"source": "a b.py:u"}, how)
    with pytest.raises(ValueError, match=r"does not say which .*: sapts-pinn solve FILE\.py --resume r"):
        runs.named_problem(None, {}, how)


def test_names_of_folders_hold_no_signs_and_are_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert runs.fresh_folder("a/b c*-1") == Path("runs/a-b-c--1")
    for name in ("heat", "heat-2"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert runs.fresh_folder("heat") == Path("runs/heat-3")


def test_a_picture_that_fails_costs_no_other(capsys):
    made = []
    runs.draw([("one", lambda: 1 / 0), ("two", lambda: made.append(2))])
    assert made == [2]
    assert capsys.readouterr().err == "note: one could not be made (ZeroDivisionError: division by zero)\n"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("budget spent (3 iterations)", 0),
        ("converged to working precision", 0),
        ("interrupted by SIGTERM", 1),
        ("failed: the loss is nan after 3 steps", 1),
    ],
)
def test_exit_status_follows_the_run(status, code):
    assert runs.exit_status(SimpleNamespace(result={"status": status})) == code
