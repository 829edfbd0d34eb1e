"""Communication that is slowed down on purpose, to measure what a slow network costs."""

import threading
import time

import pytest
import torch

from sapts_pinn.bench.harness import delayed
from sapts_pinn.bench.harness.delayed import Delayed
from sapts_pinn.parallel.communicator import SingleProcess
from thread_ranks import on_ranks


def test_a_delay_is_added_to_every_operation():
    inner = SingleProcess()
    slow = Delayed(inner, 0.02)
    x = torch.tensor([1.0, 2.0])
    operations = [
        lambda: slow.all_gather(x)[0],
        lambda: slow.all_reduce(x),
        lambda: slow.broadcast(x),
        lambda: slow.gather_objects(x)[0],
    ]
    for done, operation in enumerate(operations, 1):
        began = time.perf_counter()
        assert operation() is x
        assert time.perf_counter() - began >= 0.02
        assert 0.02 * done <= slow.traffic.seconds < 0.02 * done + 1.0
    assert slow.dot(x, x) == 5.0 and slow.traffic.seconds >= 0.1
    assert (slow.rank, slow.size) == (0, 1)
    with pytest.raises(ValueError, match="-1"):
        Delayed(inner, -1)


def test_of_a_message_the_receiver_waits(monkeypatch):
    slept = []
    monkeypatch.setattr(delayed.time, "sleep", lambda seconds: slept.append((threading.get_ident(), seconds)))

    def work(inner):
        ranks, mine = Delayed(inner, 0.25), torch.tensor([1.0 + inner.rank])
        assert ranks.traffic is inner.traffic
        if ranks.rank == 0:
            ranks.send(mine, to=1)
            return threading.get_ident(), None
        return threading.get_ident(), ranks.receive(mine, source=0).tolist()

    (_, nothing), (receiver, found) = on_ranks(2, work)
    assert nothing is None and found == [1.0] and slept == [(receiver, 0.25)]
