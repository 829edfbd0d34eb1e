"""The Helmholtz equation: the reference satisfies it, and resonances are refused."""

from math import pi, sqrt

import pytest
import torch

from known_solutions import Sampled
from sapts_pinn.problems.zoo.helmholtz import helmholtz


@pytest.mark.parametrize(("a1", "a2", "k"), [(1, 4, 1.0), (2, 3, 2.5)])
def test_equation(a1, a2, k):
    u = Sampled(helmholtz(a1, a2, k), step=2e-3)
    x, y = u.points.unbind(1)
    exact = torch.sin(a1 * pi * x) * torch.sin(a2 * pi * y)
    source = (k**2 - (a1**2 + a2**2) * pi**2) * exact
    u.check(u("u", "x", "x") + u("u", "y", "y") + k**2 * u("u") - source, source, 1e-8)
    assert torch.allclose(u("u"), exact, atol=1e-14)


def test_an_eigenvalue_is_refused():
    with pytest.raises(ValueError, match="no unique solution for k = "):
        helmholtz(k=pi / 2 * sqrt(2))
    with pytest.raises(ValueError, match="a whole number a2 of at least 1, not 0"):
        helmholtz(a2=0)
    assert helmholtz(2, 3).name == "helmholtz-2-3" and helmholtz().name == "helmholtz"
