"""Ranks that are threads of this process, for tests of what several ranks compute together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from torch import Tensor

from sapts_pinn.parallel.communicator import Communicator, SingleProcess, Traffic

SECONDS = 60  # after which a message does not come any more


class Threads(Communicator):
    """One of the ranks; the mail holds what each has sent to each."""

    def __init__(self, rank: int, size: int, mail: dict[tuple[int, int], SimpleQueue[Any]]) -> None:
        self.rank, self.size, self.traffic, self.mail = rank, size, Traffic(), mail

    def send(self, tensor: Tensor, to: int) -> None:
        self.traffic.bytes += tensor.numel() * tensor.element_size()
        self.mail[self.rank, to].put(tensor.clone())

    def receive(self, like: Tensor, source: int) -> Tensor:
        tensor = self.mail[source, self.rank].get(timeout=SECONDS)
        assert tensor.shape == like.shape and tensor.dtype == like.dtype
        return tensor

    def gather_objects(self, value: Any) -> list[Any]:
        for other in range(self.size):
            self.mail[self.rank, other].put(value)
        return [self.mail[other, self.rank].get(timeout=SECONDS) for other in range(self.size)]

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        self.traffic.collectives += 1
        self.traffic.bytes += (self.size - 1) * tensor.nbytes
        found = self.gather_objects(tensor.clone())
        assert len({(t.shape, t.dtype) for t in found}) == 1
        return found

    def broadcast(self, tensor: Tensor, source: int = 0) -> Tensor:
        return self.all_gather(tensor)[source]


def on_ranks(size: int, work: Callable[[Communicator], Any]) -> list[Any]:
    """Results of the work on each rank, in their order."""
    if size == 1:
        return [work(SingleProcess())]
    mail = {(a, b): SimpleQueue[Any]() for a in range(size) for b in range(size)}
    results: list[Any] = [None] * size

    def run(rank: int) -> None:
        try:
            results[rank] = work(Threads(rank, size, mail))
        except BaseException as error:
            results[rank] = error

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
