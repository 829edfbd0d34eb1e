"""Functions whose parameters have names of our choice."""

import inspect

import pytest

from sapts_pinn.bench.trust.signatures import keyword_only, with_parameters, with_signature
from sapts_pinn.problems.fields import parameter_names


def test_arguments_are_passed_on_by_position():
    function = with_parameters(["x", "t"], lambda first, second: first - 2 * second)
    assert parameter_names(function) == ("x", "t")
    assert function(t=1.0, x=5.0) == 3.0
    with pytest.raises(KeyError):
        function(x=1.0)


def test_a_signature_is_given_and_the_function_returned():
    plain = lambda **given: given
    assert with_signature(plain, keyword_only(["a"])) is plain
    assert inspect.signature(plain) == keyword_only(["a"])
