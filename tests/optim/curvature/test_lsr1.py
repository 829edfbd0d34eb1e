"""Limited-memory SR1 against the dense recursion, and what it is for: converging."""

from collections.abc import Callable
from math import nan, sqrt
from pathlib import Path
from statistics import median

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from draws import randn
from sapts_pinn.optim.curvature.base import Curvature
from sapts_pinn.optim.curvature.identity import Identity
from sapts_pinn.optim.curvature.lsr1 import LSR1
from sapts_pinn.optim.subproblem.exact import secular
from sapts_pinn.optim.subproblem.step import plain_dot


def in_halves(a: Tensor, b: Tensor) -> float:
    """The inner product as two ranks would compute it, each with a part of the vector."""
    k = len(a) // 2
    return plain_dot(a[:k], b[:k]) + plain_dot(a[k:], b[k:])


def dense_sr1(pairs: list[tuple[Tensor, Tensor]], gamma: float) -> Tensor:
    """The recursion as in the textbook, on a whole matrix."""
    B = gamma * torch.eye(len(pairs[0][0]), dtype=torch.float64)
    for s, y in pairs:
        r = y - B @ s
        if r.norm() > 1.5e-8 * y.norm() and (r @ s).abs() >= 1e-8 * r.norm() * s.norm():
            B = B + r.outer(r) / (r @ s)
    return B


def matrix(model: Curvature, n: int) -> Tensor:
    return torch.stack([model.mv(row) for row in torch.eye(n, dtype=torch.float64)], dim=1)


