"""The command that measures: its suites, and what it does with wrong input."""

import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest

from sapts_pinn.bench import SUITES, main


def test_every_suite_is_run_here():
    files = (Path(__file__).parent / "suites").glob("test_*.py")
    tested = {path.stem.removeprefix("test_") for path in files}
    assert {suite.__module__.rpartition(".")[2] for suite in SUITES.values()} == tested


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["solv"], "there is no suite 'solv'; choose one of gradients, points"),
        (["solve", "--problems", "burgrs"], "did you mean 'burgers'?"),
        (["solve", "--methods", "trr"], "did you mean 'tr'?"),
        (["solve", "--budget", "2 minuts"], "cannot read the budget"),
        (["solve", "--seeds", "0,-1"], "--seeds must be at least 0, not -1"),
        (["solve", "--threads", "0"], "--threads must be at least 1, not 0"),
        (["ablation", "--budget", "60s"], "--budget must be gradient work"),
        (["ablation", "--factors", "step"], "there is no factor 'step'; choose one of parts"),
        (["radius", "--methods", "newton"], "unknown method 'newton'"),
        (["scaling", "--target", "0"], "--target must be a positive error, not 0"),
        (["scaling", "--delays", "-1"], "--delays must be at least 0, not -1"),
        (["points", "--sizes", "1.5"], "'1.5' is not a whole number"),
        (["points", "--sizes", ","], "--sizes is empty"),
        (["points", "--method", "newton"], "unknown method 'newton'"),
        (["memory", "--problems", "hot"], "there is no problem 'hot'"),
        (["gradients", "--threads", "0"], "--threads must be at least 1, not 0"),
        (["gradients", "--repeats", "0"], "--repeats must be at least 1, not 0"),
        (["gradients", "--seconds", "nan"], "--seconds must be at least 0.001, not nan"),
        (["closure", "--problems", "hot"], "there is no problem 'hot' here; choose of burgers"),
        (["closure", "--parts", "0"], "--parts must be at least 1, not 0"),
        (["first-step", "--bogus", "1"], "Unknown option"),
        (["deepxde", "--problems", "hot"], "there is no problem 'hot' here; choose of burgers"),
        (["deepxde", "--methods", "newton"], "unknown method 'newton'"),
        (["deepxde", "--precision", "double"], "--precision must be float32 or float64, not 'double'"),
    ],
)
def test_wrong_input_is_one_sentence_and_status_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_refused(tmp_path, capsys):
    (tmp_path / "taken").touch()
    assert main(["memory", "--out", str(tmp_path / "taken")]) == 2
    assert "is a file" in capsys.readouterr().err


def test_every_suite_has_a_folder_option():
    assert all("out" in signature(suite).parameters for suite in SUITES.values())


def test_the_module_is_a_command():
    command = [sys.executable, "-m", "sapts_pinn.bench", "--help"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(name in listing for name in SUITES)
