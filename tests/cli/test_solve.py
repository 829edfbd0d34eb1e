"""`sapts-pinn solve`: the run folder, resuming, parts."""

import csv
import json

import torch

from command_line import FILES, QUICK, RESULT, USERS_FILE, command, run
from sapts_pinn import solve
from sapts_pinn.problems.zoo import build
from sapts_pinn.results.solution import Solution


def test_solve_writes_the_run_folder_and_a_summary(tmp_path):
    status, out, err = run("solve", "poisson-1d", "--budget", "12 iterations", *QUICK, cwd=tmp_path)
    folder = tmp_path / "runs" / "poisson-1d-tr-seed0"
    assert status == 0 and {p.name for p in folder.iterdir()} == FILES
    assert out.startswith("poisson-1d by tr: budget spent (12 iterations)") and "relative L2 error" in out
    assert "runs/poisson-1d-tr-seed0" in out.splitlines()[-1]
    assert "step 12" in err and "loss" in err and "Warning" not in err
    result = json.loads((folder / "result.json").read_text())
    assert set(RESULT.split()) <= set(result)
    config = json.loads((folder / "config.json").read_text())
    assert config["source"] == "poisson-1d" and config["network"] == [6] and config["points"] == 64
    assert {"torch", "python", "sapts_pinn", "git_commit"} <= set(config["versions"])
    with (folder / "history.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 12


def test_json_is_all_there_is_on_standard_output(tmp_path):
    (tmp_path / "mine.py").write_text(USERS_FILE)
    arguments = ["solve", "mine.py:heat", "--budget", "3 iterations", "--json", "--no-symmetry", *QUICK]
    status, out, err = run(*arguments, cwd=tmp_path)
    folder = tmp_path / "runs" / "mine-tr-seed0"
    assert status == 0 and out == (folder / "result.json").read_text()
    assert "the user's file prints" in err
    notes = [line for line in err.splitlines() if line.startswith("note: contradictory conditions")]
    assert len(notes) == 1 and "Warning" not in err
    config = json.loads((folder / "config.json").read_text())
    assert config["source"] == f"{tmp_path / 'mine.py'}:heat" and config["symmetry"] is False


def test_a_resumed_run_equals_one_in_one_piece(tmp_path, capsys):
    whole = solve(
        build("poisson-1d"), budget="9 iterations", network=(6,), points=64, resample=5, adaptive=0.25
    )
    common = ["--network", "6", "--points", "64", "--resample", "5", "--adaptive", "0.25", "--quiet"]
    command(capsys, "solve", "poisson-1d", "--budget", "4 iterations", "--out", tmp_path / "r", *common)
    status, _, err = command(
        capsys, "solve", "poisson-1d", "--resume", tmp_path / "r", "--budget", "9 iterations"
    )
    assert status == 0, err
    parts = Solution.load(tmp_path / "r").model.state_dict()
    assert all(
        torch.equal(a, b) for a, b in zip(whole.model.state_dict().values(), parts.values(), strict=True)
    )


def test_a_failed_run_is_exit_status_1(tmp_path, capsys):
    (tmp_path / "f.py").write_text(
        "import torch\nfrom sapts_pinn import Problem\nfrom sapts_pinn.geometry import Interval\n"
        "p = Problem(Interval(0, 1), 'u', lambda u: torch.sqrt(u.value - 0.4) + u.xx)\n"
    )
    status, _, err = command(
        capsys, "solve", tmp_path / "f.py", "--budget", "3 iterations", "--out", tmp_path / "r", *QUICK
    )
    assert status == 1 and "failed: the loss is nan" in err and "Traceback" not in err
    assert json.loads((tmp_path / "r" / "result.json").read_text())["status"].startswith("failed")


def test_parts_are_logged_on_standard_error(tmp_path, capsys):
    arguments = ["solve", "poisson-1d", "--method", "sapts-d", "--parts", "2", "--log-parts", *QUICK]
    status, out, err = command(capsys, *arguments, "--budget", "3 iterations", "--out", tmp_path / "r")
    assert status == 0 and "part  visits" in err and "part  visits" not in out
    assert json.loads((tmp_path / "r" / "result.json").read_text())["parts"] == 2
    assert "Sweeps of the parts" in (tmp_path / "r" / "report.html").read_text()
    arguments[3] = "tr"
    assert command(capsys, *arguments, "--out", tmp_path / "s")[0] == 2
    plain = ["solve", "poisson-1d", "--log-parts", "--budget", "2 iterations", *QUICK]
    status, out, err = command(capsys, *plain, "--out", tmp_path / "t")
    assert status == 0 and err.startswith("This method has no parts")
    assert "Sweeps of the parts" not in (tmp_path / "t" / "report.html").read_text()
