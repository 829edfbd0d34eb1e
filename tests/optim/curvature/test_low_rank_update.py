"""A matrix with corrections beside it is the matrix that was corrected."""

import io

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from draws import randn
from sapts_pinn.optim.curvature.low_rank_update import FULL, Deferred


def symmetric(n, seed=0):
    A = randn(n, n, seed=seed)
    return A + A.T


def corrected(n, count, seed=0, fold=False):
    """The matrix, and the same by plain dense algebra."""
    H = symmetric(n, seed)
    matrix = Deferred(H.clone(), 1)
    for i in range(count):
        left, right, beta = (
            randn(2, n, seed=seed + 2 * i + 1),
            randn(2, n, seed=seed + 2 * i + 2),
            0.8 + 0.03 * i,
        )
        matrix.correct(beta, left, right)
        H = beta * H + left.T @ right
        if fold:
            matrix.fold()
    return matrix, H


def near(a, b):
    return float((a - b).norm()) <= 1e-13 * float(b.norm())


@given(st.integers(1, 9), st.integers(0, 2 * FULL), st.integers(0, 9), st.booleans())
def test_it_is_the_matrix_that_was_corrected(n, count, seed, fold):
    matrix, H = corrected(n, count, seed, fold)
    x = randn(n, seed=99)
    assert near(matrix.dense(), H) and near(matrix.times(x), H @ x)
    assert near(matrix.times(x, known=matrix.base @ x), H @ x)


def test_it_folds_when_it_is_full_and_on_demand():
    matrix, H = corrected(5, FULL // 2 - 1, fold=True)
    assert len(matrix.left) == len(matrix.right) == FULL - 2
    matrix.correct(0.5, randn(2, 5), randn(2, 5, seed=1))
    H = 0.5 * H + randn(2, 5).T @ randn(2, 5, seed=1)
    matrix.fold()
    assert (
        len(matrix.left) == 0
        and matrix.scale == 1.0
        and near(matrix.base, H)
        and matrix.dense() is matrix.base
    )
    matrix.correct(0.5, randn(2, 5), randn(2, 5))
    matrix.fold(at_least=0)
    assert len(matrix.left) == 0 and near(matrix.base, 0.5 * H + randn(2, 5).T @ randn(2, 5))


def test_what_is_shared_is_not_written_to():
    matrix, H = corrected(4, 3)
    base = matrix.base.clone()
    one, other = matrix.share(), matrix.share()
    for _ in range(FULL):
        one.correct(1.01, randn(2, 4, seed=7), randn(2, 4, seed=8))
        one.fold(at_least=0)
    assert one.base is matrix.base and torch.equal(matrix.base, base)
    assert torch.equal(matrix.dense(), other.dense()) and near(other.dense(), H)
    assert len(one.left) == 2 * FULL + 6 and not near(one.dense(), H)


def test_rows_of_vectors_go_through_the_symmetric_base_at_once():
    matrix, _ = corrected(6, 2)
    Y = randn(3, 6, seed=5)
    found = matrix.base_times(Y)
    assert all(near(row, matrix.base @ y) for row, y in zip(found, Y, strict=True))


@pytest.mark.parametrize("count", [0, 3])
def test_saved_and_loaded_it_goes_on_bit_for_bit(count):
    matrix, _ = corrected(5, count)
    file = io.BytesIO()
    torch.save(matrix.state_dict(), file)
    file.seek(0)
    again = Deferred.of(torch.load(file, weights_only=True), 1)
    for _ in range(FULL):
        x = randn(5, seed=3)
        assert torch.equal(again.times(x), matrix.times(x))
        for one in (matrix, again):
            one.correct(0.9, randn(2, 5, seed=4), randn(2, 5, seed=5))
            one.fold()
    assert torch.equal(again.dense(), matrix.dense())
