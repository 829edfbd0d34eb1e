"""Heat2d-MS, Heat2d-VC, Heat2d-CG and Heat2d-LT."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve
from scipy.special import erfc

from referenced import inner_points, misfit, residuals
from sapts_pinn.problems import build
from sapts_pinn.problems.pinnacle.coefficients import diffusivity


def test_two_scales():
    problem = build("pinnacle-heat2d-ms")
    assert max(residuals(problem, inner_points(problem, 100, 0.01), (1e-4, 1e-3, 1e-3))) < 1e-6
    assert misfit(problem, 0) < 1e-12 and misfit(problem, 1) < 1e-12


def test_the_published_test_grid_of_two_scales_aliases():
    """On multiples of 1 / 9 another wave is the same, which a grid of 97 tells apart."""
    x = np.arange(1, 9) / 9
    assert abs(np.sin(20 * np.pi * x) - np.sin(2 * np.pi * x)).max() < 1e-13
    ours = np.unique(build("pinnacle-heat2d-ms").reference.test_points()["x"])
    waves = np.sin(np.pi * np.arange(1, 97)[:, None] * ours)
    assert np.linalg.matrix_rank(waves) == 96  # sin(m pi x), m = 1 ... 96


def test_long_time():
    """Initial values, and the first times by another method."""
    problem = build("pinnacle-heat2d-lt")
    test = problem.reference.test_points()
    values = problem.reference.evaluate(test)["u"].reshape(24, 24, 41)
    x, y = (test[c].reshape(24, 24, 41)[..., 0] for c in ("x", "y"))
    np.testing.assert_allclose(values[..., 0], np.sin(4 * np.pi * x) * np.sin(3 * np.pi * y), atol=1e-6)
    early = values[..., :3]
    coarse, fine = by_differences(75), by_differences(125)
    other = fine + (fine - coarse) / ((125 / 75) ** 2 - 1)
    assert np.linalg.norm(early - other) < 1e-2 * np.linalg.norm(early)


def by_differences(n):
    """Values of Heat2d-LT up to t = 5, [24, 24, 3], by central differences and Runge-Kutta steps."""
    x = np.arange(1, n) / n
    shape = 5 * np.outer(np.sin(4 * np.pi * x), np.sin(2 * np.pi * x))

    def slope(u, t):
        p = np.pad(u, 1)
        laplace = (p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u) * n**2
        return 1e-3 * laplace + shape * (1 + 2 * np.sin(np.pi / 4 * t)) * np.sin(u * u)

    u, out, h = np.outer(np.sin(4 * np.pi * x), np.sin(3 * np.pi * x)), [], 0.0125
    for i in range(401):
        t = i * h
        if i % 200 == 0:
            out.append(u[n // 25 - 1 :: n // 25, n // 25 - 1 :: n // 25])
        a = slope(u, t)
        b = slope(u + h / 2 * a, t + h / 2)
        c = slope(u + h / 2 * b, t + h / 2)
        u = u + h / 6 * (a + 2 * b + 2 * c + slope(u + h * c, t + h))
    return np.stack(out, -1)


def test_random_medium():
    """The stored temperatures start at zero and are near those of a coarse independent computation."""
    problem = build("pinnacle-heat2d-vc")
    test = problem.reference.test_points()
    values = problem.reference.evaluate(test)["u"].reshape(16, 16, 51)
    assert abs(values[..., 0]).max() == 0
    n = 85  # every third node of the coefficient
    x, a = np.arange(1, n) / n, diffusivity().T[3:-1:3, 3:-1:3].ravel()
    second = sp.diags([1.0, -2.0, 1.0], [-1, 0, 1], (n - 1, n - 1)) * n**2
    operator = sp.diags(a) @ sp.csr_matrix(sp.kronsum(second, second))
    f = 200 * np.outer(np.sin(np.pi * x), np.sin(5 * np.pi * x)).ravel()
    # After 5 the start is forgotten: u = Im U exp(i pi t), i pi U = a Laplace U + f
    steady = spsolve((1j * np.pi * sp.eye(a.size) - operator).tocsc(), f + 0j)
    found = (steady * np.exp(5j * np.pi)).imag.reshape(n - 1, n - 1)[4::5, 4::5]
    assert np.linalg.norm(found - values[..., -1]) < 0.05 * np.linalg.norm(values[..., -1])


def test_many_holes():
    """Symmetric in x and y; on the side, far from the discs and early, as on a half space.

    There u = g (1 - exp(t) erfc(sqrt(t))) at a wall with du/dn = g - u.
    """
    problem = build("pinnacle-heat2d-cg")
    test = problem.reference.test_points()
    u = problem.reference.evaluate(test)["u"]
    at = {tuple(np.round(p, 9)): v for *p, v in zip(test["x"], test["y"], test["t"], u, strict=True)}
    for mirror in ((-1, 1), (1, -1)):
        there = np.array([at[mirror[0] * x, mirror[1] * y, t] for x, y, t in at])
        assert np.linalg.norm(there - u) < 2 * problem.reference.accuracy * np.linalg.norm(u)
    assert 0 < u.min() and u.max() < 5
    half_space = 0.1 * (1 - np.exp(0.25) * erfc(0.5))
    assert at[8.0, 12.0, 0.25] > half_space  # a corner has two walls
    side = at[8.0, 0.0, 0.25]
    assert side == pytest.approx(half_space, rel=1e-3)
