"""Folders of runs: what is of the user's is refused by name and stays."""

import json
from pathlib import Path

import pytest
import torch

import sapts_pinn
from heat import SHORT, heat
from sapts_pinn import solve
from sapts_pinn.errors import InputError
from sapts_pinn.problems.zoo import build
from sapts_pinn.runs.folder import (
    check_folder,
    check_resumable,
    identity,
    prepare_folder,
    run_path,
    versions,
)
from small_runs import QUICK, SMALL, command, contents, rod

OTHERS = ("model.pt", "checkpoint.pt", "report.html", "solution.png")


@pytest.fixture
def of_the_user(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in OTHERS:
        (folder / name).write_text(f"the user's {name}")
    return folder


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


# -- resuming ------------------------------------------------------------------------------------------------


def test_resuming_says_what_does_not_fit(tmp_path):
    folder = tmp_path / "run"
    solve(heat(), budget="3 iterations", out=folder, **SHORT)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for change, message in [
        ({"seed": 4}, "its seed is 0, not 4"),
        ({"method": "adam"}, "its method is 'tr', not 'adam'"),
        ({"network": (7, 7)}, r"its network is \[6, 6\]"),
        ({"budget": "3 iterations"}, "already spent"),
    ]:
        with pytest.raises(ValueError, match=message):
            solve(heat(), resume=folder, **{"budget": "9 iterations", **SHORT, **change})
    with pytest.raises(ValueError, match="its problem is 'heat', not 'poisson-1d'"):
        solve(build("poisson-1d"), resume=folder, budget="9 iterations", **SHORT)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before, (
        "a refusal leaves the run alone"
    )


def test_overwriting_leaves_nothing_of_the_earlier_run(tmp_path):
    solve(heat(), budget="2 iterations", out=tmp_path, **SHORT)
    (tmp_path / "solution.png").touch()
    with pytest.raises(ValueError, match="already holds a run"):
        solve(heat(), budget="2 iterations", out=tmp_path, **SHORT)
    solve(heat(), budget="2 iterations", out=tmp_path, overwrite=True, **SHORT)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "checkpoint.pt",
        "config.json",
        "history.csv",
        "result.json",
    ]


CONFIG = {
    "problem": "rod",
    "method": "tr",
    "seed": 3,
    "network": [6, 6],
    "activation": "tanh",
    "dtype": "float64",
    "description": "u.xx + 1\nu = 0",
    "budget": "3min",
}


def test_two_sessions_of_one_run_have_in_common_what_fixes_it():
    assert identity(CONFIG) == {
        **{k: v for k, v in CONFIG.items() if k != "budget"},
        "fingerprint": None,
        "scales": None,
    }
    saved = {"config": identity(CONFIG)}
    with pytest.warns(UserWarning, match="another version, which kept no values of its problem"):
        check_resumable(saved, {**CONFIG, "budget": "9s"}, Path("c.pt"))
    for name, other in (("seed", 4), ("dtype", "float32"), ("activation", "sin")):
        with pytest.raises(
            InputError, match=rf"^c\.pt is of another run: its {name} is {CONFIG[name]!r}, not "
        ):
            check_resumable(saved, {**CONFIG, name: other}, Path("c.pt"))


@pytest.mark.filterwarnings("ignore:.*kept no values of its problem")
def test_without_values_a_problem_is_compared_by_its_words():
    saved = {"config": identity(CONFIG)}
    with pytest.raises(InputError, match=r"of another problem .* does not hold that 'u.xx = 2'"):
        check_resumable(saved, {**CONFIG, "description": "u = 0\nu.xx = 2"}, Path("c.pt"))


@pytest.mark.parametrize(
    ("given", "sentence"), [(None, "must be a path such as runs/a, not None"), ("  ", "is empty")]
)
def test_a_run_folder_is_a_path(given, sentence):
    with pytest.raises(InputError, match=sentence):
        run_path(given)
    assert run_path("runs/a") == Path("runs/a")


def test_a_folder_that_is_a_file_or_below_one_is_refused_before_the_run(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError, match="file is a file; give a folder"):
        check_folder(file, overwrite=True)
    with pytest.raises(InputError, match=r"cannot write to .*below: Not a directory; give another folder"):
        prepare_folder(file / "below", overwrite=False)
    prepare_folder(tmp_path / "a" / "b", overwrite=False)
    assert (tmp_path / "a" / "b").is_dir() and not list((tmp_path / "a" / "b").iterdir())


def test_versions_are_those_that_run():
    found = versions()
    assert found["torch"] == str(torch.__version__) and found["sapts_pinn"] == sapts_pinn.__version__
    assert set(found) == {"sapts_pinn", "torch", "numpy", "python", "git_commit"}
