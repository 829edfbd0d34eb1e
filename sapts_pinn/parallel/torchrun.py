"""Communicator over torch.distributed, for the processes that `torchrun` starts.

What one rank does not know is whether another that keeps silent is slow or dead: Gloo reports a broken
connection at once but not whose, NCCL reports nothing, and a stopped process keeps its connections.  So every
rank has a pulse: a thread that counts up a key in the store where the ranks met, and reads those of the
others.  When an operation fails or outlasts its limit, the ranks whose pulse stands still are the ones that
are gone.  The first to find out leaves its finding in the store, so that all survivors raise the same
sentence.  Only that thread speaks to the store: when its host is dead or stopped, it does not answer.
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist

# Its default arguments keep the group that there is when it is loaded.  Left to PyTorch's optimizers, which
# load it at their first step, that is ours, whose threads would then outlive it and might abort the exit.
import torch.distributed.nn.functional
from torch import Tensor

from ..errors import InputError, RankFailure
from .communicator import Communicator, SingleProcess, T, Traffic
from .heartbeat import GRACE, Heartbeat, first_line

ORDERED = 8  # ranks up to which a sum is formed in their order
SMALL = 1024  # bytes of an object that travel in the first round


def connect(device: str | torch.device = "cpu", timeout: float = 60.0) -> Communicator:
    """Connect to the ranks that this process was started with.

    Args:
        device: Where the tensors live, "cpu" or "cuda" (then each rank of a machine takes the next GPU as its
            current one).
        timeout: Seconds that one operation may wait for the other ranks.

    The ranks meet once: until it is closed, the same group is returned again.

    Returns:
        `Distributed` under `torchrun` (or where its variables RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and
        MASTER_PORT are set by other means), `SingleProcess` otherwise.

    Raises:
        RankFailure: The ranks do not all come within `timeout`.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return SingleProcess()
    if not _open:
        _open.append(Distributed(device, timeout))
    return _open[0]


_open: list[Distributed] = []  # the group of this process, at most one, as torch.distributed has it


