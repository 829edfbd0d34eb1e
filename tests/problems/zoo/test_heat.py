"""The heat equation: the reference decays as its wave does."""

import numpy as np
import pytest

from known_solutions import Sampled
from sapts_pinn.problems.zoo.heat import heat


@pytest.mark.parametrize(("alpha", "n"), [(0.4, 1), (0.1, 3)])
def test_equation(alpha, n):
    u = Sampled(heat(alpha, n))
    u.check(u("u", "t") - alpha * u("u", "x", "x"), u("u", "t"), 1e-9)
    x = np.linspace(0, 1, 21)
    start = heat(alpha, n).reference.evaluate({"x": x, "t": 0 * x})["u"]
    assert np.allclose(start, np.sin(n * np.pi * x), atol=1e-14)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"alpha": -1.0}, "positive alpha, not -1"),
        ({"n": 0}, "not 0"),
        ({"n": 1.5}, "whole number n .* not 1.5"),
    ],
)
def test_refusals(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        heat(**given)
