"""Unknown functions and unknown numbers."""

import math

import pytest
import torch

from sapts_pinn.errors import InputError
from sapts_pinn.problems import Coefficient, Unknown
from sapts_pinn.problems.unknowns import listed


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Unknown("k", init=2.0), r"Unknown\('k'\): init=2 is for positive=True"),
        (lambda: Unknown("k", positive=True, init=-1), "init must be a positive number, not -1"),
        (lambda: Coefficient("k", init=0.0, positive=True), "init must be positive, not 0"),
        (lambda: Coefficient("k", init=math.nan), "init must be a finite number, not nan"),
    ],
)
def test_sentences(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


@pytest.mark.parametrize(("init", "positive"), [(0.02, True), (-250.0, False), (0.0, False)])
def test_a_coefficient_starts_where_it_is_told_and_moves_by_its_own_size(init, positive):
    coefficient = Coefficient("k", init, positive)
    start = torch.tensor(coefficient.parameter, dtype=torch.float64)
    assert float(coefficient.value(start)) == pytest.approx(init)
    assert abs(coefficient.parameter) <= (4 if positive else 1)
    step = coefficient.value(start + 0.1) - coefficient.value(start)
    assert float(step) == pytest.approx(init * (math.exp(0.1) - 1) if positive else 0.1 * (abs(init) or 1))
    assert not positive or float(coefficient.value(torch.tensor(-50.0))) > 0


def test_an_unknown_reads_some_coordinates():
    field, whole = Unknown("k", of="x"), Unknown("u")
    assert field.of == ("x",) and field.reads(("x",)) and not field.reads(("x", "t")) and field.reads(())
    assert whole.reads(("x", "t")) and Unknown("k", of=["x", "t"]).reads(("t",))
    assert str(Unknown("k", of="x", positive=True, init=0.3)) == "k(x), positive, starting from 0.3"
    assert str(whole) == "u" and str(Coefficient("c", 2.0)) == "c, starting from 2"


def test_one_unknown_by_itself_is_a_list_of_one():
    assert listed("uv") == ("uv",) and listed(["u", "v"]) == ("u", "v")
    assert listed(Unknown("u")) == (Unknown("u"),)
