"""Sentences about exceptions of functions."""

import pytest

from sapts_pinn.errors import InputError
from sapts_pinn.problems.mistakes import mistake


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (AttributeError("u.q, but 'q' is not made of x"), "f asks for u.q, but 'q' is not made of x"),
        (InputError("div needs two"), "f: div needs two"),
        (
            AttributeError("'Tensor' object has no attribute 'q'"),
            "f failed with AttributeError: 'Tensor' object has no attribute 'q'; a derivative is made of "
            "names of coordinates, such as (k * u.x).x, or diff(k * u.x, 'x')",
        ),
        (ValueError("too \n big"), "f failed with ValueError: too big"),
    ],
)
def test_an_exception_is_a_sentence(error, sentence):
    found = mistake("f", error)
    assert isinstance(found, InputError) and str(found) == sentence
