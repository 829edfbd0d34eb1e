"""Convection: the reference is carried along."""

import numpy as np
import pytest

from known_solutions import Sampled
from sapts_pinn.problems.zoo.convection import convection


@pytest.mark.parametrize("beta", [40.0, -3.0])
def test_equation(beta):
    u = Sampled(convection(beta), step=1e-3)
    u.check(u("u", "t") + beta * u("u", "x"), u("u", "t"), 1e-8)


def test_start():
    x = np.linspace(0, 2 * np.pi, 21)
    assert np.allclose(convection().reference.evaluate({"x": x, "t": 0 * x})["u"], np.sin(x))
