"""Sums of ranks in their order, and a single process; the real ranks are in tests/distributed."""

import pytest
import torch

from draws import randn
from sapts_pinn.parallel import communicator
from sapts_pinn.parallel.communicator import SingleProcess, name_ranks
from sapts_pinn.parallel.torchrun import connect
from thread_ranks import on_ranks


def test_one_process_has_nobody_to_talk_to(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert type(connect()) is SingleProcess
    monkeypatch.setenv("WORLD_SIZE", "1")
    alone = connect()
    assert type(alone) is SingleProcess and (alone.rank, alone.size) == (0, 1)
    x = torch.tensor([1.0, 2.0])
    assert alone.all_gather(x) == [x] and alone.all_reduce(x) is x and alone.broadcast(x) is x
    assert alone.dot(x, x) == 5.0 and alone.gather_objects("a") == ["a"]
    with pytest.raises(ValueError, match="no rank 1"):
        alone.send(x, 1)
    with pytest.raises(ValueError, match="no rank 1"):
        alone.receive(x, 1)
    assert alone.traffic == communicator.Traffic()


def test_a_sum_has_the_bits_of_one_process_that_adds_in_order():
    given = [randn(50, seed=rank) * 10.0 ** (8 - 4 * rank) for rank in range(4)]
    other = [t.clone() for t in given]
    expected = ((given[0] + given[1]) + given[2]) + given[3]
    assert not torch.equal(expected, ((given[3] + given[2]) + given[1]) + given[0])
    for total in on_ranks(4, lambda ranks: ranks.all_reduce(given[ranks.rank])):
        assert torch.equal(total, expected)
    assert all(torch.equal(a, b) for a, b in zip(given, other, strict=True)), "what was given stays"


def test_products_of_shards_are_those_of_the_whole():
    a, b = randn(60), randn(60, seed=1)
    found = on_ranks(3, lambda ranks: ranks.dot(a.chunk(3)[ranks.rank], b.chunk(3)[ranks.rank]))
    assert len(set(found)) == 1 and found[0] == pytest.approx(float(a @ b), rel=1e-13)


def test_ranks_are_named():
    assert (name_ranks([1]), name_ranks([1, 2])) == ("rank 1", "ranks 1, 2")
