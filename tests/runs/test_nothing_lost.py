"""Nothing of the user's is deleted, no run is lost, and nothing runs that the user has not named."""

import json
import os
from pathlib import Path

import pytest
import torch

from preloaded import start
from sapts_pinn import Solution, solve
from sapts_pinn.problems.zoo import build
from sapts_pinn.runs.checkpoint import load_checkpoint
from small_runs import ENVIRONMENT, QUICK, SMALL, At, command, contents, rod

# -- files of others -----------------------------------------------------------------------------------------


def test_show_draws_over_nothing_of_the_users(tmp_path, capsys):
    folder = tmp_path / "run"
    solve(build("poisson-1d"), budget="1 iteration", out=folder, source="poisson-1d", **SMALL)
    (folder / "report.html").write_text("mine")
    before = contents(folder)
    status, _, err = command(capsys, "show", folder)
    assert status == 2 and "report.html" in err and contents(folder) == before


# -- a run that is saved, and goes on ------------------------------------------------------------------------


def test_a_solution_saved_into_its_own_folder_leaves_the_run_resumable(tmp_path):
    folder = tmp_path / "run"
    solution = solve(rod(), budget="3 iterations", out=folder, **SMALL)
    (folder / "notes.txt").write_text("mine")
    solution.save(folder)
    assert load_checkpoint(folder / "checkpoint.pt")["trainer"]["iteration"] == 3
    longer = solve(rod(), budget="9 iterations", resume=folder)
    assert longer.result["iterations"] == 9
    again = Solution.load(folder, rod())  # and not the model that was saved before
    at = {"x": [0.2, 0.7]}
    assert (again.predict(at) == longer.predict(at)).all()
    assert again.result["iterations"] == 9


