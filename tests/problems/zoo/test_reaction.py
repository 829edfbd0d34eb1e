"""Logistic growth: the reference satisfies it."""

import numpy as np
import pytest

from known_solutions import Sampled
from sapts_pinn.problems.zoo.reaction import reaction


@pytest.mark.parametrize("rho", [5.0, 2.0])
def test_equation(rho):
    u = Sampled(reaction(rho))
    growth = rho * u("u") * (1 - u("u"))
    u.check(u("u", "t") - growth, growth, 1e-9)
    x = np.linspace(0, 2 * np.pi, 21)
    start = reaction(rho).reference.evaluate({"x": x, "t": 0 * x})["u"]
    assert np.allclose(start, np.exp(-0.5 * ((x - np.pi) / (np.pi / 4)) ** 2), atol=1e-14)
