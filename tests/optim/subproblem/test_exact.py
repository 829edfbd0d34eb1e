"""The secular equation against bisection: optimal for any spectrum, near the hard case too."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from draws import randn
from sapts_pinn.optim.subproblem.exact import secular, secular_many
from subproblems import KINDS, RADII, cases, check_optimal, model, orthogonal, reduction


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


@pytest.mark.parametrize("kind", ["definite", "indefinite", "negative", "singular"])
def test_newtons_method_needs_few_iterations(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Newton's method converges by itself; bisection alone, which ends there as well, takes some fifty."""
    B, g = model(kind, 30)
    e, V = torch.linalg.eigh(B)
    norm, looks = Tensor.norm, list[Tensor]()

    def counted(self: Tensor, *args: Any, **options: Any) -> Tensor:
        looks.append(self)
        return norm(self, *args, **options)

    monkeypatch.setattr(Tensor, "norm", counted)
    secular_many(V.T @ g, e, torch.tensor([1.0], dtype=torch.float64))
    assert 4 < len(looks) < 15, "one an iteration, and three or four beside them"