def test_a_solution_saved_over_another_run_replaces_it(tmp_path):
    solve(rod(), budget="3 iterations", out=tmp_path / "run", seed=1, **SMALL)
    solve(rod(), budget="2 iterations", **SMALL).save(tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint.pt").exists()
    assert Solution.load(tmp_path / "run", rod()).result["iterations"] == 2


# -- outputs that fail ---------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("streams", ["stdout", "both", "pipe"])
def test_a_run_whose_outputs_are_full_is_written(tmp_path, streams):
    (tmp_path / "mine.py").write_text(
        "from sapts_pinn import Dirichlet, Problem\nfrom sapts_pinn.geometry import Interval\n"
        "def equation(u):\n    print('a line of the user', flush=True)\n    return u.xx + 1\n"
        "rod = Problem(Interval(0, 1), 'u', equation, [Dirichlet('u', 0.0)])\n"
    )
    arguments = ["solve", "mine.py", "--budget", "5 iterations", "--out", "run", *QUICK[:-1]]
    told = tmp_path / "told"
    with open("/dev/full", "w") as full, told.open("w") as file:
        nobody, closed = os.pipe()
        os.close(nobody)
        out = closed if streams == "pipe" else full.fileno()
        err = {"pipe": closed, "both": full.fileno(), "stdout": file.fileno()}[streams]
        process = start(
            "sapts_pinn", arguments, environment=ENVIRONMENT, cwd=tmp_path, stdout=out, stderr=err
        )
        os.close(closed)
        process.wait(timeout=120.0)
    assert "Traceback" not in told.read_text()
    assert json.loads((tmp_path / "run" / "result.json").read_text())["iterations"] == 5
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["trainer"]["iteration"] == 5
    if streams == "stdout":
        assert "note: standard output could not be written" in told.read_text()


# -- what ends a run in the middle ---------------------------------------------------------------------------


class Fails(Exception):
    pass


def failing_equation(after: int, error: type[BaseException]):
    """An equation that raises from a number of calls on, while training."""
    calls = 0

    def equation(u):
        nonlocal calls
        calls += len(u.xx.value) == SMALL["points"]
        if calls > after:
            raise error("of the user's own")
        return u.xx + 1

    return equation


@pytest.mark.parametrize("method", ["tr", "adam", "sapts-d"])
def test_an_exception_of_the_users_keeps_the_state_of_the_last_step(tmp_path, method):
    folder, settings = tmp_path / "run", {**SMALL, "method": method}
    callbacks = [At(5, Fails("enough"))]
    with pytest.raises(Fails, match="enough") as caught:
        solve(rod(), budget="9 iterations", out=folder, callbacks=callbacks, **settings)
    assert f"the run up to step 5 is in {folder}" in caught.value.__notes__[0]
    assert load_checkpoint(folder / "checkpoint.pt")["trainer"]["iteration"] == 5
    result = json.loads((folder / "result.json").read_text())
    assert result["status"] == "failed: Fails: enough" and result["iterations"] == 5
    assert len((folder / "history.csv").read_text().splitlines()) == 6
    whole = solve(rod(), budget="9 iterations", **settings)
    rest = solve(rod(), budget="9 iterations", resume=folder, method=method)
    assert rest.result["loss"] == whole.result["loss"], "as if nothing had happened"


@pytest.mark.parametrize("error", [Fails, KeyboardInterrupt])
def test_an_exception_within_a_step_leaves_the_parameters_before_it(tmp_path, error):
    folder = tmp_path / "run"
    equation = failing_equation(12, error)
    if error is Fails:
        with pytest.raises(ValueError, match="of the user's own") as caught:
            solve(rod(equation), budget="50 iterations", out=folder, **SMALL)
    else:
        solution = solve(rod(equation), budget="50 iterations", out=folder, **SMALL)
        assert solution.result["status"].startswith("interrupted")
    assert error is not Fails or isinstance(caught.value.__cause__, Fails)
    trainer = load_checkpoint(folder / "checkpoint.pt")["trainer"]
    steps = trainer["iteration"]
    assert 2 <= steps < 50
    whole = solve(rod(), budget=f"{steps} iterations", **SMALL)
    assert all(torch.equal(trainer["model"][k], v) for k, v in whole.model.state_dict().items())
    assert json.loads((folder / "result.json").read_text())["status"].startswith(("failed", "interrupted"))
    rest = solve(rod(), budget=f"{steps + 6} iterations", resume=folder)
    assert rest.result["loss"] == solve(rod(), budget=f"{steps + 6} iterations", **SMALL).result["loss"]


def test_the_command_says_where_a_failed_run_is(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        "from sapts_pinn import Dirichlet, Problem\nfrom sapts_pinn.geometry import Interval\n"
        "calls = []\ndef equation(u):\n    calls.append(1)\n"
        "    if len(calls) > 400: raise KeyError('mine')\n    return u.xx + 1\n"
        "rod = Problem(Interval(0, 1), 'u', equation, [Dirichlet('u', 0.0)])\n"
    )
    arguments = ["solve", tmp_path / "mine.py", "--budget", "900 iterations", "--out", tmp_path / "r", *QUICK]
    status, _, err = command(capsys, *arguments)
    assert status == 1 and "KeyError: 'mine'" in err and f"is in {tmp_path / 'r'}" in err
    assert "this is a bug" not in err


# -- what runs -----------------------------------------------------------------------------------------------


def test_no_file_runs_because_a_run_folder_names_it(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file, sign = tmp_path / "mine.py", tmp_path / "executed"
    file.write_text(
        f"from pathlib import Path\nPath({str(sign)!r}).touch()\n"
        "from sapts_pinn import Dirichlet, Problem\nfrom sapts_pinn.geometry import Interval\n"
        "rod = Problem(Interval(0, 1), 'u', lambda u: u.xx + 1, [Dirichlet('u', 0.0)])\n"
    )
    assert command(capsys, "solve", "mine.py", "--budget", "2 iterations", "--out", "r", *QUICK)[0] == 0
    sign.unlink()
    budget = ["--budget", "4 iterations", "--quiet"]
    for arguments in (["show", "r"], ["solve", "--resume", "r", *budget]):
        status, _, err = command(capsys, *arguments)
        assert status == 2 and f"{file}:rod" in err and not sign.exists()
        assert "no file is executed because a run folder names it" in err
    assert command(capsys, "show", "r", "--problem", "mine.py")[0] == 0 and sign.exists()
    assert command(capsys, "solve", "mine.py", "--resume", "r", *budget)[0] == 0
    assert json.loads(Path("r/result.json").read_text())["iterations"] == 4


def test_a_report_shows_what_it_is_given_and_runs_nothing(tmp_path, capsys):
    folder, script = tmp_path / "r", "<script>alert(1)</script>"
    solve(build("poisson-1d"), budget="12 iterations", out=folder, source="poisson-1d", **SMALL)
    result = json.loads((folder / "result.json").read_text())
    result["diagnosis"] = {**(result["diagnosis"] or {"words": ""}), "limit": script, "words": script}
    (folder / "result.json").write_text(json.dumps(result))
    assert command(capsys, "show", folder)[0] == 0
    assert script not in (folder / "report.html").read_text()
