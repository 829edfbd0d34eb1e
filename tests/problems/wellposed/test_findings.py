"""Words of findings."""

import pytest

from sapts_pinn.problems.wellposed.findings import listed


@pytest.mark.parametrize(
    ("items", "words"), [(["a"], "a"), (("a", "b"), "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_words_in_a_row(items, words):
    assert listed(items) == words
