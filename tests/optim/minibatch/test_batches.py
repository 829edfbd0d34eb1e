"""Mini-batches: every point once in an epoch, groups of any sizes, and an order that goes on."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from sapts_pinn.optim.minibatch.batches import MiniBatches
from sapts_pinn.problems import Sites


class Points:
    """What mini-batches ask of an objective."""

    def __init__(self, fold: int = 1, **counts: int) -> None:
        self.sites = {name: Sites(torch.zeros(fold * n, 1), fold=fold) for name, n in counts.items()}
        self.epochs = 1

    def on_epoch_end(self) -> None:
        self.epochs += 1


def batches(size: int, seed: int = 0) -> Any:
    """Untyped, because `Points` is less than an objective."""
    return MiniBatches(size, Generator().manual_seed(seed))


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(("count", "size"), [(12, 4), (14, 4), (7, 4), (4, 4), (3, 4), (5, 1)])
def test_every_sample_once_in_an_epoch(count: int, size: int) -> None:
    """But for those too few for a last batch, which are others every time."""
    points, drawing, orders = Points(samples=count), batches(size), []
    for epoch in range(1, 9):
        drawn = [drawing.draw(points)["samples"] for _ in range(max(1, count // size))]
        assert points.epochs == epoch  # told once, when the next one begins
        assert {len(batch) for batch in drawn} == {min(size, count)}
        order = torch.cat(drawn).tolist()
        assert len(set(order)) == len(order) and set(order) <= set(range(count))
        orders.append(order)
    assert {i for order in orders for i in order} == set(range(count))
    assert len({tuple(order) for order in orders}) > 1  # shuffled every time


@pytest.mark.parametrize("fold", [1, 2])
def test_groups_of_different_sizes(fold: int) -> None:
    """All of a group's points in every epoch; of one with fewer points than batches some more than once."""
    points, drawing = Points(fold, many=50, some=11, few=2, none=0), batches(9)
    for epoch in range(1, 5):
        drawn = [drawing.draw(points) for _ in range(63 // 9)]
        assert points.epochs == epoch
        for name, count in (("many", 50), ("some", 11)):
            pieces = [batch[name] for batch in drawn]
            assert sorted(torch.cat(pieces).tolist()) == list(range(count))
            assert max(map(len, pieces)) - min(map(len, pieces)) <= 1
        assert all(len(batch["few"]) == 1 and "none" not in batch for batch in drawn)
        assert {int(batch["few"]) for batch in drawn} == {0, 1}


def test_a_batch_larger_than_the_data_is_all_of_them() -> None:
    points, drawing = Points(a=5, b=3), batches(100)
    for epoch in (1, 2, 3):
        batch = drawing.draw(points)
        assert sorted(batch["a"].tolist()) == [*range(5)] and sorted(batch["b"].tolist()) == [*range(3)]
        assert points.epochs == epoch


def test_other_points_are_another_epoch() -> None:
    drawing = batches(4)
    drawing.draw(Points(samples=12))
    fewer = Points(samples=8)
    drawn = torch.cat([drawing.draw(fewer)["samples"] for _ in range(2)])
    assert sorted(drawn.tolist()) == [*range(8)]


@pytest.mark.parametrize("drawn", [0, 1, 3, 5])
def test_what_was_saved_goes_on(drawn: int) -> None:
    points, file = Points(a=30, b=7), io.BytesIO()
    first, again = batches(10), batches(10, seed=1)
    for _ in range(drawn):
        first.draw(points)
    torch.save(first.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    rest = [first.draw(points) for _ in range(8)]
    again.load_state_dict(state)
    assert all(same(again.draw(points), batch) for batch in rest)
    again.load_state_dict(state)  # which drawing has not changed
    assert same(again.draw(points), rest[0])


def test_the_seed_decides() -> None:
    points = Points(samples=30)
    assert same(batches(10).draw(points), batches(10).draw(points))
    assert not same(batches(10).draw(points), batches(10, seed=1).draw(points))


def test_a_wrong_size_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"^batch must be at least 1, not 0$"):
        batches(0)
