"""Poisson's equation in the zoo."""

from math import pi

import numpy as np
import pytest
import torch

from known_solutions import Sampled, fields_of
from sapts_pinn.problems import build
from sapts_pinn.problems.fields import derivatives
from sapts_pinn.problems.zoo.poisson import poisson_2d, poisson_interface, poisson_lshape

EXACT = {  # solutions in closed form, for derivatives
    "poisson-1d": lambda x: torch.sin(pi * x),
    "poisson-multiscale": lambda x: torch.sin(2 * pi * x) + 0.1 * torch.sin(50 * pi * x),
    "poisson-2d": lambda x, y: torch.sin(pi * x) * torch.sin(pi * y),
    "poisson-2d-k4": lambda x, y: torch.sin(4 * pi * x) * torch.sin(4 * pi * y),
    "poisson-3d": lambda x, y, z: torch.sin(pi * x) * torch.sin(pi * y) * torch.sin(pi * z),
    "poisson-5d": lambda x1, x2, x3, x4, x5: sum(torch.cos(pi * x) for x in (x1, x2, x3, x4, x5)),
}


@pytest.mark.parametrize("name", EXACT)
def test_manufactured_solutions(name):
    problem, exact = build(name), EXACT[name]
    points = problem.domain.interior(200, torch.Generator().manual_seed(0))
    u = lambda p: exact(*p.unbind(1))
    residual = problem.evaluate(fields_of(problem, {"u": u}, points), points, {})[0]
    curvature = derivatives(u, points, [(0, 0)])[0].abs().max()
    assert residual.abs().max() <= 1e-10 * max(1, curvature)
    named = {c: points[:, i].numpy() for i, c in enumerate(problem.domain.names)}
    np.testing.assert_allclose(problem.reference.evaluate(named)["u"], u(points), atol=1e-12)


def test_arguments():
    assert poisson_2d(k=3).name == "poisson-2d-k3"
    for k in (0, 1.5, -2):
        with pytest.raises(ValueError, match=f"whole number k of at least 1, not {k}"):
            poisson_2d(k)


def test_the_reference_on_the_l_shape():
    away = lambda x, y: (x.hypot(y) > 0.3) & ~((x > -0.1) & (y > -0.1)) & (x.abs() < 0.9) & (y.abs() < 0.9)
    u = Sampled(poisson_lshape(), step=5e-3, count=400, kept=away)
    u.check(u("u", "x", "x") + u("u", "y", "y") + 1, torch.ones(1), 1e-6)


@pytest.mark.parametrize("inside", [100.0, 0.1])
def test_the_flux_through_the_interface_is_continuous(inside):
    """u = r^2 / k plus a constant on each side: the value is continuous, and k du/dr = 2 r."""
    problem = poisson_interface(inside, 0.5)
    r = np.array([0.2, 0.5 - 1e-9, 0.5 + 1e-9, 0.8])
    u = lambda r: problem.reference.evaluate({"x": 0.6 * r, "y": 0.8 * r})["u"]
    assert abs(u(r)[1] - u(r)[2]) < 1e-7
    k = np.array([inside, inside, 1.0, 1.0])
    h = np.array([1e-4, 1e-10, 1e-10, 1e-4])
    slope = (u(r + h) - u(r - h)) / (2 * h)
    assert np.allclose((k * slope)[[0, 3]], 2 * r[[0, 3]], rtol=1e-6)
