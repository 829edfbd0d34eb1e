"""Models of the trust-region subproblem, and dense oracles for its steps."""

from math import sqrt

import numpy as np
import pytest
import torch
from torch import Tensor

from draws import randn
from sapts_pinn.optim.subproblem.newton import newton_scaled
from sapts_pinn.optim.subproblem.step import Step, plain_dot

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


def compact(n: int, k: int, seed: int = 0, rank: int | None = None) -> tuple[Tensor, Tensor]:
    """Psi [n, k] of the given rank, columns of very different length, and an indefinite W."""
    psi = randn(n, k, seed=seed)
    if rank is not None:
        psi = psi[:, :rank] @ randn(min(rank, k), k, seed=seed + 1)
    W = randn(k, k, seed=seed + 2)
    scale = torch.logspace(0, -5, k, dtype=torch.float64)
    return psi * scale, (W + W.T) * scale * scale[:, None]
