"""Steps of compact models: the optimality conditions, dependent columns, sharded vectors."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from draws import randn
from sapts_pinn.optim.subproblem.low_rank import obs, obs_spectrum, spectrum
from sapts_pinn.optim.subproblem.step import Dot, InnerProducts, plain_dot
from subproblems import check_optimal, compact, in_halves, orthogonal


@given(
    n=st.sampled_from([1, 2, 3, 5, 30]),
    k=st.integers(0, 6),
    rank=st.none() | st.integers(1, 3),
    gamma=st.sampled_from([-3.0, -1e-3, 0.0, 0.5, 10.0]),
    radius=st.sampled_from([1e-6, 0.1, 1.0, 30.0]),
    seed=st.integers(0, 1000),
    dot=st.sampled_from([plain_dot, in_halves]),
)
def test_obs_is_optimal(
    n: int, k: int, rank: int | None, gamma: float, radius: float, seed: int, dot: Dot
) -> None:
    psi, W = compact(n, k, seed, rank)
    B = gamma * torch.eye(n, dtype=torch.float64) + psi @ torch.linalg.solve(W, psi.T)
    B, g, v = (B + B.T) / 2, randn(n, seed=seed + 5), randn(n, seed=seed + 6)
    small = spectrum(gamma, psi, W, dot)
    # W may be close to singular, and B then large with errors to match: the conditions are checked on the
    # matrix that the spectrum stands for, which is compared with B separately.
    dense = torch.stack([small.mv(row, dot) for row in torch.eye(n, dtype=torch.float64)], dim=1)
    size = W.diagonal().abs().sqrt()
    condition = float(torch.linalg.cond(W / size.outer(size))) if k else 1.0
    error = 1e-13 * condition * max(1.0, float(B.norm()))
    assert float((dense - B).norm()) <= max(error, 1e-12)
    assert torch.allclose(small.basis @ small.basis.T, torch.eye(len(small.basis)).double(), atol=1e-13)
    assert float((small.mv(v, dot) - dense @ v).norm()) <= 1e-12 * (1 + float(dense.norm() * v.norm()))
    step = obs(g, gamma, psi, W, radius, dot)
    check_optimal(step, (dense + dense.T) / 2, g, radius)


@pytest.mark.parametrize("gamma", [-2.0, 1.0])
@pytest.mark.parametrize("radius", [0.01, 100.0])
def test_obs_in_the_hard_case(gamma: float, radius: float) -> None:
    """g orthogonal to the lowest eigenspace: in the range of Psi, and where gamma itself is lowest."""
    n, e = 12, torch.tensor([-1.0, 0.5, 4.0], dtype=torch.float64)
    P = orthogonal(n)[:, :3]
    psi = P @ randn(3, 3, seed=1)
    middle = psi.T @ P @ torch.diag(1 / (e - gamma)) @ P.T @ psi
    B = gamma * (torch.eye(n, dtype=torch.float64) - P @ P.T) + (P * e) @ P.T
    g = P[:, 1:] @ randn(2, seed=2)
    if gamma > 0:
        g = g + orthogonal(n)[:, 5]
    for dot in (plain_dot, in_halves):
        step = obs(g, gamma, psi, middle, radius, dot)
        assert step.on_boundary
        check_optimal(step, B, g, radius)


def test_a_vector_close_to_the_range_splits_accurately() -> None:
    """The part outside stays orthogonal to the basis even where it is nine digits smaller."""
    small = spectrum(0.5, *compact(30, 4))
    v = small.basis.T @ randn(4) + 1e-9 * randn(30, seed=1)
    coordinates, rest = small.split(v)
    assert float((small.basis @ rest).norm()) <= 1e-14 * float(rest.norm())
    assert torch.allclose(small.basis.T @ coordinates + rest, v, rtol=1e-14, atol=1e-15)


def test_obs_drops_what_the_columns_have_in_common() -> None:
    psi, W = compact(20, 4)
    once = spectrum(0.5, psi, W)
    twice = spectrum(0.5, torch.cat([psi, psi], dim=1), torch.block_diag(2 * W, 2 * W))
    assert len(twice.basis) == len(once.basis) == 4
    assert torch.allclose(twice.eigenvalues, once.eigenvalues, rtol=1e-10)
    g = randn(20, seed=9)
    assert torch.allclose(obs_spectrum(g, twice, 0.7).s, obs_spectrum(g, once, 0.7).s, rtol=1e-9)


def test_the_step_is_filled_up_outside_the_basis_where_the_gradient_is_one_eigenvector() -> None:
    """B = diag(1, 2, -1, -1): lambda is 1, and so the step along the gradient -1 / 2."""
    psi = torch.eye(4, 2, dtype=torch.float64)
    g = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    step = obs(g, -1.0, psi, torch.diag(torch.tensor([1 / 2, 1 / 3], dtype=torch.float64)), 2.0)
    assert step.on_boundary and step.length == pytest.approx(2.0, rel=1e-14)
    assert float(step.s[0]) == pytest.approx(-0.5, rel=1e-14) and abs(float(step.s[1])) < 1e-15
    assert float(step.s[2:].norm()) == pytest.approx(math.sqrt(4 - 0.25), rel=1e-14)
    assert step.predicted == pytest.approx(0.5 * (0.5 + 4.0), rel=1e-14)


class Halves(InnerProducts):
    """Products of vectors in two shards, many in one round, which are counted."""

    rounds = 0

    def gram(self, rows: Tensor, others: Tensor) -> Tensor:
        self.rounds += 1
        return torch.tensor([[in_halves(a, b) for b in others] for a in rows], dtype=torch.float64)


@pytest.mark.parametrize("gamma", [-1.0, 0.5])
def test_products_of_many_vectors_in_one_round_give_the_same_step(gamma: float) -> None:
    """Sums in another order differ by rounding, which W enlarges by its condition."""
    psi, W = compact(12, 3)
    g, dot = randn(12, seed=4), Halves()
    step, expected = obs(g, gamma, psi, W, 0.7, dot), obs(g, gamma, psi, W, 0.7)
    assert torch.allclose(step.s, expected.s, rtol=1e-9, atol=1e-10)
    assert step.predicted == pytest.approx(expected.predicted, rel=1e-9) and dot.rounds < 20


def test_a_column_of_zeros_says_nothing() -> None:
    psi, W = compact(6, 2)
    wider = torch.cat([psi, torch.zeros(6, 1, dtype=torch.float64)], 1)
    g, middle = randn(6, seed=4), torch.block_diag(W, torch.ones(1, 1, dtype=torch.float64))
    step, expected = obs(g, 0.5, wider, middle, 0.7), obs(g, 0.5, psi, W, 0.7)
    assert torch.allclose(step.s, expected.s, rtol=1e-9, atol=1e-10)
    assert step.predicted == pytest.approx(expected.predicted, rel=1e-9) and step.predicted > 0
