"""Errors that a user can cause, and the name that was meant."""

import pytest

from sapts_pinn.errors import InputError, RankFailure, lookup

TABLE = {"tr": 1, "sapts-d": 2, "adam": 3}


def test_an_entry_or_the_nearest_name_or_all():
    assert lookup("adam", TABLE, "method") == 3
    with pytest.raises(InputError, match=r"^unknown method 'adan'; did you mean 'adam'\?$"):
        lookup("adan", TABLE, "method")
    with pytest.raises(InputError, match=r"^unknown method 'qqq'; choose one of tr, sapts-d, adam$"):
        lookup("qqq", TABLE, "method")


def test_errors_are_of_the_kinds_that_others_catch():
    assert issubclass(InputError, ValueError) and issubclass(RankFailure, RuntimeError)