def general_pairs(n: int, count: int, seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    """Steps and gradient changes of an indefinite function that is not quadratic, the steps ever shorter."""
    A = randn(n, n, seed=seed)
    gradient = lambda x: (A + A.T) @ x + torch.sinh(x)
    x, pairs = randn(n, seed=seed + 1), []
    for k in range(count):
        s = 0.7**k * randn(n, seed=seed + 2 + k)
        pairs.append((s, gradient(x + s) - gradient(x)))
        x = x + s
    return pairs


@given(
    n=st.sampled_from([1, 2, 5, 30]),
    count=st.integers(1, 8),
    memory=st.integers(1, 5),
    seed=st.integers(0, 1000),
    dot=st.sampled_from([plain_dot, in_halves]),
)
def test_it_is_the_dense_recursion_on_the_last_pairs(
    n: int, count: int, memory: int, seed: int, dot: Callable[[Tensor, Tensor], float]
) -> None:
    model, kept = LSR1(memory, dot), []
    for s, y in general_pairs(n, count, seed):
        used = model.update(s, y)
        if used:
            kept = [*kept, (s, y)][-memory:]
            assert float((model.mv(s) - y).norm()) <= 1e-6 * float(y.norm())
    gamma = median(float(y.norm() / s.norm()) for s, y in kept)
    assert model.gamma == pytest.approx(gamma, rel=1e-14)
    dense = dense_sr1(kept, gamma)
    assert float((matrix(model, n) - dense).norm()) <= 1e-6 * float(dense.norm())


def test_it_is_the_compact_form_of_the_literature() -> None:
    pairs = general_pairs(30, 6)
    model = LSR1(6)
    assert all(model.update(s, y) for s, y in pairs)
    S, Y = (torch.stack(rows, dim=1) for rows in zip(*pairs, strict=True))
    SY = S.T @ Y
    middle = SY.tril() + SY.tril(-1).T - model.gamma * S.T @ S
    psi = Y - model.gamma * S
    B = model.gamma * torch.eye(30, dtype=torch.float64) + psi @ torch.linalg.solve(middle, psi.T)
    assert torch.allclose(matrix(model, 30), B, rtol=1e-8, atol=1e-8)


def test_the_secant_condition_holds_to_rounding() -> None:
    for seed in range(10):
        model = LSR1(4)
        for s, y in general_pairs(20, 12, seed):
            assert model.update(s, y)
            assert torch.allclose(model.mv(s), y, rtol=0, atol=1e-11 * float(y.norm()))


def test_n_pairs_reveal_a_quadratic() -> None:
    A = randn(6, 6)
    A = A + A.T
    model = LSR1(6)
    for k in range(6):
        s = randn(6, seed=k + 1)
        assert model.update(s, A @ s)
    assert torch.allclose(matrix(model, 6), A, rtol=1e-9, atol=1e-9)
    s = randn(6, seed=99)
    assert not model.update(s, A @ s)  # nothing left to learn
    for radius in (0.1, 100.0):
        step, exact = model.solve(s, radius), secular(s, *torch.linalg.eigh(A), radius)
        assert step.predicted == pytest.approx(exact.predicted, rel=1e-9)


def test_more_pairs_than_dimensions() -> None:
    """Psi is rank deficient for good, and the middle matrix nearly singular."""
    for n in (1, 2, 3):
        model = LSR1(10)
        for s, y in general_pairs(n, 30):
            model.update(s, y)
            g = randn(n)
            step = model.solve(g, 0.5)
            B = matrix(model, n)
            exact = secular(g, *torch.linalg.eigh((B + B.T) / 2), 0.5)
            assert step.predicted == pytest.approx(exact.predicted, rel=1e-8)
            assert step.predicted == pytest.approx(float(-(g @ step.s + step.s @ B @ step.s / 2)), rel=1e-8)


@pytest.mark.parametrize("bad", ["zero step", "nan", "inf", "no curvature along r"])
def test_useless_pairs_are_skipped(bad: str) -> None:
    model = LSR1()
    (s, y), (s2, y2) = general_pairs(4, 2)
    assert model.update(s, y)
    before = matrix(model, 4)
    if bad == "zero step":
        s2 = 0 * s2
    elif bad == "nan":
        y2[1] = nan
    elif bad == "inf":
        s2[1] = torch.inf
    else:
        r = y2 - (y2 @ s2) / (s2 @ s2) * s2
        y2 = model.mv(s2) + r
    assert not model.update(s2, y2)
    assert torch.equal(matrix(model, 4), before)


def test_no_change_of_the_gradient_is_zero_curvature() -> None:
    model = LSR1()
    s = randn(3)
    model.update(s, 0 * s)
    step = model.solve(randn(3, seed=1), 2.0)
    assert step.predicted > 0
    assert torch.allclose(model.mv(s), 0 * s)


def test_before_the_first_pair_it_is_the_first_order_method() -> None:
    g = randn(5)
    for model in (LSR1(), Identity()):
        step = model.solve(g, 0.3)
        assert torch.allclose(step.s, -0.3 * g / g.norm(), rtol=1e-14)
        assert step.predicted == pytest.approx(0.3 * float(g.norm()), rel=1e-14)
        assert step.on_boundary
        assert step.length == pytest.approx(0.3, rel=1e-14)
        assert not model.mv(g).any()
        assert model.solve(0 * g, 0.3).predicted == 0
        assert model.solve(g, nan).predicted != model.solve(g, nan).predicted


def test_state_makes_the_round_trip_bit_for_bit(tmp_path: Path) -> None:
    pairs, g = general_pairs(17, 9), randn(17, seed=50)
    model, resumed = LSR1(4), LSR1(4)
    for s, y in pairs[:6]:
        model.update(s, y)
    torch.save(model.state_dict(), tmp_path / "state.pt")
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for s, y in pairs[6:]:
        assert torch.equal(resumed.solve(g, 0.7).s, model.solve(g, 0.7).s)
        assert resumed.solve(g, 0.7).predicted == model.solve(g, 0.7).predicted
        assert resumed.update(s, y) == model.update(s, y)
    shorter = LSR1(2)
    shorter.load_state_dict(model.state_dict())
    assert torch.allclose(shorter.mv(pairs[-1][0]), pairs[-1][1], rtol=1e-10)
    model.reset()
    assert not model.mv(g).any()
    shorter.load_state_dict(model.state_dict())
    assert not shorter.mv(g).any()


def test_it_keeps_its_own_copy_of_a_pair() -> None:
    model, g = LSR1(2), randn(6, seed=9)
    pairs = general_pairs(6, 3)
    again = LSR1(2)
    for s, y in pairs:
        again.update(s, y)
    for s, y in pairs:
        model.update(s, y)
        s.zero_()
        y.zero_()
    assert torch.equal(model.solve(g, 1.0).s, again.solve(g, 1.0).s)


def test_single_precision() -> None:
    model = LSR1(4)
    for s, y in general_pairs(20, 12):
        assert model.update(s.float(), y.float())
        assert torch.allclose(model.mv(s.float()), y.float(), rtol=0, atol=1e-3 * float(y.norm()))
    step = model.solve(randn(20).float(), 0.5)
    assert step.s.dtype == torch.float32
    assert step.predicted > 0


def test_a_memory_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one pair, not 0"):
        LSR1(0)


def minimise(f: Callable[[Tensor], Tensor], x: Tensor, model: Curvature, evaluations: int) -> float:
    """The classical trust region; return the norm of the gradient at the end."""

    def evaluate(x: Tensor) -> tuple[float, Tensor]:
        x = x.detach().requires_grad_()
        value = f(x)
        return value.item(), torch.autograd.grad(value, x)[0]

    radius = 1.0
    value, g = evaluate(x)
    for _ in range(evaluations):
        if float(g.norm()) <= 1e-8:
            break
        step = model.solve(g, radius)
        trial, ahead = evaluate(x + step.s)
        rho = (value - trial) / step.predicted
        model.update(step.s, ahead - g)
        if rho < 0.25:
            radius = step.length / 2
        elif rho > 0.75 and step.on_boundary:
            radius *= 2
        if rho > 1e-4:
            x, value, g = x + step.s, trial, ahead
    return float(g.norm())


def test_convex_quadratic() -> None:
    e = torch.logspace(0, 2, 20, dtype=torch.float64)
    V = torch.linalg.qr(randn(20, 20))[0]
    assert minimise(lambda x: ((V.T @ x) ** 2 * e).sum() / 2, randn(20), LSR1(), 400) <= 1e-8


@pytest.mark.parametrize("n", [2, 10])
def test_rosenbrock(n: int) -> None:
    f = lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
    start = torch.tensor([-1.2, 1.0] * (n // 2), dtype=torch.float64)
    assert minimise(f, start, LSR1(), 400) <= 1e-8


def test_first_order_trust_region_descends() -> None:
    f = lambda x: (x[0] ** 2 + 10 * x[1] ** 2) / 2
    start = torch.tensor([3.0, 1.0], dtype=torch.float64)
    assert minimise(f, start, Identity(), 200) <= 1e-3 * sqrt(109)
