"""Kinds of arguments of the commands, and options from settings."""

from dataclasses import dataclass, field

import pytest
from cyclopts import App, CycloptsError

from sapts_pinn.cli.app import Folder, Whole, given_options, method_options, options_of
from sapts_pinn.errors import InputError
from sapts_pinn.training.settings import Settings


def test_values_of_a_method_are_numbers_truth_values_or_words():
    given = ["a=3", "b=0.25", "c=False", "d=none", "e=random", "f=x=y"]
    found = method_options(given)
    assert found == {"a": 3, "b": 0.25, "c": False, "d": None, "e": "random", "f": "x=y"}
    assert type(found["a"]) is int and type(found["b"]) is float
    for text in ("lr", "lr=", "=1", "2x=1"):
        with pytest.raises(InputError, match=f"cannot read the option '{text}'; write name=value"):
            method_options([text])


def called(kind, *arguments):
    app, found = App(result_action="return_value"), []

    @app.default
    def command(*, value: kind | None = None) -> None:
        found.append(value)

    app(list(arguments), exit_on_error=False, print_error=False)
    return found[0]


def test_whole_numbers_are_not_rounded_and_a_folder_has_a_name():
    assert called(Whole, "--value", "7") == 7 and called(Folder, "--value", "runs/a").name == "a"
    with pytest.raises(CycloptsError, match=r"'1\.5' is not a whole number"):
        called(Whole, "--value", "1.5")
    with pytest.raises(CycloptsError, match="the name of the folder is empty"):
        called(Folder, "--value", "  ")


@dataclass(frozen=True)
class Few(Settings):
    seed: int = field(default=0, metadata={"option": int, "help": "of all random numbers"})
    options: dict | None = field(default=None, metadata={"option": list, "help": "of the method"})
    source: str | None = field(default=None, metadata={"option": str, "help": "not asked for"})


def test_settings_become_options():
    options = options_of(Few, "source")
    assert {*options.__dataclass_fields__} == {"seed", "option"}
    assert given_options(options(seed=3, option=["lr=0.1"])) == {"seed": 3, "options": {"lr": 0.1}}
    assert given_options(options()) == {} == given_options(None)
    chosen = called(options, "--seed", "4", "--option", "lr=1", "--option", "order=additive")
    assert given_options(chosen) == {"seed": 4, "options": {"lr": 1, "order": "additive"}}
