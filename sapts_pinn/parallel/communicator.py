"""Communication between ranks: a single process, or one process each under `torchrun`.

An algorithm asks for what its ranks must agree on and never where they run.  Sums are formed in the order of
the ranks from gathered summands, so that every rank has the same bits, and the bits of a single process that
adds its parts in turn.  `sapts_pinn.parallel.torchrun.connect` gives the ranks of `torchrun`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from ..errors import InputError

T = TypeVar("T")


@dataclass
class Traffic:
    """Amount of communication of a rank.

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
    """Interface to the ranks 0 ... size - 1, of which this process is one.

    Attributes:
        rank: Number of this process.
        size: Number of ranks.
        traffic: Communication so far.
    """

    rank: int
    size: int
    traffic: Traffic

    @abstractmethod
    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """Gather the tensors of all ranks, in their order; all have one shape and type."""

    @abstractmethod
    def gather_objects(self, value: T) -> list[T]:
        """Gather the (small) picklable values of all ranks, in their order: for checks at the start."""

    @abstractmethod
    def broadcast(self, tensor: Tensor, source: int = 0) -> Tensor:
        """Broadcast the tensor of rank `source`; the others give one of the same shape and type."""

    @abstractmethod
    def send(self, tensor: Tensor, to: int) -> None:
        """Send a tensor to one rank.

        It may wait until the other receives: of two ranks that send to each other, one has to receive first.
        """

    @abstractmethod
    def receive(self, like: Tensor, source: int) -> Tensor:
        """Receive the tensor that rank `source` sends, of the shape and type of `like`."""

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """Sum a tensor over the ranks; the bits are equal everywhere."""
        if self.size == 1:
            return tensor
        total, *others = self.all_gather(tensor)
        total = total.clone()
        for other in others:
            total += other
        return total

    def dot(self, a: Tensor, b: Tensor) -> float:
        """Inner product of vectors of which every rank holds a shard."""
        return float(self.all_reduce(a.dot(b)))

    def close(self) -> None:  # noqa: B027
        """Leave the group."""


class SingleProcess(Communicator):
    """A single process, without any communication."""

    def __init__(self) -> None:
        self.rank, self.size, self.traffic = 0, 1, Traffic()

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """Return the tensor as the only one."""
        return [tensor]

    def gather_objects(self, value: T) -> list[T]:
        """Return the value as the only one."""
        return [value]

    def broadcast(self, tensor: Tensor, source: int = 0) -> Tensor:
        """Return the tensor."""
        return tensor

    def send(self, tensor: Tensor, to: int) -> None:
        """Refuse to send, for lack of other ranks."""
        raise InputError(f"there is no rank {to}: this is a single process")

    def receive(self, like: Tensor, source: int) -> Tensor:
        """Refuse to receive, for lack of other ranks."""
        raise InputError(f"there is no rank {source}: this is a single process")


def name_ranks(ranks: list[int]) -> str:
    """Name ranks in a message, as `rank 1` or `ranks 1, 2`."""
    return f"rank{'s' * (len(ranks) > 1)} {', '.join(map(str, ranks))}"
