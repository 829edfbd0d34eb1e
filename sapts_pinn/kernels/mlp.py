"""A multilayer perceptron's bundle, its gradient and its per-point Jacobian by the compiled kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from .build import load
from .threads import in_parallel, pointer

ACTIVATIONS = {"tanh": 1, "sin": 2, "silu": 3, "gelu": 4, "softplus": 5}
MAX_ORDER = 4
_WIDTH = 7  # integers of one term of the chain rule
_SMALL = 8  # fewer blocks than this are not worth a second thread

Chain = Sequence[Sequence[tuple[int, tuple[int, ...]]]]


class CompiledMLP:
    """The kernel for one architecture and one set of channels.

    Args:
        widths: Units of every layer, inputs and outputs included.
        activation: Name of the activation.
        chain: Faa di Bruno terms of every channel, as in `taylor.Channels.chain`.
        order: The highest order among the channels.
        dtype: float64 or float32.
        threads: Threads to split the points over; results depend on it in the last bits.
    """

    def __init__(
        self,
        widths: Sequence[int],
        activation: str,
        chain: Chain,
        order: int,
        dtype: torch.dtype,
        threads: int,
    ) -> None:
        library = load(dtype == torch.float32)
        if library is None or not self.supports(activation, order, dtype):
            raise InputError("the compiled kernel is not available for this network on this machine")
        self._library = library
        self.widths, self.dtype, self.threads = tuple(widths), dtype, threads
        self.channels = len(chain)
        self.block: int = library.block_size()
        self.lanes: int = library.lanes()
        self.parameters = sum(o * (i + 1) for i, o in zip(widths[:-1], widths[1:], strict=True))
        rows = [
            [alpha, count, len(blocks), *blocks, *(0,) * (4 - len(blocks))]
            for alpha, terms in enumerate(chain)
            for count, blocks in terms
            if alpha > 0
        ]
        layers = len(widths) - 1
        self._terms = np.array(rows, dtype=np.int32).reshape(-1, _WIDTH)
        activations = [ACTIVATIONS[activation]] * (layers - 1)
        self._shape = np.array([len(chain), order, layers, len(rows), *widths, *activations], dtype=np.int32)
        self._tables = (ctypes.c_void_p(self._shape.ctypes.data), ctypes.c_void_p(self._terms.ctypes.data))
        self.tape_block: int = library.tape_size(self._tables[0])
        scratch = 3 * len(chain) * max(widths) * self.block
        self._work = [torch.empty(scratch, dtype=dtype) for _ in range(threads)]

    @staticmethod
    def supports(activation: str, order: int, dtype: torch.dtype) -> bool:
        """Whether the kernel knows this activation, order and precision."""
        return activation in ACTIVATIONS and order <= MAX_ORDER and dtype in (torch.float64, torch.float32)

    def _split(self, blocks: int, task: Callable[[int, int, int], None]) -> int:
        """Run task(worker, first block, last block) on every thread; the number of workers used."""
        workers = 1 if blocks < _SMALL else self.threads
        in_parallel(workers, blocks, task)
        return workers


class Batch:
    """A set of points whose inputs, a constant bundle, are laid out for the kernel.

    Args:
        kernel: The kernel.
        inputs: [C, N, W_in], CPU.
    """

    def __init__(self, kernel: CompiledMLP, inputs: Tensor) -> None:
        channels, self.points, width = inputs.shape
        self.kernel = kernel
        self.blocks = -(-self.points // kernel.block)
        self.padded = self.blocks * kernel.block
        full = torch.cat([inputs, inputs[:, -1:].expand(-1, self.padded - self.points, -1)], 1)
        self._inputs = (
            full.to(kernel.dtype)
            .reshape(channels, self.blocks, kernel.block, width)
            .permute(1, 0, 3, 2)
            .contiguous()
        )
        self._tape: Tensor | None = None
        self._out = torch.empty(channels, kernel.widths[-1], self.padded, dtype=kernel.dtype)
        self._gradients: list[Tensor] = []

    def forward(self, theta: Tensor, keep: bool = True) -> Tensor:
        """The network's bundle [C, outputs, N] at theta [n]; keep=True prepares for a reverse pass."""
        kernel = self.kernel
        if keep and self._tape is None:
            self._tape = torch.empty(self.blocks * kernel.tape_block, dtype=kernel.dtype)
        tape = pointer(self._tape) if keep and self._tape is not None else None

        def task(worker: int, first: int, last: int) -> None:
            kernel._library.taylor_forward(
                *kernel._tables,
                pointer(theta),
                pointer(self._inputs),
                ctypes.c_long(first),
                ctypes.c_long(last),
                ctypes.c_long(self.padded),
                tape,
                pointer(self._out),
                pointer(kernel._work[worker]),
            )

        kernel._split(self.blocks, task)
        return self._out[:, :, : self.points].clone()

    def release(self) -> None:
        """Free the memory kept for a reverse pass."""
        self._tape = None

    def _reverse(
        self, theta: Tensor, cotangent: Tensor, jacobian: Tensor | None, rows: Tensor | None = None
    ) -> int:
        if self._tape is None:
            raise RuntimeError("reverse pass without a forward pass that kept its tape")
        kernel, tape = self.kernel, self._tape
        if self.points == self.padded:
            padded = cotangent.contiguous()
        else:
            padded = torch.nn.functional.pad(cotangent, (0, self.padded - self.points))
        if jacobian is None and not self._gradients:
            self._gradients = [
                torch.empty(kernel.parameters, kernel.lanes, dtype=kernel.dtype) for _ in kernel._work
            ]

        def task(worker: int, first: int, last: int) -> None:
            gradient = None
            if jacobian is None:
                gradient = pointer(self._gradients[worker])
            kernel._library.taylor_reverse(
                *kernel._tables,
                pointer(theta),
                pointer(self._inputs),
                pointer(tape),
                pointer(padded),
                ctypes.c_long(first),
                ctypes.c_long(last),
                ctypes.c_long(self.padded),
                gradient,
                None if jacobian is None else pointer(jacobian),
                ctypes.c_long(self.padded),
                None if rows is None else pointer(rows),
                pointer(kernel._work[worker]),
            )

        return kernel._split(self.blocks, task)

    def reverse(self, theta: Tensor, cotangent: Tensor) -> Tensor:
        """Gradient [n] of sum(cotangent * bundle), both [C, outputs, N], after `forward` at this theta."""
        workers = self._reverse(theta, cotangent, None)
        total = self._gradients[0].sum(1)
        for gradient in self._gradients[1:workers]:
            total += gradient.sum(1)
        return total

    def jacobian(self, theta: Tensor, cotangent: Tensor, indices: Tensor | None = None) -> Tensor:
        """Gradient at each point of its part of sum(cotangent * bundle), as columns [n, N].

        Args:
            theta: The weights, [n], as of the last `forward`.
            cotangent: [C, outputs, N].
            indices: Weights whose derivatives are computed, [k]; the result is [k, N] then.
        """
        n = self.kernel.parameters
        chosen = torch.arange(n) if indices is None else indices.to("cpu", torch.long)
        rows = torch.full((n,), -1).index_copy_(0, chosen, torch.arange(len(chosen)))
        out = torch.empty(len(chosen), self.padded, dtype=self.kernel.dtype)
        if len(chosen):
            self._reverse(theta, cotangent, out, rows)
        return out[:, : self.points]


