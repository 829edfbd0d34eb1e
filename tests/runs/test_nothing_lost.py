"""Nothing of the user's is deleted, no run is lost, and nothing runs that the user has not named."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sapts_pinn import Dirichlet, Problem, Solution, cli, solve
from sapts_pinn.callbacks import Callback, Progress
from sapts_pinn.geometry import Interval
from sapts_pinn.kernels import load
from sapts_pinn.kernels.build import cache_folder, is_private
from sapts_pinn.problems.zoo import build
from sapts_pinn.runs.checkpoint import load_checkpoint

SMALL = {"network": (4,), "points": 32, "condition_points": 8}
QUICK = ["--network", "4", "--points", "32", "--quiet"]
OTHERS = ("model.pt", "checkpoint.pt", "report.html", "solution.png")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def rod(equation=lambda u: u.xx + 1, **given) -> Problem:
    return Problem(Interval(0, 1), "u", equation, [Dirichlet("u", 0.0)], name="rod", **given)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def command(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    status = cli.main([str(a) for a in arguments])
    return status, *capsys.readouterr()


@pytest.fixture
def of_the_user(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in OTHERS:
        (folder / name).write_text(f"the user's {name}")
    return folder


# -- files of others -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["solve", "overwrite", "save", "windows"])
def test_files_of_no_run_are_refused_by_name_and_stay(of_the_user, how):
    before = contents(of_the_user)
    calls = {
        "solve": lambda: solve(rod(), budget="1 iteration", out=of_the_user, **SMALL),
        "overwrite": lambda: solve(rod(), budget="1 iteration", out=of_the_user, overwrite=True, **SMALL),
        "save": lambda: solve(rod(), budget="1 iteration", **SMALL).save(of_the_user),
        "windows": lambda: solve(build("heat"), windows=2, budget="2 iterations", out=of_the_user, **SMALL),
    }
    with pytest.raises(ValueError, match=r"holds checkpoint\.pt, model\.pt, report\.html, solution\.png"):
        calls[how]()
    assert contents(of_the_user) == before


@pytest.mark.parametrize("out", [["--out", "."], ["--out=."], ["--out="], ["--out", ""], ["--out", ".."]])
@pytest.mark.parametrize("more", [[], ["--overwrite"]])
def test_the_current_folder_is_no_run_folder(of_the_user, capsys, monkeypatch, out, more):
    monkeypatch.chdir(of_the_user)
    before = contents(of_the_user)
    status, _, err = command(capsys, "solve", "poisson-1d", "--budget", "1 iteration", *QUICK, *out, *more)
    assert status == 2 and len(err.splitlines()) == 1 and err.startswith("error: ")
    assert contents(of_the_user) == before


def test_a_configuration_of_another_program_makes_no_run(of_the_user):
    (of_the_user / "config.json").write_text('{"problem": "mine", "method": "mine"}')
    before = contents(of_the_user)
    with pytest.raises(ValueError, match=r"config.json"):
        solve(rod(), budget="1 iteration", out=of_the_user, overwrite=True, **SMALL)
    assert contents(of_the_user) == before


def test_an_empty_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="name of the run folder is empty"):
        solve(rod(), budget="1 iteration", out="", **SMALL)
    assert not list(tmp_path.iterdir())


def test_home_and_the_current_folder_are_refused_unless_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    solve(rod(), budget="1 iteration", out=".", **SMALL)  # empty: then it holds a run
    solve(rod(), budget="1 iteration", out=".", overwrite=True, **SMALL)
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.tex").write_text("x")
    monkeypatch.setenv("HOME", str(home))
    with pytest.raises(ValueError, match="holds other things than a run"):
        solve(rod(), budget="1 iteration", out=home, **SMALL)
    assert contents(home) == {"thesis.tex": b"x"}


def test_only_files_of_the_run_itself_are_replaced(tmp_path):
    folder = tmp_path / "run"
    solution = solve(rod(), budget="2 iterations", out=folder, **SMALL)
    solution.plot(folder / "solution.png")  # ours: listed
    (folder / "notes.txt").write_text("mine")
    solve(rod(), budget="1 iteration", out=folder, overwrite=True, **SMALL)
    assert sorted(contents(folder)) == [
        "checkpoint.pt",
        "config.json",
        "history.csv",
        "notes.txt",
        "result.json",
    ]
    (folder / "report.html").write_text("mine")
    before = contents(folder)
    with pytest.raises(ValueError, match=r"holds report.html, a file that no run"):
        solve(rod(), budget="1 iteration", out=folder, overwrite=True, **SMALL)
    assert contents(folder) == before


def test_show_draws_over_nothing_of_the_users(tmp_path, capsys):
    folder = tmp_path / "run"
    solve(build("poisson-1d"), budget="1 iteration", out=folder, source="poisson-1d", **SMALL)
    (folder / "report.html").write_text("mine")
    before = contents(folder)
    status, _, err = command(capsys, "show", folder)
    assert status == 2 and "report.html" in err and contents(folder) == before


def test_a_folder_of_an_earlier_version_is_replaced_as_ever(tmp_path):
    solve(rod(), budget="1 iteration", out=tmp_path / "run", **SMALL)
    path = tmp_path / "run" / "config.json"
    config = json.loads(path.read_text())
    del config["files"], config["fingerprint"]
    path.write_text(json.dumps(config))
    (tmp_path / "run" / "solution.png").write_text("drawn then")
    solve(rod(), budget="2 iterations", out=tmp_path / "run", overwrite=True, **SMALL)
    assert not (tmp_path / "run" / "solution.png").exists()


def test_a_list_of_files_elsewhere_deletes_nothing_there(tmp_path):
    solve(rod(), budget="1 iteration", out=tmp_path / "run", **SMALL)
    (tmp_path / "model.pt").write_text("mine")
    path = tmp_path / "run" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "files": ["../model.pt", "thesis.tex", "/etc/passwd"]}))
    (tmp_path / "run" / "thesis.tex").write_text("mine")
    with pytest.raises(ValueError, match=r"checkpoint.pt"):  # they are in no list now
        solve(rod(), budget="1 iteration", out=tmp_path / "run", overwrite=True, **SMALL)
    assert (tmp_path / "model.pt").exists() and (tmp_path / "run" / "thesis.tex").exists()


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


class Broken:
    """A terminal that has gone."""

    encoding = "utf-8"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def write(self, text: str) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error

    def isatty(self) -> bool:
        return False


@pytest.mark.parametrize(
    "error", [BrokenPipeError(), OSError(28, "No space left"), ValueError("closed file")]
)
def test_a_progress_line_that_fails_ends_no_run(tmp_path, error):
    from rich.console import Console

    progress = Progress(Console(file=Broken(error)), every=0.0)
    solution = solve(rod(), budget="4 iterations", out=tmp_path / "run", callbacks=[progress], **SMALL)
    assert solution.result["iterations"] == 4
    assert json.loads((tmp_path / "run" / "result.json").read_text())["iterations"] == 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("streams", ["stdout", "both", "pipe"])
def test_a_run_whose_outputs_are_full_is_written(tmp_path, streams):
    (tmp_path / "mine.py").write_text(
        "from sapts_pinn import Dirichlet, Problem\nfrom sapts_pinn.geometry import Interval\n"
        "def equation(u):\n    print('a line of the user', flush=True)\n    return u.xx + 1\n"
        "rod = Problem(Interval(0, 1), 'u', equation, [Dirichlet('u', 0.0)])\n"
    )
    arguments = [sys.executable, "-m", "sapts_pinn", "solve", "mine.py", "--budget", "5 iterations"]
    arguments += ["--out", "run", *QUICK[:-1]]
    with open("/dev/full", "w") as full:
        out, err = (full if streams in (s, "both") else subprocess.PIPE for s in ("stdout", "stderr"))
        process = subprocess.Popen(
            arguments, cwd=tmp_path, env=ENVIRONMENT, stdout=out, stderr=err, text=True
        )
        if streams == "pipe":
            process.stdout.close()
            process.stderr.close()
            process.wait(timeout=120)
        else:
            told = process.communicate(timeout=120)
            assert "Traceback" not in f"{told}"
    assert json.loads((tmp_path / "run" / "result.json").read_text())["iterations"] == 5
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["trainer"]["iteration"] == 5
    if streams == "stdout":
        assert "note: standard output could not be written" in told[1]


def test_a_full_disk_during_the_run_takes_nothing_from_the_solution(tmp_path, monkeypatch):
    module = sys.modules["sapts_pinn.callbacks.checkpoints"]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "save_checkpoint", full)
    with pytest.warns(UserWarning, match="could not be written .*No space left.*; save the solution"):
        solution = solve(rod(), budget="3 iterations", out=tmp_path / "run", **SMALL)
    assert solution.result["iterations"] == 3


# -- what ends a run in the middle ---------------------------------------------------------------------------


class Fails(Exception):
    pass


class At(Callback):
    def __init__(self, step: int, error: BaseException) -> None:
        self.step, self.error = step, error

    def on_step(self, trainer):
        if trainer.iteration == self.step:
            raise self.error


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


@pytest.fixture
def listening():
    """Listen to SIGINT, which a shell has its background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_keyboard_interrupt_in_python_returns_what_there_is(tmp_path, listening):
    class Interrupt(Callback):
        def on_step(self, trainer):
            if trainer.iteration == 4:
                signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    for number, callback in enumerate([Interrupt(), At(4, KeyboardInterrupt())]):
        folder = tmp_path / f"run{number}"
        solution = solve(rod(), budget="50 iterations", out=folder, callbacks=[callback], **SMALL)
        assert solution.result["status"].startswith("interrupted") and solution.result["iterations"] == 4
        assert load_checkpoint(folder / "checkpoint.pt")["trainer"]["iteration"] == 4
    assert signal.getsignal(signal.SIGINT) is before


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


