"""The command line as a user meets it: a process, its two outputs, its exit status and the run folder."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from sapts_pinn import cli, solve
from sapts_pinn.cli import runs
from sapts_pinn.cli.signals import Interrupts
from sapts_pinn.problems.zoo import ZOO, build
from sapts_pinn.results.solution import Solution
from sapts_pinn.runs.checkpoint import load_checkpoint
from sapts_pinn.training.interrupts import Aborted

FILES = {
    "config.json",
    "history.csv",
    "result.json",
    "checkpoint.pt",
    "solution.png",
    "solution.vtu",
    "report.html",
}
RESULT = """problem method seed parts world_size parameters points dtype device iterations
    function_evaluations gradient_evaluations seconds seconds_to_first_step loss relative_l2_error status"""
QUICK = ["--network", "6", "--points", "64", "--condition-points", "16"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error::DeprecationWarning:sapts_pinn"}
USERS_FILE = """
from sapts_pinn import Dirichlet, Initial, Problem
from sapts_pinn.geometry import Interval, Time
print("the user's file prints")
heat = Problem(
    domain=Interval(0, 1) * Time(0, 0.1),
    unknowns="u",
    equation=lambda u: u.t - u.xx,
    conditions=[Dirichlet("u", 0.0), Initial("u", lambda x: 1 - x)],
)
"""


def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sapts_pinn", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=cwd, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def run(*arguments: str | Path, cwd: Path) -> tuple[int, str, str]:
    process = start(*arguments, cwd=cwd)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def command(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """A command in this process, which saves the seconds that PyTorch takes to load."""
    status = cli.main([str(a) for a in arguments])
    return status, *capsys.readouterr()


def wait_for(condition, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 90
    while not condition():
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.02)


# -- solve ---------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_ends_the_run_in_order_and_resume_continues_it(tmp_path, number, capsys):
    folder = tmp_path / "a run"
    process = start(
        "solve", "poisson-1d", "--budget", "10h", "--seed", "3", "--out", folder, *QUICK, cwd=tmp_path
    )
    assert process.stderr is not None
    first = process.stderr.readline()  # the progress line after the first step
    assert "step 1" in first
    time.sleep(0.3)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in err
    assert f"interrupted by {number.name}" in out
    (hint,) = re.findall(r"continue with: sapts-pinn (solve --resume .*)$", err, flags=re.MULTILINE)
    assert hint == f"solve --resume '{folder}'"
    assert {p.name for p in folder.iterdir()} == FILES, "nothing half-written"
    state = load_checkpoint(folder / "checkpoint.pt")["trainer"]
    steps = state["iteration"]
    assert steps > 1 and json.loads((folder / "result.json").read_text())["iterations"] == steps
    # A new process is the other test's business; here it is what --resume finds out by itself.
    status, out, err = command(
        capsys, "solve", "--resume", folder, "--budget", f"{steps + 2} iterations", "--quiet"
    )
    assert (status, out) == (0, "")
    config = json.loads((folder / "config.json").read_text())
    assert (config["seed"], config["network"], config["points"]) == (3, [6], 64)
    rows = load_checkpoint(folder / "checkpoint.pt")["trainer"]["history"]
    assert rows[-1]["iteration"] == steps + 2
    assert rows[: len(state["history"]) - 1] == state["history"][:-1], "the history goes on"


def test_a_second_signal_aborts_and_so_does_one_when_there_is_nothing_to_finish():
    class Run:
        def __init__(self) -> None:
            self.reasons: list[str] = []

        def stop(self, reason: str) -> None:
            self.reasons.append(reason)

    before = signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        with pytest.raises(Aborted, match="before the first step"):
            signal.raise_signal(signal.SIGTERM)
        interrupts.start(run := Run())
        signal.raise_signal(signal.SIGTERM)
        assert run.reasons == ["interrupted by SIGTERM"]
        with pytest.raises(Aborted, match="holds the last checkpoint"):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


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


def test_show_draws_again_also_what_was_killed(tmp_path, capsys):
    folder = tmp_path / "run"
    command(capsys, "solve", "poisson-1d", "--budget", "3 iterations", "--out", folder, "--quiet", *QUICK)
    for name in ("solution.png", "solution.vtu", "report.html"):
        (folder / name).unlink()
    status, out, _ = command(capsys, "show", folder)
    assert (
        status == 0 and "budget spent (3 iterations)" in out and {p.name for p in folder.iterdir()} == FILES
    )
    (folder / "result.json").unlink()  # a run that was killed has none
    status, out, err = command(capsys, "show", folder)
    assert status == 0 and "unfinished" in out and not err
    assert (folder / "report.html").is_file()


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


def test_a_bug_is_exit_status_1_and_called_so(tmp_path, capsys, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise KeyError("unforeseen")

    monkeypatch.setattr(sys.modules["sapts_pinn.solving.run"], "solve", broken)
    status, _, err = command(capsys, "solve", "poisson-1d", "--out", tmp_path / "r")
    *traceback, last = err.splitlines()
    assert status == 1 and traceback[0].startswith("Traceback") and "in broken" in err
    assert "KeyError: 'unforeseen'" in last and "this is a bug of sapts-pinn" in last


def test_a_value_error_of_the_package_is_no_wrong_input(tmp_path, capsys, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        list(zip([1, 2], [3], strict=True))

    monkeypatch.setattr(sys.modules["sapts_pinn.solving.run"], "solve", broken)
    status, _, err = command(capsys, "solve", "poisson-1d", "--out", tmp_path / "r")
    assert status == 1 and err.startswith("Traceback") and "in broken" in err
    assert "ValueError: zip() argument 2 is shorter" in err.splitlines()[-1]
    assert "this is a bug of sapts-pinn" in err.splitlines()[-1]


@pytest.mark.parametrize("error", [TypeError, AttributeError])
def test_a_bug_is_not_blamed_on_an_option_that_the_method_takes(tmp_path, capsys, monkeypatch, error):
    def broken(*_: object, **__: object) -> None:
        raise error("unforeseen")

    monkeypatch.setattr(sys.modules["sapts_pinn.solving.run"], "solve", broken)
    given = "--method", "sapts-d", "--option", "order=additive", "--radius", "0.5"
    status, _, err = command(capsys, "solve", "poisson-1d", *given, "--out", tmp_path / "r")
    assert status == 1 and "in broken" in err and "cannot use --option" not in err
    assert f"{error.__name__}: unforeseen (this is a bug of sapts-pinn" in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "message"), [("RuntimeError", "RuntimeError: mine"), ("ValueError", "mine")]
)
def test_an_exception_of_the_users_file_is_no_fault_of_the_package(tmp_path, capsys, error, message):
    (tmp_path / "mine.py").write_text(
        "from sapts_pinn import Dirichlet, Problem\nfrom sapts_pinn.geometry import Interval\n"
        f"class Mine(Problem):\n    @property\n    def natural(self):\n        raise {error}('mine')\n"
        "p = Mine(Interval(0, 1), 'u', lambda u: u.xx + 1, [Dirichlet('u', 0.0)])\n"
    )
    status, _, err = command(capsys, "solve", tmp_path / "mine.py", "--out", tmp_path / "r", *QUICK)
    assert status in (1, 2) and len(err.splitlines()) == 1 and f"error: {message}" in err
    assert "this is a bug" not in err


# -- wrong commands and input --------------------------------------------------------------------------------


WRONG = {
    "unknown problem": (["solve", "burgrs"], "no problem 'burgrs'; did you mean 'burgers'"),
    "unknown method": (["solve", "burgers", "--method", "trr"], "unknown method 'trr'; did you mean 'tr'"),
    "budget": (["solve", "burgers", "--budget", "2 minuts"], "cannot read the budget '2 minuts'"),
    "no problem": (["solve"], "give a problem"),
    "missing file": (["solve", "nothing.py"], "there is no file"),
    "a folder": (["solve", "folder.py"], "is a folder"),
    "file that raises": (["solve", "raises.py"], "raises.py, line 3: ZeroDivisionError: division by zero"),
    "file that is no Python": (["solve", "syntax.py"], "syntax.py, line 2: "),
    "wrong problem in a file": (["solve", "wrong.py"], "wrong.py, line 3: .*no unknown 'w'"),
    "no such object": (["solve", "two.py:c"], "no object 'c'; choose one of two.py:a, two.py:b"),
    "no Problem": (["solve", "two.py:n"], "'n' in .* is no Problem, its type is int"),
    "several problems": (["solve", "two.py"], "holds 2 problems; choose one of two.py:a, two.py:b"),
    "none": (["solve", "none.py"], "holds no Problem"),
    "folder of another run": (["solve", "poisson-1d", "--out", "run"], "already holds a run"),
    "output is a file": (["solve", "poisson-1d", "--out", "two.py"], "is a file; give a folder"),
    "output below a file": (["solve", "poisson-1d", "--out", "two.py/x"],
        "cannot write to two.py/x: Not a directory"),
    "resume nothing": (["solve", "--resume", "nowhere"], "there is no folder nowhere"),
    "resume no run": (["solve", "--resume", "folder.py"], "holds no run"),
    "resume without checkpoint": (["solve", "--resume", "bare"], "there is no checkpoint"),
    "resume damaged": (["solve", "--resume", "damaged"], "not a readable checkpoint"),
    "resume other version": (["solve", "--resume", "future"], "version 99, this package reads version 1"),
    "resume other problem": (["solve", "poisson-2d", "--resume", "run"],
        "its problem is 'poisson-1d', not 'poisson-2d'"),
    "resume other method": (["solve", "--resume", "run", "--method", "adam"],
        "its method is 'tr', not 'adam'"),
    "resume spent": (["solve", "--resume", "run"], "already spent"),
    "unknown option": (["solve", "burgers", "--sed", "3"], r"Unknown option: --sed\. Did you mean --seed\?"),
    "unknown command": (["slove"], r"Unknown command \"slove\". Did you mean \"solve\"\?$"),
    "too much": (["solve", "burgers", "poisson-1d"], "poisson-1d"),
    "seed": (["solve", "burgers", "--seed", "1.5"], "'1.5' is not a whole number"),
    "negative seed": (["solve", "burgers", "--seed", "-1"], "seed must be a non-negative integer"),
    "target": (["solve", "burgers", "--target-error", "small"], "--target-error"),
    "impossible target": (["solve", "burgers", "--target-error", "0"], "target_error must be positive"),
    "network": (["solve", "burgers", "--network", "20,a"], "cannot read the network '20,a'"),
    "device": (["solve", "burgers", "--device", "cuda:77"], "device 'cuda:77' is not available"),
    "no device": (["solve", "burgers", "--device", "tpv"], "device 'tpv' is not available"),
    "dtype": (["solve", "burgers", "--dtype", "float16"], "dtype must be float64 or float32"),
    "sampler": (["solve", "burgers", "--sampler", "sobel"], "unknown sampler 'sobel'"),
    "activation": (["solve", "burgers", "--activation", "relu"], "unknown activation 'relu'"),
    "points": (["solve", "burgers", "--points", "0"], "points must be positive"),
    "radius": (["solve", "burgers", "--radius", "-1"], "radius must be positive"),
    "radius of Adam": (["solve", "burgers", "--method", "adam", "--radius", "1"],
        "does not take the option 'radius'"),
    "a word for a number": (["solve", "burgers", "--option", "radius=far"],
        "cannot use --option radius=far; radius must be a number"),
    "a fraction for a count": (["solve", "burgers", "--method", "sapts-d", "--option", "visits=1.5"],
        "cannot use --option visits=1.5; visits must be a whole number"),
    "an option that the method has chosen": (
        ["solve", "burgers", "--method", "tr-lbfgs", "--option", "curvature=lsr1"],
        "does not take the option 'curvature'; drop it"),
    "threads": (["solve", "burgers", "--threads", "0"], "--threads must be at least 1"),
    "show no run": (["show", "folder.py"], "holds no run"),
    "show damaged configuration": (["show", "scrambled"], "config.json is damaged"),
    "suite": (["bench", "nothing"], "nothing"),
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that can be wrong."""
    place = tmp_path_factory.mktemp("wrong")
    head = "from sapts_pinn import Dirichlet, Problem\nfrom sapts_pinn.geometry import Interval\n"
    make = "Problem(Interval(0, 1), 'u', lambda u: u.xx + 1, [Dirichlet('u', 0)])"
    (place / "folder.py").mkdir()
    (place / "raises.py").write_text("import math\n\nx = 1 / 0\n")
    (place / "syntax.py").write_text("x = 1\ny = = 2\n")
    (place / "wrong.py").write_text(
        f"{head}p = Problem(Interval(0, 1), 'u', lambda u: u.xx, [Dirichlet('w', 0)])\n"
    )
    (place / "two.py").write_text(f"{head}a = {make}\nb = {make}\nalias = a\nn = 3\n")
    (place / "none.py").write_text("x = 1\n")
    solve(
        build("poisson-1d"),
        budget="1 iteration",
        out=place / "run",
        source="poisson-1d",
        network=(4,),
        points=16,
    )
    config = (place / "run" / "config.json").read_text()
    whole = (place / "run" / "checkpoint.pt").read_bytes()
    for name in ("bare", "damaged", "future"):
        (place / name).mkdir()
        (place / name / "config.json").write_text(config)
    (place / "damaged" / "checkpoint.pt").write_bytes(whole[: len(whole) // 2])
    torch.save(
        {**load_checkpoint(place / "run" / "checkpoint.pt"), "version": 99},
        place / "future" / "checkpoint.pt",
    )
    (place / "scrambled").mkdir()
    (place / "scrambled" / "config.json").write_text(config[:40])
    return place


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_sentence_and_status_2(place, capsys, monkeypatch, name):
    monkeypatch.chdir(place)
    arguments, message = WRONG[name]
    before = {
        path: path.read_bytes() for path in place.rglob("*") if path.is_file() and path.suffix != ".pyc"
    }
    status, out, err = command(capsys, *arguments)
    assert status == 2 and out == ""
    assert len(err.splitlines()) == 1 and err.startswith("error: ") and re.search(message, err), err
    after = {path: path.read_bytes() for path in place.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert after == before, "nothing is lost, nothing half-written"


def test_wrong_input_of_a_process(tmp_path):
    status, out, err = run("solve", "burgers", "--budget", "2 minuts", cwd=tmp_path)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert not (tmp_path / "runs").exists()


# -- the rest ------------------------------------------------------------------------------------------------


def test_list_names_every_problem_and_method(capsys):
    from sapts_pinn.optim.methods import METHODS
    from sapts_pinn.supervised.methods import METHODS as ON_SAMPLES
    from sapts_pinn.supervised.tasks import TASKS

    status, out, _ = command(capsys, "list")
    assert status == 0
    problems, samples = out.split("Data sets, to `train` on\n")
    for text, names in ((problems, [*ZOO, *METHODS]), (samples, [*TASKS, *ON_SAMPLES])):
        for name in names:
            assert re.search(rf"^  {re.escape(name)}  +\S", text, flags=re.MULTILINE), name
    for name, task in TASKS.items():
        assert re.search(rf"^  {name} .*: {', '.join(task.networks)}$", samples, flags=re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 110


def test_help_and_mistakes_load_no_torch():
    code = (
        "import sys; from sapts_pinn.cli import main\n"
        "codes = [main(a) for a in (['--help'], ['solve', '--help'], ['solve', '--sed'], ['--version'],"
        " ['solve', 'x', '--budget', 'y'], ['train', '--help'], ['train', 'mnist', '--budget', 'y'])]\n"
        "print(codes, 'torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[0, 0, 2, 0, 2, 0, 2] False"
    assert "--target-error" in done.stdout and "Traceback" not in done.stderr


# -- parts and ranks -----------------------------------------------------------------------------------------


def ranks(size: int, *arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={size}"]
    return subprocess.Popen(
        [*command, "-m", "sapts_pinn", "solve", *map(str, arguments)],
        cwd=cwd, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


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


def test_parts_that_ranks_cannot_share_evenly_become_one_each():
    saved = {"world_size": 1}
    settings = {"method": "sapts-d", "options": {"parts": 4, "radius": 0.5}}
    runs.fit_ranks(settings, saved, 2)
    assert settings["options"] == {"parts": 4, "radius": 0.5}
    with pytest.warns(UserWarning, match="4 parts, which 3 ranks cannot share evenly; it goes on with 3"):
        runs.fit_ranks(settings, saved, 3)
    assert settings["options"] == {"radius": 0.5}
    with pytest.raises(ValueError, match="resume it on 2 ranks, not 1"):
        runs.fit_ranks({"method": "sapts-ip"}, {"world_size": 2}, 1)


def test_signals_that_torchrun_passes_on_are_one():
    class Run:
        def __init__(self) -> None:
            self.reasons: list[str] = []

        def stop(self, reason: str) -> None:
            self.reasons.append(reason)

    with Interrupts(same=60.0) as interrupts:
        interrupts.start(run := Run())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.raise_signal(number)
        interrupts.finish()
        signal.raise_signal(signal.SIGTERM)
    assert run.reasons == ["interrupted by SIGINT"]


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


@pytest.mark.slow
def test_an_error_of_all_ranks_is_said_once(tmp_path):
    process = ranks(2, "poisson-1d", "--method", "sapts-d", "--parts", "3", cwd=tmp_path)
    out, err = process.communicate(timeout=60)
    assert out == "" and err.count("error: parts must be a positive multiple") == 1
    assert not (tmp_path / "runs").exists()
