"""The wave equation: two standing waves."""

import numpy as np
import pytest

from known_solutions import Sampled
from sapts_pinn.problems.zoo.wave import wave


@pytest.mark.parametrize("beta", [5, 2])
def test_equation(beta):
    u = Sampled(wave(beta), step=2e-3)
    u.check(u("u", "t", "t") - 4 * u("u", "x", "x"), u("u", "t", "t"), 1e-8)
    x = np.linspace(0, 1, 21)
    at = lambda t: wave(beta).reference.evaluate({"x": x, "t": np.full_like(x, t)})["u"]
    assert np.allclose(at(0.0), np.sin(np.pi * x) + 0.5 * np.sin(beta * np.pi * x), atol=1e-14)
    assert np.abs(at(1e-5) - at(0.0)).max() < 1e-6, "at rest"


def test_refusal():
    with pytest.raises(ValueError, match=r"wave needs a whole number beta of at least 1, not 0\.5"):
        wave(0.5)
    assert wave(3).name == "wave-3"