# -- the kernel's cache --------------------------------------------------------------------------------------

compiled = pytest.mark.skipif(load() is None, reason="no C compiler on this machine")
IN_A_PROCESS = "from sapts_pinn.kernels import load; assert load() is not None; print('alive')"


def in_a_process(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, "SAPTS_PINN_CACHE": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS], env=environment, capture_output=True, text=True, check=False
    )


@compiled
def test_a_damaged_kernel_is_built_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SAPTS_PINN_CACHE", str(tmp_path))
    assert load.__wrapped__() is not None
    (built,) = tmp_path.glob("*.so")
    whole = built.read_bytes()
    half = len(whole) // 2
    for broken in (whole[:half], whole[:half] + b"\xff\x00" + whole[half + 2 :]):
        built.unlink()  # mapped into this process
        built.write_bytes(broken)
        built.chmod(0o700)
        found = in_a_process(tmp_path)
        assert found.returncode == 0 and found.stdout == "alive\n", found.stderr
        (built,) = tmp_path.glob("*.so")
        assert built.read_bytes() != broken


@compiled
@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root gives files away")
def test_a_kernel_of_somebody_else_is_not_loaded(tmp_path, monkeypatch):
    monkeypatch.setenv("SAPTS_PINN_CACHE", str(tmp_path))
    assert load.__wrapped__() is not None
    (built,) = cache_folder().glob("*.so")
    os.chown(built, 12345, 12345)
    assert load.__wrapped__() is not None
    assert built.stat().st_uid == 0, "built again"
    os.chown(tmp_path, 12345, 12345)
    with pytest.warns(UserWarning, match="belongs to somebody else"):
        assert load.__wrapped__() is not None


@compiled
def test_a_cache_that_others_may_write_to_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("SAPTS_PINN_CACHE", str(tmp_path))
    assert load.__wrapped__() is not None
    (built,) = tmp_path.glob("*.so")
    built.chmod(0o666)
    assert not is_private(built) and load.__wrapped__() is not None
    assert is_private(built), "built again"
    tmp_path.chmod(0o777)
    with pytest.warns(UserWarning, match="can be written by others"):
        assert load.__wrapped__() is not None
