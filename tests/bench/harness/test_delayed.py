"""A communicator with the latency of a network."""

import pytest
import torch

from sapts_pinn.bench.harness import delayed
from sapts_pinn.bench.harness.delayed import Delayed
from sapts_pinn.errors import InputError
from thread_ranks import on_ranks


def test_every_operation_does_its_work_and_waits(monkeypatch):
    slept = []
    monkeypatch.setattr(delayed.time, "sleep", slept.append)

    def work(inner):
        ranks = Delayed(inner, 0.25)
        mine = torch.tensor([1.0 + ranks.rank])
        found = [
            torch.cat(ranks.all_gather(mine)).tolist(),
            ranks.all_reduce(mine).tolist(),
            ranks.broadcast(mine, 1).tolist(),
            ranks.gather_objects(ranks.rank),
        ]
        if ranks.rank == 0:
            ranks.send(mine, to=1)
        else:
            found.append(ranks.receive(mine, source=0).tolist())
        assert ranks.traffic is inner.traffic and ranks.traffic.seconds > 0
        return found

    first, second = on_ranks(2, work)
    assert first == [[1, 2], [3], [2], [0, 1]] and second == [*first, [1]]
    assert slept == [0.25] * 9, "four on both ranks; of a message the one that receives it"


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_delay_is_not_negative(seconds):
    with pytest.raises(InputError, match="a delay of at least 0 seconds is needed"):
        on_ranks(1, lambda inner: Delayed(inner, seconds))
