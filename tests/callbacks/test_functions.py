"""Plain functions as callbacks."""

import pytest

from heat import SHORT, heat
from sapts_pinn import solve
from sapts_pinn.callbacks import EarlyStop
from sapts_pinn.callbacks.functions import EachStep, as_callbacks
from sapts_pinn.errors import InputError


def test_a_function_is_called_after_every_step_and_what_it_returns_is_ignored():
    steps = []

    def look(run):
        steps.append((run.iteration, run.loss))
        return True  # of `Callback`s and in Keras it does not stop the run either

    found = solve(heat(), budget="4 iterations", callbacks=[look], **SHORT)
    assert [step for step, _ in steps] == [1, 2, 3, 4]
    assert steps[-1][1] == found.result["loss"]


def test_a_function_may_stop_the_run():
    found = solve(
        heat(),
        budget="50 iterations",
        callbacks=lambda run: run.stop("enough") if run.iteration == 3 else 0,
        **SHORT,
    )
    assert found.result["iterations"] == 3 and found.result["status"] == "enough"


def test_objects_and_functions_are_a_list_or_one_by_itself():
    one = EarlyStop()
    assert as_callbacks(iter([one])) == (one,) == as_callbacks(one)
    first, second = as_callbacks([one, print])
    assert first is one and isinstance(second, EachStep)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            [EarlyStop(), 3],
            "callbacks must be a list of Callback objects or of functions of the run, and 3 is none",
        ),
        ("abc", "and 'a' is none"),
        ([EarlyStop], r"EarlyStop is a class; give an object of it, EarlyStop\(\)"),
        (
            [lambda: 0],
            "cannot be called with the run alone; a function of one argument is called after every step",
        ),
        ([lambda run, step: 0], "cannot be called with the run alone"),
    ],
)
def test_what_is_no_callback_is_refused_in_a_sentence(given, sentence):
    with pytest.raises(InputError, match=sentence):
        as_callbacks(given)
