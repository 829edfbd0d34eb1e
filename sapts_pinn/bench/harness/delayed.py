"""A communicator with the latency and bandwidth of a network, to measure on one machine."""

from __future__ import annotations

import time
from collections.abc import Callable

from torch import Tensor

from ...errors import InputError
from ...parallel.communicator import Communicator, T


class Delayed(Communicator):
    """Another communicator over a slower network: every collective and every message takes longer.

    The ranks of a collective wait for it, and of a message the one that receives it: it arrives late.

    Args:
        inner: The communicator that does the work; its traffic is this one's, the delay included.
        seconds: What is added to each.
    """

    def __init__(self, inner: Communicator, seconds: float) -> None:
        if not seconds >= 0:
            raise InputError(f"a delay of at least 0 seconds is needed, not {seconds}")
        self.inner, self.seconds = inner, seconds
        self.rank, self.size, self.traffic = inner.rank, inner.size, inner.traffic

    def _late(self, operation: Callable[..., T], *arguments: object) -> T:
        result = operation(*arguments)
        began = time.perf_counter()
        time.sleep(self.seconds)
        self.traffic.seconds += time.perf_counter() - began
        return result

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """The inner one's, later."""
        return self._late(self.inner.all_gather, tensor)

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """The inner one's, later."""
        return self._late(self.inner.all_reduce, tensor)

    def gather_objects(self, value: T) -> list[T]:
        """The inner one's, later."""
        return self._late(self.inner.gather_objects, value)

    def broadcast(self, tensor: Tensor, source: int = 0) -> Tensor:
        """The inner one's, later."""
        return self._late(self.inner.broadcast, tensor, source)

    def send(self, tensor: Tensor, to: int) -> None:
        """The inner one's."""
        self.inner.send(tensor, to)

    def receive(self, like: Tensor, source: int) -> Tensor:
        """The inner one's, later."""
        return self._late(self.inner.receive, like, source)

    def close(self) -> None:
        """Leave the group."""
        self.inner.close()


class Counting(Delayed):
    """Tells apart bytes that are summed and that are gathered: more ranks make different traffic of them.

    Args:
        inner: As of `Delayed`.
        seconds: Likewise.
    """

    def __init__(self, inner: Communicator, seconds: float) -> None:
        super().__init__(inner, seconds)
        self.summed = self.gathered = 0

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """The inner one's, later."""
        self.summed += tensor.nbytes
        return super().all_reduce(tensor)

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """The inner one's, later."""
        self.gathered += tensor.nbytes
        return super().all_gather(tensor)
