"""Poisson2d-C, Poisson2d-CG, Poisson2d-MS and Poisson3d-CG."""

import numpy as np
import pytest
import torch

from referenced import inner_points, misfit, residuals
from sapts_pinn.problems import build
from sapts_pinn.problems.pinnacle import poisson


@pytest.mark.parametrize("name", ["pinnacle-poisson2d-c", "pinnacle-poisson2d-cg"])
def test_holes(name):
    problem = build(name)
    accuracy = problem.reference.accuracy
    assert misfit(problem, 0) < 10 * accuracy and misfit(problem, 1) < 10 * accuracy
    assert max(residuals(problem, inner_points(problem, 100, 0.02), 2e-3)) < 1e-3


def test_many_areas():
    """The equation inside the blocks, and the condition at the sides by one-sided differences."""
    problem = build("pinnacle-poisson2d-ms")
    points = inner_points(problem, 400, 0.03)
    cell = (points + 10) / 4 % 1
    points = points[((cell > 0.15) & (cell < 0.85)).all(1)]
    assert len(points) > 100
    assert max(residuals(problem, points, 0.1)) < 1e-3
    u = lambda x, y: problem.reference.evaluate({"x": x, "y": y})["u"]
    s, h = np.linspace(-9.7, 9.7, 41), 0.02
    slope = sum(w * u(10 - k * h, s) for k, w in enumerate((25, -48, 36, -16, 3))) / (12 * h)
    np.testing.assert_allclose(slope, -u(10.0, s), atol=1e-4)
    slope = sum(w * u(s, -10 + k * h) for k, w in enumerate((25, -48, 36, -16, 3))) / (12 * h)
    np.testing.assert_allclose(slope, -u(s, -10.0), atol=1e-4)


def test_accuracy_of_many_areas():
    x, y = np.random.default_rng(0).uniform(-10, 10, (2, 2000))
    values = poisson._blocks(x, y)
    breaks, nodes, finer = poisson._spectral_elements(32)
    from sapts_pinn.problems.references import _cell_basis

    (i, lx), (j, ly) = (_cell_basis(breaks, nodes, s) for s in (x, y))
    rows, columns = (k[:, None] * 32 + np.arange(33) for k in (i, j))
    other = np.einsum("mi,mij,mj->m", lx, finer[rows[:, :, None], columns[:, None, :]], ly)
    assert np.linalg.norm(values - other) < 1e-7 * np.linalg.norm(other)


def test_coefficients_are_those_of_the_published_files(shared_data):
    folder = shared_data / "reference" / "pinnacle"
    a = np.loadtxt(folder / "poisson_a_coef.dat")
    f = np.loadtxt(folder / "poisson_f_coef.dat").reshape(5, 5, 2, 2)
    assert np.array_equal(a, poisson.DIFFUSION)
    assert np.array_equal(f[..., 0, 0], poisson.CONSTANT) and np.array_equal(f[..., 1, 1], poisson.WAVE)
    problem = build("pinnacle-poisson2d-ms")
    at = torch.tensor([[-9.0, 7.0]], dtype=torch.float64)  # block 0 along x, 4 along y
    from sapts_pinn.problems.fields import Field

    zero = {"u": Field("u", ("x", "y"), lambda index: torch.zeros(1, dtype=torch.float64))}
    (row,) = problem.evaluate(zero, at, {})
    sx, sy = (1 + 1e-5) / 4.000004, (17 + 1e-5) / 4.000004 - 4
    c = f[0, 4]
    expected = c[0, 0] + c[1, 1] * np.sin(np.pi * sx) * np.sin(np.pi * sy)
    assert float(row) == pytest.approx(expected / a[0, 4], abs=1e-12)


def test_balls():
    """The balance of the whole cube: du/dn = 0, so that the integral of k^2 u is that of f."""
    problem = build("pinnacle-poisson3d-cg")
    test = problem.reference.test_points()
    values = problem.reference.evaluate(test)["u"]
    inner = np.all([(0 < test[c]) & (test[c] < 1) for c in "xyz"], 0)
    edges = [np.where((test[c] == 0) | (test[c] == 1), 0.5, 1.0) for c in "xyz"]
    weight = edges[0] * edges[1] * edges[2]
    f = poisson.source_3d(test["x"], test["y"], test["z"], np)
    square = np.where(test["z"] < 0.5, 64.0, 100.0)
    assert inner.any() and abs((weight * (square * values - f)).sum()) < 0.05 * (weight * abs(f)).sum()
    for x, y, z, radius in poisson.BALLS:
        r = np.sqrt((test["x"] - x) ** 2 + (test["y"] - y) ** 2 + (test["z"] - z) ** 2)
        assert r.min() > radius
