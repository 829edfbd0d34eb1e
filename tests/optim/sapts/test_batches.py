"""Mini-batches that grow: when, where a batch lies, how large it gets."""

from __future__ import annotations

import pytest
import torch

from draws import rng
from sapts_pinn.errors import InputError
from sapts_pinn.optim.sapts.batches import GROWTH, LEAST, GrowingBatches
from sapts_runs import pinn, sapts


def test_batches_grow_and_end_with_all_points() -> None:
    objective = pinn(points=4000)
    optimizer = sapts(objective, "data", batch=0.3)
    optimizer.divider.batches.steps = 2
    sizes = []
    for _ in range(400):
        optimizer.step(objective)
        assert optimizer.divider.division is not None
        sizes.append(sum(len(s.points) for s in optimizer.divider.division.objective.sites.values()))
        if sizes[-1] == 4000:
            break
    assert sizes == sorted(sizes) and len(set(sizes)) >= 3
    assert sizes[0] == pytest.approx(0.3 * 1.33 * 4000, rel=0.01) and sizes[-1] == 4000


def test_a_batch_is_too_small_where_the_next_one_is_fitted_much_worse() -> None:
    assert GrowingBatches(0.1).too_small(1.0, 2.01) and not GrowingBatches(0.1).too_small(1.0, 1.99)
    assert GrowingBatches(0.1, gap=3.0).too_small(2.0, 6.1) and not GrowingBatches(0.1).too_small(0.0, 0.0)


def test_batches_are_too_small_where_three_of_them_gain_nothing() -> None:
    batches = GrowingBatches(0.1)
    assert [batches.too_small(1.0, loss) for loss in (1.5, 1.6, 1.7, 1.4)] == [False] * 4, "below the first"
    saved = batches.state_dict()
    assert batches.too_small(1.0, 1.6), "as much as that of three before"
    assert not any(batches.too_small(1.0, 1.6) for _ in range(3)), "those of larger batches count anew"
    batches.load_state_dict(saved)
    assert batches.too_small(1.0, 1.6)


def test_batches_are_runs_of_the_order_that_overlap_and_wrap_around() -> None:
    objective = pinn(points=3000)
    batches = GrowingBatches(0.4, overlap=0.25)
    order = batches.order(objective, rng())["equation"]
    assert torch.equal(order.sort().values, torch.arange(3000))
    points = objective.sites["equation"].points
    for start in (0, 1200, 2400, 600):  # each begins where the share of the one before ends
        taken = batches.take(objective, {"equation": order})
        run = order[torch.arange(start, start + 1500) % 3000]
        assert torch.equal(taken.sites["equation"].points, points[run])
        batches.advance()
        assert 0 <= batches.start < 1
    assert GrowingBatches(0.8, overlap=0.25).take(objective, {}) is objective


def test_every_run_of_the_order_covers_the_domain() -> None:
    objective = pinn(points=3000)
    batches = GrowingBatches(0.4)
    points = objective.sites["equation"].points[batches.order(objective, rng())["equation"]]
    low, high = points.amin(0), points.amax(0)
    for start in range(0, 3000, 250):
        run = points[start : start + 250]
        assert (run.mean(0) - (low + high) / 2).abs().max() < 0.1 * (high - low).max()


def test_the_next_batch_is_due_after_so_many_steps_and_the_whole_never() -> None:
    batches = GrowingBatches(0.5, steps=3)
    assert [batches.due() for _ in range(4)] == [False, False, True, True]
    batches.advance()
    assert not batches.due() and batches.start == 0.5
    saved = batches.state_dict()
    batches.grow()
    assert batches.share == GROWTH * 0.5
    batches.grow()
    assert batches.whole and not any(batches.due() for _ in range(9)) and batches.share == 1.0
    batches.load_state_dict(saved)
    assert (batches.share, batches.start, batches.age) == (0.5, 0.5, 1)


def test_a_share_too_small_for_a_batch_is_enlarged_and_one_out_of_range_refused() -> None:
    batches = GrowingBatches(1e-6)
    batches.order(pinn(points=2 * LEAST), rng())
    assert batches.share == 0.5
    for share in (0.0, 1.5):
        with pytest.raises(InputError, match=rf"^batch must lie in \(0, 1\], not {share:g}$"):
            GrowingBatches(share)
