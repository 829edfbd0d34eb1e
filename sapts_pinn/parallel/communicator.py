"""Ranks that talk to each other: all of them in one process, or one process each under `torchrun`.

An algorithm asks for what its ranks must agree on and never where they run.  Sums are formed in the order of
the ranks from gathered summands, so that every rank has the same bits, and the bits of a single process that
adds its parts in turn.  `sapts_pinn.parallel.torchrun.connect` gives the ranks of `torchrun`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import Tensor

from ..errors import InputError

T = TypeVar("T")


class RankFailure(RuntimeError):
    """A rank is gone or the ranks cannot reach each other; the message says which and what to do."""


@dataclass
class Traffic:
    """What this rank has communicated.

    Attributes:
        collectives: Collective operations (each is one synchronisation of all ranks).
        messages: Messages from one rank to another, sent or received by this one.
        bytes: Bytes this rank has sent, counting what it contributes to a collective once for every other
            rank (a native sum, see `Distributed.all_reduce`, for what a ring of ranks passes on).
        seconds: Time spent in communication, waiting included.
    """

    collectives: int = 0
    messages: int = 0
    bytes: int = 0
    seconds: float = 0.0


class Communicator(ABC):
    """Ranks 0 ... size - 1, of which this process is one.

    Attributes:
        rank: This process.
        size: Number of ranks.
        traffic: What was communicated so far.
    """

    rank: int
    size: int
    traffic: Traffic

    @abstractmethod
    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """Every rank's tensor, in the order of the ranks; all of one shape and type."""

    @abstractmethod
    def gather_objects(self, value: Any) -> list[Any]:
        """Every rank's (small) picklable value, in the order of the ranks: for checks at the start."""

    @abstractmethod
    def broadcast(self, tensor: Tensor, source: int = 0) -> Tensor:
        """The tensor of rank `source`; the others give one of the same shape and type."""

    @abstractmethod
    def send(self, tensor: Tensor, to: int) -> None:
        """Send a tensor to one rank.

        It may wait until the other receives: of two ranks that send to each other, one has to receive first.
        """

    @abstractmethod
    def receive(self, like: Tensor, source: int) -> Tensor:
        """The tensor that rank `source` sends, of the shape and type of `like`."""

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """The sum over the ranks, the same bits everywhere."""
        if self.size == 1:
            return tensor
        total, *others = self.all_gather(tensor)
        total = total.clone()
        for other in others:
            total += other
        return total

    def dot(self, a: Tensor, b: Tensor) -> float:
        """The inner product of vectors of which every rank holds a shard."""
        return float(self.all_reduce(a.dot(b)))

    def close(self) -> None:  # noqa: B027
        """Leave the group."""


class SingleProcess(Communicator):
    """A single process: nothing to exchange."""

    def __init__(self) -> None:
        self.rank, self.size, self.traffic = 0, 1, Traffic()

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """This one."""
        return [tensor]

    def gather_objects(self, value: Any) -> list[Any]:
        """This one."""
        return [value]

    def broadcast(self, tensor: Tensor, source: int = 0) -> Tensor:
        """The same."""
        return tensor

    def send(self, tensor: Tensor, to: int) -> None:
        """There is nobody to send to."""
        raise InputError(f"there is no rank {to}: this is a single process")

    def receive(self, like: Tensor, source: int) -> Tensor:
        """There is nobody to receive from."""
        raise InputError(f"there is no rank {source}: this is a single process")


def name_ranks(ranks: list[int]) -> str:
    """`rank 1` or `ranks 1, 2`, for messages."""
    return f"rank{'s' * (len(ranks) > 1)} {', '.join(map(str, ranks))}"
