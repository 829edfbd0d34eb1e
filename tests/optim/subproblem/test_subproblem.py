"""Every solver against a dense oracle: the optimality conditions, and bisection for the multiplier."""

from math import inf, isnan, nan, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from draws import randn
from sapts_pinn.optim.subproblem.exact import secular, secular_many
from sapts_pinn.optim.subproblem.low_rank import obs, obs_spectrum, spectrum
from sapts_pinn.optim.subproblem.newton import newton_scaled
from sapts_pinn.optim.subproblem.steihaug import steihaug
from sapts_pinn.optim.subproblem.step import Dot, Step, plain_dot

RADII = (1e-9, 0.3, 1.0, 7.0, 1e7)
SIZES = (1, 2, 30)
SMALLEST = {"singular": 1, "hard": 1, "hard, twofold": 2}  # up to here the gradient would be zero
KINDS = ("definite", "indefinite", "negative", "singular", "zero", "hard", "hard, twofold")


def in_halves(a: Tensor, b: Tensor) -> float:
    """The inner product as two ranks would compute it, each with a part of the vector."""
    k = len(a) // 2
    return plain_dot(a[:k], b[:k]) + plain_dot(a[k:], b[k:])


def orthogonal(n: int, seed: int = 0) -> Tensor:
    return torch.linalg.qr(randn(n, n, seed=seed))[0]


