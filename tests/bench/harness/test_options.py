"""Options that several suites have."""

import math

import pytest
from cyclopts import App, CycloptsError

from sapts_pinn.bench.harness.options import (
    Names,
    Whole,
    Wholes,
    at_least,
    check_precision,
    chosen_names,
    chosen_seeds,
    chosen_threads,
    with_reference,
)
from sapts_pinn.errors import InputError


def called(kind, *arguments):
    app, found = App(result_action="return_value"), []

    @app.default
    def command(*, value: kind | None = None) -> None:
        found.append(value)

    app(list(arguments), exit_on_error=False, print_error=False)
    return found[0]


def test_words_and_numbers_are_separated_by_commas():
    assert called(Names, "--value", "tr,,adam") == ["tr", "adam"]
    assert called(Wholes, "--value", "1,20,-3") == [1, 20, -3] and called(Whole, "--value", "7") == 7
    for kind, text in ((Wholes, "1,x"), (Whole, "x")):
        with pytest.raises(CycloptsError, match="'x' is not a whole number"):
            called(kind, "--value", text)


def test_names_and_seeds_count_once_and_have_defaults():
    assert chosen_names(["b", "a", "b"], ["c"]) == ["b", "a"] and chosen_names(None, ("c", "c")) == ["c"]
    assert chosen_seeds([3, 3, 0], [1]) == [3, 0] and chosen_seeds(None, range(2)) == [0, 1]
    with pytest.raises(InputError, match="--seeds must be at least 0, not -1"):
        chosen_seeds([0, -1], [1])
    with pytest.raises(InputError, match="--seeds is empty"):
        chosen_seeds([], [1])
    assert chosen_threads(None, {"threads": 3}) == 3 and chosen_threads(2, {"threads": 3}) == 2


def test_numbers_that_are_too_small_are_named_by_their_option():
    at_least(1, steps=1, sizes=[2, 3])
    for value in (0, math.nan):
        with pytest.raises(InputError, match=f"--most-steps must be at least 1, not {value}"):
            at_least(1, most_steps=value)


def test_precision_and_reference():
    check_precision("float32")
    with pytest.raises(InputError, match="float32 or float64, not 'half'"):
        check_precision("half")
    assert with_reference("heat").short == "heat"
    with pytest.raises(InputError, match="the error of cylinder cannot be measured"):
        with_reference("cylinder")
