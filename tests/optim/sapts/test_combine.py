"""Corrections of groups in one: sum, mean and the best of their span."""

from __future__ import annotations

import itertools

import pytest

from sapts_pinn.optim.curvature import CURVATURES
from sapts_runs import DECOMPOSITIONS, objective_of, sapts


@pytest.mark.parametrize("curvature", CURVATURES)
@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_every_combination_makes_progress(decomposition: str, curvature: str) -> None:
    if decomposition == "stages" and curvature not in ("identity", "lbfgs", "lsr1"):
        pytest.skip("stages take models that need products only")
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
            assert loss <= last
            last = loss
        assert last < 0.95 * first, options
        assert objective.value() == pytest.approx(last, rel=1e-13)
