"""Cases that were once wrong in silence: what a run of each says, and that the suite can tell."""

import math

import numpy as np
import pytest

from sapts_pinn.bench.suites.trust import deviation, judged, measure
from sapts_pinn.bench.trust.local_sources import heat_series, window_series
from sapts_pinn.bench.trust.written import CASES
from sapts_pinn.problems.wellposed.findings import IllPosed

RIGHT = [name for name, case in CASES.items() if case.answer is not None]


def row(found, expected=1.0, estimate=None, words=(), status="budget spent (30s)"):
    return {
        "found": found,
        "expected": expected,
        "estimate": estimate,
        "words": list(words),
        "status": status,
    }


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (row(1.005), "right"),
        (row(1.2), "SILENT"),
        (row(1.2, estimate=0.1), "told"),
        (row(1.2, estimate=1e-3), "SILENT"),
        (row(1.2, words=["the initial value has a kink"]), "told"),
        (row(math.nan), "SILENT"),
        (row(1.2, status="failed: the loss is nan"), "told"),
        (row(0.0, expected=None), "SILENT"),
        (row(0.0, expected=None, words=["zero is a solution"]), "told"),
    ],
)
def test_outcomes(given, outcome):
    assert judged(given, 0.01) == outcome


def test_deviation_is_relative():
    assert deviation(row(3.0, expected=-2.0)) == pytest.approx(2.5)
    assert deviation(row(1.0, expected=None)) is None


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


@pytest.mark.slow
@pytest.mark.measured
@pytest.mark.parametrize("name", RIGHT)
def test_right_or_said(name):
    found = measure(name, "30s", 1)
    assert found["outcome"] in ("right", "refused", "told"), found


@pytest.mark.parametrize("name", [name for name in CASES if name not in RIGHT])
def test_without_a_right_answer_there_is_a_word(name):
    with pytest.warns(IllPosed):
        CASES[name].build()
