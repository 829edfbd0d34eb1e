"""Fundamental solutions: they solve the equation away from the source, and what flows out of it is one."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import exp1

from sapts_pinn.problems.ansatz.potentials import exponential_integral, from_rest, of_segment, steady
from sapts_pinn.problems.fields import derivatives

AREA = {1: lambda r: 2.0, 2: lambda r: 2 * np.pi * r, 3: lambda r: 4 * np.pi * r**2}


def points(m, seed=1):
    return torch.randn(40, m, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def laplacian(function, y, m):
    return torch.stack(derivatives(function, y, [(i, i) for i in range(m)])).sum(0)


@pytest.mark.parametrize("m", [1, 2, 3])
def test_steady_potentials(m):
    y = points(m)
    size = torch.stack(derivatives(steady, y, [(i, i) for i in range(m)])).abs().amax(0)
    assert (laplacian(steady, y, m).abs() <= 1e-9 * size + 1e-12).all()
    at = torch.zeros(1, m, dtype=torch.float64)
    at[0, 0] = 0.2
    assert -float(derivatives(steady, at, [(0,)])[0]) * AREA[m](0.2) == pytest.approx(1)


@pytest.mark.parametrize("m", [1, 2, 3])
def test_potentials_from_rest(m):
    at = torch.cat(
        [points(m), 0.1 + torch.rand(40, 1, generator=torch.Generator().manual_seed(2))], 1
    ).double()
    function = lambda p: from_rest(p[:, :m], p[:, m])
    rate = derivatives(function, at, [(m,)])[0]
    torch.testing.assert_close(rate, laplacian(function, at, m), rtol=1e-8, atol=1e-12)
    start = torch.cat([points(m), torch.zeros(40, 1)], 1).double()
    assert function(start).abs().max() == 0
    # what has flowed out until t is there
    total = quad(
        lambda r: (
            float(from_rest(torch.tensor([[r] + [0.0] * (m - 1)]).double(), torch.tensor([0.3]).double())[0])
            * AREA[m](r)
        ),
        0,
        8,
    )[0]
    assert total == pytest.approx(0.3, rel=1e-6)


def test_the_exponential_integral():
    z = torch.logspace(-6, 1, 30, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(exponential_integral(z).detach(), torch.from_numpy(exp1(z.detach().numpy())))
    assert torch.autograd.gradgradcheck(exponential_integral, z[15:20].detach().requires_grad_())


def test_a_segment_is_the_integral_of_points():
    start, end = torch.tensor([[0.2, 0.3], [0.7, 0.6]], dtype=torch.float64)
    length = float((end - start).norm())

    def integral(x, y):
        s = lambda t: -np.log(np.hypot(x - 0.2 - 0.5 * t, y - 0.3 - 0.3 * t)) / (2 * np.pi)
        return length * quad(s, 0, 1, epsabs=1e-13, limit=200)[0]

    at = torch.rand(20, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    expected = torch.tensor([integral(*p) for p in at.tolist()], dtype=torch.float64)
    torch.testing.assert_close(of_segment(at, start, end), expected, rtol=1e-9, atol=1e-11)
