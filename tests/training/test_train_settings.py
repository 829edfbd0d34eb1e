"""Settings of `train`: written whole, the same when read again, and what two sessions have in common."""

import json

import pytest

from sapts_pinn.errors import InputError
from sapts_pinn.training.budget import Budget
from sapts_pinn.training.train_settings import IDENTITY, TrainSettings


def test_the_configuration_of_train_holds_every_setting():
    settings = TrainSettings(task="mnist", network="lenet", options={"lr": 0.1})
    written = json.loads(json.dumps(settings.as_json()))
    assert set(written) == set(TrainSettings.names())
    assert TrainSettings.merged(TrainSettings.arguments(written)) == settings


def test_two_sessions_have_in_common_what_fixes_the_run():
    settings = TrainSettings(task="mnist", network="mlp", seed=3, budget="9s")
    assert settings.identity() == {
        "task": "mnist", "network": "mlp", "method": "sapts-d", "seed": 3, "dtype": "float32",
    }  # fmt: skip
    longer = TrainSettings(task="mnist", network="mlp", seed=3, budget="2min", options={"lr": 0.1})
    assert longer.identity() == settings.identity() and set(IDENTITY) < set(TrainSettings.names())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"task": 3}, "task must be a name, not 3"),
        ({"seed": -1}, "seed must be a non-negative integer, not -1"),
        ({"dtype": "double"}, "dtype must be float64 or float32, not 'double'"),
        ({"budget": "soon"}, "cannot read the budget 'soon'"),
        ({"options": "lr=0.1"}, "options must be a dict"),
    ],
)
def test_mistakes_are_sentences(given, sentence):
    with pytest.raises(InputError, match=f"^{sentence}"):
        TrainSettings(**given)
    assert TrainSettings().budget == Budget(seconds=180)