def model(kind: str, n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A symmetric matrix and a gradient. In the hard kinds, g has nothing in the lowest eigenspace."""
    V, g, e = orthogonal(n, seed), randn(n, seed=seed + 1), randn(n, seed=seed + 2).sort().values
    if kind == "definite":
        e = e.abs() + 0.1
    elif kind == "negative":
        e = -e.abs() - 0.1
    elif kind == "singular":  # and g in the range, as in Gauss-Newton
        e = e.abs()
        e[: (n + 1) // 2] = 0
        g = V @ torch.where(e > 0, V.T @ g, 0)
    elif kind == "zero":
        e = 0 * e
    elif kind.startswith("hard"):
        e[0] = e.min() - 1
        if "twofold" in kind and n > 1:
            e[1] = e[0]
        g = V @ torch.where(e > e[0], V.T @ g, 0)
    return (V * e) @ V.T, g


def reduction(B: Tensor, g: Tensor, s: Tensor) -> float:
    return float(-(g @ s + s @ B @ s / 2))


def best_reduction(B: Tensor, g: Tensor, radius: float) -> float:
    """The greatest reduction on the ball, by bisection in NumPy; nothing is shared with the library."""
    e, V = np.linalg.eigh(B.numpy())
    gt = V.T @ g.numpy()
    gt[np.abs(gt) < 1e-13 * np.linalg.norm(gt)] = 0
    e[np.abs(e) < 1e-13 * np.abs(e).max()] = 0

    def step(lam: float) -> np.ndarray:
        with np.errstate(divide="ignore", over="ignore"):
            return np.where(gt == 0, 0.0, -gt / np.where(gt == 0, 1.0, e + lam))

    low = max(0.0, -e[0])
    if np.linalg.norm(step(low)) <= radius:
        lam, s = low, step(low)
    else:
        width = np.linalg.norm(gt) / radius
        below = 0.0  # the multiplier is low + something between the two
        for _ in range(300):
            middle = (below + width) / 2
            d = np.where(gt == 0, 1.0, (e + low) + middle)
            below, width = (middle, width) if np.linalg.norm(gt / d) > radius else (below, middle)
        lam = low + width
        s = np.where(gt == 0, 0.0, -gt / np.where(gt == 0, 1.0, (e + low) + width))
    if low > 0:  # up to the boundary along the lowest eigenvector, which is orthogonal to s in the hard case
        missing = max(radius**2 - s @ s, 0.0)
        return float((-gt @ s + lam * (s @ s)) / 2 + lam * missing / 2)
    return float((-gt @ s + lam * (s @ s)) / 2)


def cauchy_reduction(B: Tensor, g: Tensor, radius: float) -> float:
    """Reduction at the minimiser along ``-g``, which every step has to match."""
    gg, gBg = float(g @ g), float(g @ B @ g)
    t = radius / sqrt(gg) if gBg * radius <= gg * sqrt(gg) else gg / gBg
    return t * gg - t * t * gBg / 2


def scaled(g: Tensor, newton: Tensor, radius: float) -> Step:
    return newton_scaled(newton, -float(g @ newton), radius)


def check_consistent(step: Step, B: Tensor, g: Tensor, radius: float) -> None:
    """What a step says about itself is so, and it is at least as good as the Cauchy point."""
    size = float(step.s.norm())
    assert size <= radius * (1 + 1e-12)
    assert step.length == pytest.approx(size, rel=1e-10)
    assert step.predicted > 0
    rounding = 1e-13 * float(g.norm() * size + torch.linalg.matrix_norm(B, 2) * size**2)
    assert abs(step.predicted - reduction(B, g, step.s)) <= rounding + 1e-11 * step.predicted
    assert step.predicted >= cauchy_reduction(B, g, radius) * (1 - 1e-12)
    assert step.on_boundary == (size >= radius * (1 - 1e-12))


def check_optimal(step: Step, B: Tensor, g: Tensor, radius: float) -> None:
    """The conditions (1) of the module."""
    check_consistent(step, B, g, radius)
    s, e = step.s, torch.linalg.eigvalsh(B)
    lam = float(-(B @ s + g) @ s / (s @ s)) if step.on_boundary else 0.0
    scale = float(g.norm() + e.abs().max() * s.norm())
    assert float((B @ s + lam * s + g).norm()) <= 1e-11 * scale
    assert min(lam, lam + float(e[0])) * float(s.norm()) >= -1e-11 * scale
    assert step.predicted == pytest.approx(best_reduction(B, g, radius), rel=1e-9)


cases = pytest.mark.parametrize(
    ("kind", "n"),
    [(kind, n) for kind in KINDS for n in SIZES if n > SMALLEST.get(kind, 0)],
)


@cases
@pytest.mark.parametrize("radius", RADII)
def test_secular_is_optimal(kind: str, n: int, radius: float) -> None:
    B, g = model(kind, n)
    check_optimal(secular(g, *torch.linalg.eigh(B), radius), B, g, radius)


@given(
    n=st.integers(1, 12),
    seed=st.integers(0, 10**6),
    spread=st.floats(0, 12),
    exponent=st.floats(-8, 8),
    kind=st.sampled_from(["definite", "indefinite", "negative"]),
)
def test_secular_is_optimal_for_any_spectrum(
    n: int, seed: int, spread: float, exponent: float, kind: str
) -> None:
    V, g = orthogonal(n, seed), randn(n, seed=seed + 1)
    e = 10 ** (spread * torch.sin(randn(n, seed=seed + 3)) / 2)
    e = {"definite": e, "negative": -e, "indefinite": e * torch.sign(randn(n, seed=seed + 2))}[kind]
    radius = 10**exponent
    steps, lambdas, predicted = secular_many(V.T @ g, e, torch.tensor([radius], dtype=torch.float64))
    s, lam, gt = steps[0], lambdas[0], V.T @ g
    assert float(s.norm()) <= radius * (1 + 1e-14)
    assert lam >= 0
    assert lam + e.min() >= -1e-15 * e.abs().max()
    assert lam == 0 or float(s.norm()) == pytest.approx(radius, rel=1e-13)
    residual = (e + lam) * s + gt
    assert (residual.abs() <= 1e-13 * (gt.abs() + (e.abs() + lam) * s.abs())).all()
    assert float(predicted[0]) == pytest.approx(float(-gt @ s + lam * (s @ s)) / 2, rel=1e-13)


@pytest.mark.parametrize("tiny", [1e-4, 1e-8, 1e-12, 1e-16, 1e-40, 1e-300, 0.0])
def test_secular_near_the_hard_case(tiny: float) -> None:
    """The step tends to the hard case's without loss of accuracy on the way."""
    e = torch.tensor([-2.0, 1.0, 3.0], dtype=torch.float64)
    gt = torch.tensor([tiny, 1.0, 1.0], dtype=torch.float64)
    steps, lambdas, predicted = secular_many(gt, e, torch.tensor([2.0], dtype=torch.float64))
    s = steps[0]
    rest = torch.tensor([-1 / 3, -1 / 5], dtype=torch.float64)
    assert float(s.norm()) == pytest.approx(2, rel=1e-14)
    assert float((s[1:] - rest).norm()) <= tiny + 1e-15
    assert float(lambdas[0]) == pytest.approx(2, abs=tiny + 1e-15)
    assert float(predicted[0]) == pytest.approx(reduction(torch.diag(e), gt, s), rel=1e-14)


def test_secular_many_agrees_with_one_radius_at_a_time() -> None:
    for kind in KINDS:
        B, g = model(kind, 30)
        e, V = torch.linalg.eigh(B)
        radii = torch.logspace(-6, 6, 25, dtype=torch.float64)
        steps, lambdas, predicted = secular_many(V.T @ g, e, radii)
        assert (predicted.diff() >= -1e-12 * predicted[1:]).all()
        assert (lambdas.diff() <= 1e-12 * lambdas[:-1]).all()
        for radius, s, p in zip(radii, steps, predicted, strict=True):
            one = secular(g, e, V, float(radius))
            assert torch.allclose(V @ s, one.s, rtol=1e-10, atol=1e-12 * float(radius))
            assert float(p) == pytest.approx(one.predicted, rel=1e-12)


def test_a_singular_least_squares_model_gets_its_shortest_solution() -> None:
    """Rounding in the eigenvalues and the gradient must not send the step off along the null space."""
    J, r = randn(8, 30), randn(8, seed=1)
    e, V = torch.linalg.eigh(J.T @ J)
    assert e[0] < 0
    step = secular(J.T @ r, e, V, 1e3)
    assert not step.on_boundary
    assert torch.allclose(step.s, -torch.linalg.pinv(J) @ r, rtol=1e-9, atol=1e-11)
    assert step.predicted == pytest.approx(float(r @ r) / 2, rel=1e-11)


@cases
@pytest.mark.parametrize("radius", RADII)
def test_iterative_steps_are_consistent(kind: str, n: int, radius: float) -> None:
    B, g = model(kind, n)
    mv = lambda v: B @ v
    for step in (
        steihaug(g, mv, radius),
        steihaug(g, mv, radius, in_halves, tolerance=1e-12, max_iterations=3),
    ):
        check_consistent(step, B, g, radius)


@pytest.mark.parametrize("n", SIZES)
def test_newton_step_inside_the_radius(n: int) -> None:
    B, g = model("definite", n)
    newton = -torch.linalg.solve(B, g)
    mv, radius = lambda v: B @ v, 2 * float(newton.norm())
    steps = [
        steihaug(g, mv, radius, tolerance=1e-13),
        secular(g, *torch.linalg.eigh(B), radius),
        scaled(g, newton, 2 * sqrt(float(newton @ B @ newton))),
    ]
    for step in steps:
        assert not step.on_boundary
        assert torch.allclose(step.s, newton, rtol=1e-9, atol=1e-11)


def test_steihaug_halves_the_optimal_reduction_at_worst() -> None:
    """Yuan's theorem (2000) for a convex model, taken to convergence."""
    for seed in range(5):
        B, g = model("definite", 30, seed)
        for radius in (0.1, 1.0, 3.0):
            step = steihaug(g, lambda v, B=B: B @ v, radius, tolerance=1e-12)
            assert step.predicted >= best_reduction(B, g, radius) / 2


def test_steihaug_stops_at_its_tolerance() -> None:
    B, g = model("definite", 30)
    for tolerance in (0.5, 1e-2, 1e-6):
        step = steihaug(g, lambda v: B @ v, 1e6, tolerance=tolerance)
        assert float((B @ step.s + g).norm()) <= tolerance * float(g.norm()) * (1 + 1e-8)


def test_scaled_is_optimal_on_the_ellipsoid() -> None:
    B, g = model("definite", 30)
    newton, R = -torch.linalg.solve(B, g), torch.linalg.cholesky(B)
    identity = torch.eye(30, dtype=torch.float64)
    for radius in (1e-6, 0.5, 1e3):
        step = scaled(g, newton, radius)
        # In the variable R^T s the ellipsoid is a ball and the model's matrix the identity.
        ball = torch.linalg.solve(R, g)
        assert step.predicted == pytest.approx(best_reduction(identity, ball, radius), rel=1e-11)
        assert step.predicted == pytest.approx(reduction(B, g, step.s), rel=1e-11)
        assert step.length == pytest.approx(sqrt(float(step.s @ B @ step.s)), rel=1e-11)
    assert isnan(scaled(g, -newton, 1.0).predicted)


def compact(n: int, k: int, seed: int = 0, rank: int | None = None) -> tuple[Tensor, Tensor]:
    """Psi [n, k] of the given rank, columns of very different length, and an indefinite W."""
    psi = randn(n, k, seed=seed)
    if rank is not None:
        psi = psi[:, :rank] @ randn(min(rank, k), k, seed=seed + 1)
    W = randn(k, k, seed=seed + 2)
    scale = torch.logspace(0, -5, k, dtype=torch.float64)
    return psi * scale, (W + W.T) * scale * scale[:, None]


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


def test_single_precision() -> None:
    psi, W = compact(50, 3)
    g = randn(50, seed=4)
    wide = obs(g, 0.5, psi, W, 0.7)
    narrow = obs(g.float(), 0.5, psi.float(), W.float(), 0.7)
    assert narrow.s.dtype == torch.float32
    assert narrow.predicted == pytest.approx(wide.predicted, rel=1e-3)
    B, g = model("indefinite", 30)
    e, V = torch.linalg.eigh(B)
    step = secular(g.float(), e.float(), V.float(), 2.0)
    assert step.s.dtype == torch.float32
    assert step.predicted == pytest.approx(best_reduction(B, g, 2.0), rel=1e-5)
    assert step.length == pytest.approx(2, rel=1e-6)


def every_solver(g: Tensor, B: Tensor, radius: float) -> list[Step]:
    n, mv = len(g), lambda v: B @ v
    e, V = torch.ones(n, dtype=g.dtype), torch.eye(n, dtype=g.dtype)
    psi = B[:, :1]
    return [
        steihaug(g, mv, radius),
        scaled(g, -(B @ g), radius),
        secular(g, B.diagonal() * e, V, radius),
        obs(g, 1.0, psi, psi[:1] + 1, radius),
    ]


def test_a_zero_gradient_gives_a_zero_step() -> None:
    g = torch.zeros(3, dtype=torch.float64)
    for step in every_solver(g, torch.diag(torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64)), 1.0):
        assert (step.predicted, step.on_boundary, step.length) == (0, False, 0)
        assert not step.s.any()


@pytest.mark.parametrize("bad", [nan, inf])
@pytest.mark.parametrize("where", ["gradient", "model", "radius"])
def test_numbers_that_are_not_finite_come_back_as_a_prediction_of_nan(bad: float, where: str) -> None:
    g, B, radius = torch.ones(3, dtype=torch.float64), torch.eye(3, dtype=torch.float64), 1.0
    if where == "gradient":
        g[1] = bad
    elif where == "model":
        B[0, 0] = bad
    else:
        radius = bad
    steps = every_solver(g, B, radius)
    if radius == inf:  # the ellipsoid is then the whole space
        assert torch.equal(steps.pop(1).s, -g)
    for step in steps:
        assert isnan(step.predicted)
        assert not step.on_boundary
        assert step.length == 0
        assert torch.equal(step.s, torch.zeros_like(g))


def test_steps_do_not_touch_the_gradient() -> None:
    g, B = randn(4), model("definite", 4)[0]
    before = g.clone()
    every_solver(g, B, 0.5)
    assert torch.equal(g, before)
