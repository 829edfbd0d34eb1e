"""Forward and reverse pass of a block recorded as CUDA graphs, so that a GPU does not wait for Python.

The passes of a small network are some hundreds of operations.  A GPU needs microseconds for each, and Python
ten times as long to launch it.  A CUDA graph launches all of them at once, on the same memory every time:
what goes in is copied there, and what comes out is copied from there.

A recording repeats operations of the GPU, and not the function that made them.  That may have changed since,
as an equation does which depends on something that a callback sets: every CHECK replays the two are compared.
What cannot be recorded, such as an equation that reads values into Python, is evaluated as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import get_ident

import torch
from torch import Tensor

WARM = 4  # evaluations before a recording: many an objective sees no more
CHECK = 100  # replays from one comparison to the next


@dataclass(frozen=True)
class Pass:
    """Forward pass of a block, with its graph.

    Attributes:
        theta: The parameters, [n].
        weights: Of the network, [n].
        jet: Of the network, [C, m, N]; its graph goes back to the weights if PyTorch has made it.
        out: The jet as a leaf, [C, m, N].
        known: Coefficients at every point, [N] each, by name.
        residual: Scaled residuals [rows of the term, N / fold], functions of `out` and `known`.
    """

    theta: Tensor
    weights: Tensor
    jet: Tensor
    out: Tensor
    known: dict[str, Tensor]
    residual: Tensor


Forward = Callable[[Tensor], Pass]  # from parameters [n]
Reverse = Callable[[Pass, Tensor], Tensor]  # from a cotangent of the residuals to a gradient [n]


class Recording:
    """Forward and reverse pass as CUDA graphs.

    Args:
        forward: Makes a pass.
        reverse: Pulls a cotangent back through it.
        theta: Parameters to record with, [n], on a CUDA device.

    Attributes:
        made: The pass, whose tensors are those of the last replay.

    Raises:
        RuntimeError: They cannot be recorded.
    """

    def __init__(self, forward: Forward, reverse: Reverse, theta: Tensor) -> None:
        self._theta, self._replays = theta.clone(), 0
        now, stream = torch.cuda.current_stream(theta.device), _stream(theta.device, get_ident())
        stream.wait_stream(now)
        with torch.cuda.stream(stream):  # what libraries set up at their first call is no part of a graph
            first = forward(self._theta)
            self._cotangent = first.residual.detach().clone()
            reverse(first, self._cotangent)
        stream.synchronize()
        self._ahead, self._back = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
        with _recorded(self._ahead, stream):
            self.made = forward(self._theta)
        with _recorded(self._back, stream, self._ahead):
            self._gradient = reverse(self.made, self._cotangent)
        now.wait_stream(stream)

    def residual(self, theta: Tensor) -> Tensor:
        """Residuals at parameters [n], without a graph."""
        self._theta.copy_(theta)
        self._ahead.replay()
        self._replays += 1
        return self.made.residual.detach().clone()

    def vjp(self, cotangent: Tensor) -> Tensor:
        """The gradient [n] for a cotangent, at the parameters of the last replay."""
        self._cotangent.copy_(cotangent)
        self._back.replay()
        return self._gradient.clone()

    @property
    def due(self) -> bool:
        """The last replay is to be compared with the function."""
        return self._replays % CHECK == 0


@cache
def _stream(device: torch.device, thread: int) -> torch.cuda.Stream:
    """The stream on which a thread records: cuBLAS keeps memory for every stream for good."""
    return torch.cuda.Stream(device)


@contextmanager
def _recorded(
    graph: torch.cuda.CUDAGraph, stream: torch.cuda.Stream, beside: torch.cuda.CUDAGraph | None = None
) -> Iterator[None]:
    """Record what a stream is given, without the collection of garbage in which `torch.cuda.graph` begins.

    Args:
        graph: What is recorded into.
        stream: What is recorded.
        beside: A graph in whose memory it is.
    """
    with torch.cuda.stream(stream):
        if beside is None:
            graph.capture_begin(capture_error_mode="thread_local")
        else:
            graph.capture_begin(beside.pool(), capture_error_mode="thread_local")
        try:
            yield
        finally:
            graph.capture_end()


class Recorder:
    """Records after some evaluations, where that is possible.

    Attributes:
        recording: The recording; None without one.
    """

    def __init__(self) -> None:
        self.recording: Recording | None = None
        self._possible, self._seen = True, 0

    def attend(self, forward: Forward, reverse: Reverse, theta: Tensor) -> Recording | None:
        """Return the recording for an evaluation that comes, made now where that is due.

        Args:
            forward: As of `Recording`.
            reverse: As of `Recording`.
            theta: Parameters of the evaluation, [n].
        """
        self._seen += 1
        if self.recording is None and self._possible and self._seen > WARM and recordable(theta):
            try:
                self.recording = Recording(forward, reverse, theta)
            except RuntimeError:
                self._possible = False
        return self.recording

    def forget(self, for_good: bool = False) -> None:
        """Free the memory of the recording.

        Args:
            for_good: Whether there shall be no other.
        """
        self.recording, self._seen = None, 0
        self._possible = self._possible and not for_good


def recordable(theta: Tensor) -> bool:
    """Return whether operations on such tensors can be recorded."""
    return theta.device.type == "cuda"


def agree(found: Tensor, wanted: Tensor) -> bool:
    """Return whether two tensors differ by no more than the root of the precision."""
    close: float = torch.finfo(wanted.dtype).eps ** 0.5
    return float((found - wanted).norm()) <= close * float(wanted.norm())
