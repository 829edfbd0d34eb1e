"""Corrections of groups in one: sum, mean and the best of their span."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from draws import randn
from sapts_pinn.optim.base import SubdomainStats
from sapts_pinn.optim.curvature import CURVATURES
from sapts_pinn.optim.sapts.combine import combine
from sapts_pinn.optim.sapts.local_solve import Correction
from sapts_runs import DECOMPOSITIONS, objective_of, sapts


@pytest.mark.parametrize(
    "curvature",
    [pytest.param(c, marks=[] if c in ("lbfgs", "ssbroyden") else pytest.mark.slow) for c in CURVATURES],
)
@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_every_combination_makes_progress(decomposition: str, curvature: str) -> None:
    if decomposition == "stages" and curvature == "gauss-newton":
        pytest.skip("the Jacobian of stages is at hand nowhere")
    for combination, order, pooled in itertools.product(
        ("sum", "mean", "subspace"), ("additive", "multiplicative"), (True, False)
    ):
        if order == "multiplicative" and combination != "sum":
            continue  # there is nothing to combine
        objective = objective_of(decomposition, points=60)
        options = {
            "combination": combination,
            "order": order,
            "pooled": pooled,
            "visits": 0,
            "local_steps": 4,
        }
        optimizer = sapts(objective, decomposition, curvature, **options)
        first = last = objective.value()
        for _ in range(8):
            loss = float(optimizer.step(objective))
            assert loss <= last * (1 + 1e-14)
            last = loss
        assert last < 0.95 * first, options
        assert objective.value() == pytest.approx(last, rel=1e-13)


N = 6


def corrections() -> list[Correction]:
    """The correction of three groups, with y = B s for a B that is neither definite nor symmetric."""
    B = randn(N, N, seed=9)
    S = [randn(N, seed=i) for i in range(3)]
    return [
        Correction(
            s,
            B @ s,
            [SubdomainStats(i, gain=0.5, length=1.0), SubdomainStats(i + 3, gain=0.25 * i, length=i)],
        )
        for i, s in enumerate(S)
    ]


def plain(rows: Tensor, others: Tensor) -> Tensor:
    return rows @ others.T


def test_the_sum_and_the_mean_are_those_of_the_corrections_and_what_they_promise() -> None:
    found, g = corrections(), randn(N, seed=7)
    total, promised = torch.stack([c.s for c in found]).sum(0), 3 * 0.5 + 0.25 * (1 + 2)
    for how, share in (("sum", 1.0), ("mean", 1 / 3)):
        s, predicted, length = combine(found, g, how, plain)
        assert length == pytest.approx(share * (3 * 1.0 + 1 + 2)), "of all steps"
        assert torch.allclose(s, share * total, rtol=1e-14) and predicted == pytest.approx(share * promised)
    assert combine(found[:1], g, "subspace", plain) == (found[0].s, 0.5, 1.0), (
        "of one there is nothing to combine"
    )


def test_the_best_of_the_span_minimises_the_model_of_what_the_parts_saw() -> None:
    """Against many random combinations of no greater length, the plain sum among them."""
    found, g = corrections(), randn(N, seed=7)
    S, Y = (torch.stack(t) for t in ([c.s for c in found], [c.y for c in found]))
    B = 0.5 * (S @ Y.T + Y @ S.T)
    values, V = torch.linalg.eigh(B)
    B = (V * values.clamp(min=0.0)) @ V.T  # negative curvature of what parts saw is not trusted
    reduction = lambda a: -float(a @ (S @ g) + 0.5 * a @ B @ a)
    s, predicted, length = combine(found, g, "subspace", plain)
    alpha = torch.linalg.lstsq(S.T, s.unsqueeze(1)).solution[:, 0]
    assert torch.allclose(S.T @ alpha, s) and float(alpha.norm()) <= math.sqrt(3) * (1 + 1e-12)
    assert predicted == pytest.approx(reduction(alpha), rel=1e-10)
    assert length == pytest.approx(float(alpha.abs() @ torch.tensor([1.0, 2.0, 3.0]).double()), rel=1e-10)
    others = randn(2000, 3, seed=3)
    others *= math.sqrt(3) / others.norm(dim=1, keepdim=True).clamp(min=math.sqrt(3))
    assert predicted >= max(reduction(a) for a in (*others, torch.ones(3).double()))


def test_where_what_the_parts_saw_is_no_number_the_sum_is_left() -> None:
    found, g = corrections(), randn(N, seed=7)
    found[1].y[0] = math.nan
    s, *others = combine(found, g, "subspace", plain)
    expected, *promised = combine(corrections(), g, "sum", plain)
    assert torch.equal(s, expected) and others == promised


def test_models_of_the_same_residuals_are_combined_by_least_squares() -> None:
    """Minimiser of |r + D alpha|^2 / 2, by dense least squares, whatever the parts saw of gradients."""
    r, D = randn(9, seed=1), [randn(9, seed=i + 2) for i in range(3)]
    found = corrections()
    for c, d in zip(found, D, strict=True):
        c.residual, c.change, c.y = r, d, torch.full((N,), math.nan, dtype=torch.float64)
    alpha = torch.linalg.lstsq(torch.stack(D, 1), -r[:, None]).solution[:, 0]
    assert float(alpha.norm()) < math.sqrt(3), "the best weights are within the bound here"
    s, predicted, length = combine(found, randn(N, seed=7), "subspace", plain)
    assert torch.allclose(s, sum(a * c.s for a, c in zip(alpha, found, strict=True)), rtol=1e-10)
    end = r + torch.stack(D, 1) @ alpha
    assert predicted == pytest.approx(0.5 * float(r.dot(r) - end.dot(end)), rel=1e-10)
    assert length == pytest.approx(float(sum(abs(a) * c.length for a, c in zip(alpha, found, strict=True))))
    together = found[0]
    assert together.predicted == pytest.approx(0.5 * float(r.dot(r) - (r + D[0]).dot(r + D[0])))
