"""The command line as a user meets it: a process, its two outputs, its exit status and the run folder."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from command_line import QUICK, command, run
from sapts_pinn import solve
from sapts_pinn.problems.zoo import build
from sapts_pinn.runs.checkpoint import load_checkpoint

# -- solve ---------------------------------------------------------------------------------------------------


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