class Batches:
    """The same points for networks that lie beside each other, with the methods of `Batch`.

    Args:
        batches: One for each network; their parameters follow each other.
        order: The outputs' positions among those of all networks.
    """

    def __init__(self, batches: Sequence[Batch], order: Sequence[int]) -> None:
        self.batches, self.order = list(batches), torch.tensor(order)
        self._back = self.order.argsort()
        self._sizes = [batch.kernel.parameters for batch in batches]
        self._outputs = [batch.kernel.widths[-1] for batch in batches]

    def _thetas(self, theta: Tensor) -> Sequence[Tensor]:
        return list(theta[: sum(self._sizes)].split(self._sizes))

    def forward(self, theta: Tensor, keep: bool = True) -> Tensor:
        """The bundle [C, outputs, N] at theta [n]; keep=True prepares for a reverse pass."""
        pairs = zip(self.batches, self._thetas(theta), strict=True)
        return torch.cat([batch.forward(part, keep) for batch, part in pairs], 1)[:, self.order]

    def release(self) -> None:
        """Free the memory kept for a reverse pass."""
        for batch in self.batches:
            batch.release()

    def reverse(self, theta: Tensor, cotangent: Tensor) -> Tensor:
        """Gradient [n] of sum(cotangent * bundle), after `forward` at this theta."""
        return torch.cat([b.reverse(t, c) for b, t, c in self._parts(theta, cotangent)])

    def jacobian(self, theta: Tensor, cotangent: Tensor, indices: Tensor | None = None) -> Tensor:
        """Gradient at each point, as columns [n, N]; see `Batch.jacobian`."""
        if indices is None:
            return torch.cat([b.jacobian(t, c) for b, t, c in self._parts(theta, cotangent)])
        out, start = cotangent.new_empty(len(indices), cotangent.shape[2]), 0
        for size, (batch, part, bar) in zip(self._sizes, self._parts(theta, cotangent), strict=True):
            own = ((indices >= start) & (indices < start + size)).nonzero()[:, 0]
            out[own] = batch.jacobian(part, bar, indices[own] - start)
            start += size
        return out

    def _parts(self, theta: Tensor, cotangent: Tensor) -> Iterable[tuple[Batch, Tensor, Tensor]]:
        bars = cotangent[:, self._back].split(self._outputs, 1)
        return zip(self.batches, self._thetas(theta), (bar.contiguous() for bar in bars), strict=True)
