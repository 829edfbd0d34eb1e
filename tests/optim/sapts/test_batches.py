"""Mini-batches that grow: the norm test, where a batch lies, how large it gets."""

from __future__ import annotations

import pytest

from sapts_runs import pinn, sapts


def test_batches_grow_and_end_with_all_points() -> None:
    objective = pinn(points=4000)
    optimizer = sapts(objective, "data", batch=0.3)
    optimizer.divider.batches.steps = 2
    sizes = []
    for _ in range(150):
        optimizer.step(objective)
        assert optimizer.divider.division is not None
        sizes.append(sum(len(s.points) for s in optimizer.divider.division.objective.sites.values()))
        if sizes[-1] == 4000:
            break
    assert sizes == sorted(sizes) and len(set(sizes)) >= 3
    assert sizes[0] == pytest.approx(0.3 * 1.33 * 4000, rel=0.01) and sizes[-1] == 4000
