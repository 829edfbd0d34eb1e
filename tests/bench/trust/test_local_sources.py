"""Problems whose symmetry is broken in a small part, and their series."""

import math

import numpy as np
import pytest

from sapts_pinn.bench.trust.local_sources import burst_series, heat_series, window_series


def test_heat_series_of_a_sine():
    assert heat_series(lambda x: np.sin(np.pi * x), 0.3, 0.1) == pytest.approx(
        math.sin(0.3 * math.pi) * math.exp(-(math.pi**2) * 0.1), rel=1e-12
    )


def test_window_series_by_finite_differences():
    """The five-point stencil with the source's cell averages, extrapolated from two grids."""
    from scipy.sparse import diags_array, eye_array, kron
    from scipy.sparse.linalg import spsolve

    def value(n):
        h = 1 / n
        inner = np.arange(1, n) * h
        second = diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(n - 1, n - 1)) / h**2

        def share(c):
            right, left = np.minimum(inner + h / 2, c + 0.05), np.maximum(inner - h / 2, c - 0.05)
            return np.clip((right - left) / h, 0, 1)

        one = eye_array(n - 1)
        matrix = kron(second, one) + kron(one, second)
        u = spsolve(-matrix.tocsc(), np.outer(share(0.2), share(0.7)).ravel()).reshape(n - 1, n - 1)
        return u[round(0.3 * n) - 1, round(0.6 * n) - 1]

    coarse, fine = value(80), value(160)
    assert window_series(0.2, 0.7, 0.1, 0.3, 0.6) == pytest.approx((4 * fine - coarse) / 3, rel=2e-4)


def test_a_burst_by_finite_differences():
    """Second differences on 200 cells, exact in time: the source for 0.02, then 0.08 without it."""
    from scipy.linalg import expm

    n = 200
    x = np.arange(1, n) / n
    second = (np.diag(np.ones(n - 2), 1) + np.diag(np.ones(n - 2), -1) - 2 * np.eye(n - 1)) * n**2
    source = 50.0 * np.where(x == 0.5, 0.5, x < 0.5)
    u = np.linalg.solve(second, (expm(0.02 * second) - np.eye(n - 1)) @ source)
    found = (expm(0.08 * second) @ u)[round(0.3 * n) - 1]
    assert burst_series(0.3, 0.6) == pytest.approx(found, rel=1e-3)
