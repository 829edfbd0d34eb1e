"""Settings as records: read when made, in layers of which later ones win, written and made again."""

import json
import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from sapts_pinn.errors import InputError
from sapts_pinn.training import settings as read
from sapts_pinn.training.budget import Budget
from sapts_pinn.training.settings import Settings, setting


@dataclass(frozen=True)
class Three(Settings):
    """Settings of each kind: kept in a resumed run, drawn anew in one, and neither."""

    points: int = setting(8, read.whole, "Points.", int, drawn=True)
    rate: float = setting(0.5, read.real, "Rate.", float, kept=True)
    budget: Budget = setting("3min", read.budget, "Budget.")


def test_every_value_is_read_defaults_too():
    usual = Three()
    assert (usual.points, usual.rate, usual.budget) == (8, 0.5, Budget(seconds=180))
    with pytest.raises(InputError, match=r"points must be a whole number, not 2\.5"):
        Three(points=2.5)
    with pytest.raises(AttributeError, match="cannot assign"):
        usual.points = 9


def test_settings_know_what_a_resumed_run_does_with_them():
    assert Three.names() == ("points", "rate", "budget")
    assert Three.names("kept") == ("points", "rate"), "what is drawn anew is kept as well"
    assert Three.names("drawn") == ("points",)


def test_of_layers_the_last_that_says_something_wins():
    found = Three.merged({"points": 3, "rate": 0.25}, {"points": None, "rate": 1, "other": 7}, {})
    assert (found.points, found.rate) == (3, 1.0)
    assert Three.given({"points": 0, "rate": None, "other": 1}) == {"points": 0}, "zero is a value"


def test_what_is_written_makes_the_same_settings():
    given = Three(points=3, budget="90s, 20 iterations")
    written = json.loads(json.dumps(given.as_json()))
    assert written == {"points": 3, "rate": 0.5, "budget": "90s, 20 iterations"}
    assert Three.merged(Three.arguments(written)) == given
    assert given.as_json("drawn") == {"points": 3}


@pytest.mark.parametrize(
    ("reader", "value", "result"),
    [
        (read.word, "tr", "tr"),
        (read.whole, torch.tensor(4).numpy()[()], 4),  # an integer of NumPy
        (read.real, 3, 3.0),
        (read.steps, None, None),
        (read.steps, 0, 0),
        (read.positive, 1e-9, 1e-9),
        (read.positive, None, None),
        (read.seed, 2**64 - 1, 2**64 - 1),
        (read.dtype, "float32", "float32"),
        (read.dtype, torch.float32, "float32"),
        (read.dtype, np.float64, "float64"),
        (read.dtype, np.dtype("float32"), "float32"),
        (read.budget, 30, Budget(seconds=30)),
        (read.options, {"radius": 0.1}, {"radius": 0.1}),
    ],
)
def test_readers_convert(reader, value, result):
    found = reader("x", value)
    assert found == result and type(found) is type(result)


@pytest.mark.parametrize(
    ("reader", "value", "sentence"),
    [
        (read.word, 3, "x must be a name, not 3"),
        (read.whole, True, "x must be a whole number, not True"),
        (read.whole, 2.0, "x must be a whole number, not 2.0"),
        (read.real, "fast", "x must be a number, not 'fast'"),
        (read.real, False, "x must be a number, not False"),
        (read.steps, -1, "x must not be negative, and is -1; give 0 for never"),
        (read.positive, 0, "x must be positive, not 0"),
        (read.positive, math.nan, "x must be positive, not nan"),
        (read.seed, -1, "x must be a non-negative integer, not -1"),
        (read.seed, True, "x must be a non-negative integer, not True"),
        (read.seed, 2**64, r"x must be below 2\*\*64, and is 18446744073709551616"),
        (read.dtype, "float16", "x must be float64 or float32, not 'float16'"),
        (read.dtype, torch.float16, r"x must be float64 or float32, not torch\.float16"),
        (read.options, [("radius", 1)], r'x must be a dict such as \{"radius": 0.1\}, not \[\('),
        (read.options, {1: 2}, r'x must be a dict such as \{"radius": 0.1\}, not \{1: 2\}'),
    ],
)
def test_readers_refuse_in_one_sentence(reader, value, sentence):
    with pytest.raises(InputError, match=f"^{sentence}"):
        reader("x", value)


def test_options_are_copied():
    given = {"radius": 0.1}
    found = read.options("x", given)
    given["radius"] = 1.0
    assert found == {"radius": 0.1}