class Distributed(Communicator):
    """Communicator of a torch.distributed process group; see `connect`.

    Tensors of any type and shape; results are on the device of the argument, without gradients.  Every
    operation raises RankFailure when another rank is gone, or when this process was asked to stop (SIGTERM,
    unless the program handles it: `torchrun` sends it to the survivors of a dead rank, and kills them 30 s
    later).

    Args:
        device: "cpu" or "cuda".
        timeout: Seconds that one operation may wait for the other ranks.
    """

    def __init__(self, device: str | torch.device = "cpu", timeout: float = 60.0) -> None:
        self.traffic, self._timeout = Traffic(), timeout
        self._failure: RankFailure | None = None
        self._asked_to_stop = False
        self._wire = _wire(torch.device(device))
        self._native = self._wire.type == "cuda"
        try:
            # NCCL ends the process at its limit: later than ours, so that the last checkpoint can be written.
            limit = timedelta(seconds=timeout + 60.0 * self._native)
            dist.init_process_group("nccl" if self._native else "gloo", timeout=limit)
            self.rank, self.size = dist.get_rank(), dist.get_world_size()
            self._pulse = Heartbeat(self.rank, self.size, timeout)
            self._finish(self._gather(self._bytes(torch.tensor(self.rank)))[1])
        except RuntimeError as error:
            if dist.is_initialized():
                dist.destroy_process_group()
            raise RankFailure(
                "the {WORLD_SIZE} ranks did not all meet at {MASTER_ADDR}:{MASTER_PORT}".format_map(
                    os.environ
                )
                + f" within {timeout:g} s ({first_line(error)})"
            ) from error
        self._pulse.start()
        self._handles = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        )
        if self._handles:
            signal.signal(signal.SIGTERM, self._stop)
        atexit.register(self.close)

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """Gather the tensors of all ranks, in their order; all have one shape and type."""
        with self._operation():
            parts, work = self._gather(self._bytes(tensor))
            self._finish(work)
        self._count(tensor, collectives=1, copies=self.size - 1)
        return [_tensor(part, tensor) for part in parts]

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """Sum a tensor over the ranks; the bits are equal everywhere.

        Up to 8 ranks it is formed in their order, so that it has the bits of one process adding its parts.
        Each rank then sends (size - 1) times the tensor.  Among more ranks a ring passes on partial sums, for
        which it sends at most twice the tensor, in an order of its own.
        """
        if self.size <= ORDERED or tensor.dtype == torch.bool:
            return super().all_reduce(tensor)
        total = tensor.detach().to(self._wire, copy=True).contiguous()
        with self._operation():
            self._finish(dist.all_reduce(total, async_op=True))
        self._count(tensor, collectives=1, copies=2 * (self.size - 1), shared_by=self.size)
        return total.to(tensor.device)

    def gather_objects(self, value: T) -> list[T]:
        """Gather the (small) picklable values of all ranks, in their order: for checks at the start."""
        data = pickle.dumps(value)
        first, rest = data[:SMALL], data[SMALL:]
        message = len(data).to_bytes(8, "little") + first.ljust(SMALL, b"\0")
        parts = [bytes(part.numpy()) for part in self.all_gather(_of_bytes(message))]
        lengths = [int.from_bytes(part[:8], "little") for part in parts]
        parts = [part[8 : 8 + length] for part, length in zip(parts, lengths, strict=True)]
        if max(lengths) > SMALL:  # one round does for what is small everywhere
            room = max(lengths) - SMALL
            more = self.all_gather(_of_bytes(rest.ljust(room, b"\0")))
            parts = [
                part + bytes(tail.numpy())[: max(length - SMALL, 0)]
                for part, tail, length in zip(parts, more, lengths, strict=True)
            ]
        return [pickle.loads(part) for part in parts]

    def broadcast(self, tensor: Tensor, source: int = 0) -> Tensor:
        """Broadcast the tensor of rank `source`; the others give one of the same shape and type."""
        sends = self.rank == source
        data = self._bytes(tensor) if sends else self._space(tensor)
        with self._operation():
            self._finish(dist.broadcast(data, source, async_op=True))
        self._count(tensor, collectives=1, copies=sends * (self.size - 1))
        return _tensor(data, tensor)

    def send(self, tensor: Tensor, to: int) -> None:
        """Send a tensor to one rank, and wait until it has received it."""
        with self._operation():
            self._finish(dist.isend(self._bytes(tensor), self._other(to)))
        self._count(tensor, messages=1, copies=1)

    def receive(self, like: Tensor, source: int) -> Tensor:
        """Receive the tensor that rank `source` sends, of the shape and type of `like`."""
        data = self._space(like)
        with self._operation():
            self._finish(dist.irecv(data, self._other(source)))
        self._count(like, messages=1)
        return _tensor(data, like)

    def close(self) -> None:
        """Leave the group; done at exit if not before."""
        atexit.unregister(self.close)
        if self in _open:
            _open.remove(self)
        self._pulse.leave()
        if self._handles:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._handles = False
        if dist.is_initialized():
            dist.destroy_process_group()

    # Operations

    @contextmanager
    def _operation(self) -> Iterator[None]:
        if self._failure is not None:
            raise self._failure
        began = time.perf_counter()
        try:
            if self._asked_to_stop or self._pulse.finding is not None:
                raise RuntimeError("the run stops")
            yield
        except RuntimeError as error:
            self._failure = self._pulse.failure(error, self._asked_to_stop, self._timeout)
            if not self._native and dist.is_initialized():
                dist.destroy_process_group()  # whoever waits for this rank learns of it now
            raise self._failure from error
        finally:
            self.traffic.seconds += time.perf_counter() - began

    def _finish(self, work: dist.Work | None) -> None:
        assert work is not None  # of an asynchronous call
        if not self._native:
            work.wait()
            return
        # NCCL does not notice that a rank has died.
        limit = time.monotonic() + self._timeout
        while not work.is_completed():
            if time.monotonic() > limit:
                raise RuntimeError("timed out")
            if self._pulse.finding is not None or self._pulse.silent(time.monotonic() - 3 * GRACE):
                raise RuntimeError("a rank is silent")
            time.sleep(5e-5)

    def _gather(self, data: Tensor) -> tuple[list[Tensor], dist.Work | None]:
        parts = [torch.empty_like(data) for _ in range(self.size)]
        return parts, dist.all_gather(parts, data, async_op=True)

    def _bytes(self, tensor: Tensor) -> Tensor:
        """View a tensor as bytes, so that every type can be sent."""
        return tensor.detach().to(self._wire).contiguous().view(-1).view(torch.uint8)

    def _space(self, like: Tensor) -> Tensor:
        return torch.empty(like.nbytes, dtype=torch.uint8, device=self._wire)

    def _count(
        self, tensor: Tensor, collectives: int = 0, messages: int = 0, copies: int = 0, shared_by: int = 1
    ) -> None:
        self.traffic.collectives += collectives
        self.traffic.messages += messages
        self.traffic.bytes += copies * tensor.nbytes // shared_by

    def _other(self, rank: int) -> int:
        if rank == self.rank or not 0 <= rank < self.size:
            raise InputError(f"rank {self.rank} of {self.size} cannot exchange messages with rank {rank}")
        return rank

    def _stop(self, *_: object) -> None:
        self._asked_to_stop = True  # and the next operation says so: nothing is left half done


def _wire(device: torch.device) -> torch.device:
    """Choose the device of exchange: NCCL needs a GPU for each rank; ranks that share one use memory."""
    if device.type != "cuda":
        return torch.device("cpu")
    gpus, local = torch.cuda.device_count(), int(os.environ.get("LOCAL_RANK", "0"))
    if not gpus:
        raise InputError('no GPU is visible to this rank; use device "cpu"')
    torch.cuda.set_device(local % gpus)
    enough = gpus >= int(os.environ.get("LOCAL_WORLD_SIZE", local + 1))
    return torch.device("cuda", local) if enough else torch.device("cpu")


def _tensor(data: Tensor, like: Tensor) -> Tensor:
    return data.view(like.dtype).view(like.shape).to(like.device)


def _of_bytes(data: bytes) -> Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)
