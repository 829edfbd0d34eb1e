"""Communication that is slowed down on purpose, to measure what a slow network costs."""

import time

import pytest
import torch

from sapts_pinn.bench.harness.delayed import Delayed
from sapts_pinn.parallel.communicator import SingleProcess


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
