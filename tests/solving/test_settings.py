"""Settings of `solve`: its arguments, the options of the command and config.json come from one list."""

import inspect
import json
import math

import pytest

from sapts_pinn import Dirichlet, Problem, cli, solve
from sapts_pinn.callbacks import Callback
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval
from sapts_pinn.problems.zoo import build
from sapts_pinn.solving.settings import RunSettings, SolveArguments
from sapts_pinn.supervised.train import train
from sapts_pinn.training.budget import Budget
from sapts_pinn.training.train_settings import TrainSettings

SMALL = {"budget": "1 iteration", "network": (4,), "points": 16, "condition_points": 8}
BESIDE = {  # arguments that are no settings: of the process, the folder, and a shorthand for options
    "problem", "parts", "callbacks", "progress", "out", "overwrite", "resume", "source", "started",
    "communicator", "data", "threads", "seeds", "init", "accuracy",
}  # fmt: skip


@pytest.mark.parametrize(("settings", "function"), [(RunSettings, solve), (TrainSettings, train)])
def test_the_arguments_are_the_settings(settings, function):
    assert set(inspect.signature(function).parameters) - BESIDE == set(settings.names())


def test_type_checkers_see_every_argument_of_solve():
    listed = inspect.get_annotations(SolveArguments)
    arguments = inspect.signature(solve).parameters
    assert {*listed} == {*arguments} - {"problem", "seeds"}
    for name, annotation in listed.items():
        assert annotation.__forward_arg__ == arguments[name].annotation


def test_the_help_of_solve_shows_the_defaults():
    text, usual = " ".join(inspect.getdoc(solve).split()), RunSettings()
    shown = (
        f"else: network {usual.network}, activation {usual.activation}, {usual.points} points, "
        f"{usual.condition_points} condition_points, sampler {usual.sampler}, adaptive {usual.adaptive}, "
        f"{usual.windows} of windows."
    )
    assert shown in text
    for name in RunSettings.names():
        given = inspect.signature(solve).parameters[name].default
        assert given is None or name == "budget" or given == getattr(usual, name), name


@pytest.mark.parametrize(("settings", "command"), [(RunSettings, "solve"), (TrainSettings, "train")])
def test_every_setting_is_an_option_of_the_command(settings, command, capsys):
    assert cli.main([command, "--help"]) == 0
    text = capsys.readouterr().out
    for name in settings.names():
        option = {"options": "option", "task": ""}.get(name, name).replace("_", "-")
        assert not option or f"--{option} " in text, name


def test_the_configuration_holds_every_setting_and_repeats_the_run(tmp_path):
    given = {
        "method": "sapts-d", "budget": Budget(iterations=2), "seed": 3, "target_error": 1e-9,
        "network": (5, 4), "activation": "sin", "points": 24, "condition_points": 12, "sampler": "halton",
        "adaptive": 0.25, "windows": 1,
        "resample": 7, "dtype": "float32", "device": "cpu", "options": {"parts": 2, "visits": 1},
    }  # fmt: skip
    usual = RunSettings()
    assert set(given) == set(RunSettings.names())
    assert all(given[name] != getattr(usual, name) for name in set(given) - {"windows", "device"})
    solve(build("poisson-1d"), **given, out=tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    again = RunSettings.merged(RunSettings.arguments(config))
    assert again == RunSettings(**given)


def test_later_layers_win_and_none_is_not_given():
    found = RunSettings.merged({"points": 5, "seed": 1}, {"points": None, "seed": 2, "unknown": 3})
    assert (found.points, found.seed, found.method) == (5, 2, "auto")


WRONG = [
    {"budget": []}, {"budget": True}, {"method": 3}, {"method": ["tr"]}, {"target_error": "x"},
    {"target_error": math.nan}, {"seed": True}, {"seed": 2**70}, {"seed": 1.0}, {"network": "abc"},
    {"network": 5}, {"network": ("a",)}, {"network": (1.5,)}, {"activation": 3}, {"points": "x"},
    {"points": 1.5}, {"condition_points": "x"}, {"condition_points": 1.5}, {"sampler": 3}, {"adaptive": "x"},
    {"adaptive": math.nan}, {"resample": "x"}, {"resample": -1}, {"resample": 1.5}, {"windows": "x"},
    {"windows": 1.5}, {"dtype": ["x"]}, {"device": 3}, {"parts": "x", "method": "sapts-d"},
    {"parts": 1.5, "method": "sapts-d"}, {"options": 3}, {"options": ["a"]}, {"options": {3: 4}},
    {"callbacks": 3}, {"callbacks": [3]}, {"callbacks": Callback}, {"out": 3}, {"resume": 3},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_a_value_of_the_wrong_kind_is_wrong_input(wrong):
    with pytest.raises(InputError):
        solve(build("poisson-1d"), **{**SMALL, **wrong})


@pytest.mark.parametrize("problem", [{}, 3, "poisson-1d", None])
def test_what_is_no_problem_is_refused(problem):
    with pytest.raises(InputError, match="solve needs a Problem"):
        solve(problem, **SMALL)


def test_a_problem_chooses_only_what_is_its_own():
    given = (Interval(0, 1), "u", lambda u: u.xx + 1, [Dirichlet("u", 0.0)])
    assert solve(Problem(*given, options={"points": 24}), **{**SMALL, "points": None}).config["points"] == 24
    with pytest.raises(InputError, match="the problem has the option 'budgets', which it cannot choose"):
        solve(Problem(*given, options={"budgets": 24}), **SMALL)


def test_options_of_the_method_on_the_command_line(tmp_path, capsys):
    arguments = [
        "solve",
        "poisson-1d",
        "--out",
        str(tmp_path / "r"),
        "--quiet",
        "--network",
        "4",
        "--points",
        "16",
    ]
    assert cli.main([*arguments, "--budget", "1 iteration", "--option", "radius=0.5"]) == 0
    assert json.loads((tmp_path / "r" / "config.json").read_text())["options"] == {"radius": 0.5}
    resumed = ["solve", "--resume", str(tmp_path / "r"), "--budget", "2 iterations", "--quiet"]
    assert cli.main(resumed) == 0
    assert json.loads((tmp_path / "r" / "config.json").read_text())["options"] == {"radius": 0.5}
    assert cli.main([*arguments, "--option", "radius"]) == 2
    assert "cannot read the option 'radius'" in capsys.readouterr().err
