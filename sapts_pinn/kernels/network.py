"""Compiled Taylor propagation through a network."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from .build import load, why_not_loaded
from .layout import ACTIVATIONS, NONE, ChannelTables, Layout
from .threads import in_parallel, pointer

MAX_ORDER = 4
_WIDTH = 7  # integers of one term of the chain rule
_SMALL = 8  # fewer blocks than this are not worth a second thread


@dataclass(frozen=True)
class Cut:
    """State of a network at points between two of its layers.

    Attributes:
        jets: Jets of Taylor channels, laid out [blocks, C, W, block].
        cotangents: Their cotangents.
        products: Products of the two by points, [blocks * block].
    """

    jets: Tensor
    cotangents: Tensor
    products: Tensor


class CompiledNetwork:
    """Compiled kernel of one architecture and one set of channels.

    Args:
        layout: The architecture.
        channels: The channels and their rules.
        dtype: float64 or float32.
        threads: Threads to split the points over; results depend on it in the last bits.

    Attributes:
        channels: Number of channels C.
        parameters: Number of parameters n.
        block: Points that are processed together.
        lanes: Numbers in a register.

    Raises:
        InputError: There is no such kernel on this machine; see `refusal`.
    """

    def __init__(self, layout: Layout, channels: ChannelTables, dtype: torch.dtype, threads: int) -> None:
        library = load(dtype == torch.float32)
        reason = self.refusal(layout, channels.order, dtype)
        if library is None or reason is not None:
            raise InputError(f"the compiled kernel is not available: {reason}")
        self.layout, self.dtype, self.threads = layout, dtype, threads
        self.channels = len(channels.chain)
        self.parameters = layout.parameters
        self.block: int = library.block_size()
        self.lanes: int = library.lanes()
        terms = [
            [alpha, count, len(blocks), *blocks, *(0,) * (4 - len(blocks))]
            for alpha, rows in enumerate(channels.chain)
            for count, blocks in rows
            if alpha > 0
        ]
        products = [[alpha, *row] for alpha, rows in enumerate(channels.leibniz) for row in rows]
        layers = len(layout.widths) - 1
        head = [self.channels, channels.order, layers, len(terms), len(products)]
        activations = [ACTIVATIONS[name] for name in layout.activations]
        activations += [NONE] * (layers - len(activations))
        self._shape = np.array([*head, *layout.widths, *activations], dtype=np.int32)
        self._rules = np.array([i for row in (*terms, *products) for i in row], dtype=np.int32)
        self._tables = (ctypes.c_void_p(self._shape.ctypes.data), ctypes.c_void_p(self._rules.ctypes.data))
        name = "gated" if layout.gated else "mlp"
        self._forward, self._reverse = library[f"{name}_forward"], library[f"{name}_reverse"]
        self._cut = None if layout.gated else library["mlp_cut"]
        self.tape_block = _size(library, f"{name}_tape", self._tables[0])
        scratch = _size(library, f"{name}_work", self._tables[0])
        self._work = [torch.empty(scratch, dtype=dtype) for _ in range(threads)]

    @staticmethod
    def refusal(layout: Layout, order: int, dtype: torch.dtype) -> str | None:
        """Reason why no compiled kernel serves this architecture, order and precision; None if one does."""
        if dtype not in (torch.float64, torch.float32):
            return f"the kernel knows float64 and float32, not {str(dtype).removeprefix('torch.')}"
        if order > MAX_ORDER:
            return f"the kernel has derivatives up to order {MAX_ORDER}, not {order}"
        unknown = [name for name in layout.activations if name not in ACTIVATIONS]
        if unknown:
            return f"the kernel does not know the activation {unknown[0]}"
        return why_not_loaded(dtype == torch.float32)

    def forward(
        self,
        theta: Tensor,
        inputs: Tensor,
        tape: Tensor | None,
        out: Tensor,
        blocks: int,
        direction: Tensor | None = None,
    ) -> None:
        """Compute the jets `out` [C, outputs, blocks * block] of laid out inputs; see `PointSet`.

        With a direction, laid out as inputs are, `out` [blocks * block] gets the jets' products with it.
        """

        def task(worker: int, first: int, last: int) -> None:
            self._forward(
                *self._tables,
                pointer(theta),
                pointer(inputs),
                ctypes.c_long(first),
                ctypes.c_long(last),
                ctypes.c_long(out.shape[-1]),
                _optional(tape),
                _optional(direction),
                pointer(out),
                pointer(self._work[worker]),
            )

        self._split(blocks, task)

    def reverse(
        self,
        theta: Tensor,
        inputs: Tensor,
        tape: Tensor,
        cotangent: Tensor,
        gradients: Sequence[Tensor] | None,
        jacobian: tuple[Tensor, Tensor] | None,
        direction: Tensor | None = None,
    ) -> int:
        """Pull a padded cotangent of what `forward` puts out back to the parameters.

        Args:
            theta: Parameters, [n].
            inputs: Laid out inputs.
            tape: Tape of the forward pass at theta.
            cotangent: Cotangent of the jets, or of their products with the direction.
            gradients: Get the sum over each thread's points, [n, lanes] for each thread; or
            jacobian: [k, blocks * block] gets every point's own gradient; the second tensor [n] has the row
                of each parameter in it, -1 for those that have none.
            direction: As of the forward pass.

        Returns:
            Number of threads that were used.
        """
        points = cotangent.shape[-1]
        columns, rows = (None, None) if jacobian is None else map(pointer, jacobian)

        def task(worker: int, first: int, last: int) -> None:
            self._reverse(
                *self._tables,
                pointer(theta),
                pointer(inputs),
                pointer(tape),
                _optional(direction),
                pointer(cotangent),
                ctypes.c_long(first),
                ctypes.c_long(last),
                ctypes.c_long(points),
                None if gradients is None else pointer(gradients[worker]),
                columns,
                ctypes.c_long(points),
                rows,
                pointer(self._work[worker]),
            )

        return self._split(points // self.block, task)

    def cut(self, theta: Tensor, tape: Tensor, cotangent: Tensor, cuts: Mapping[int, Cut]) -> None:
        """Compute what goes through the network between its layers.

        Args:
            theta: Parameters, [n].
            tape: Tape of the forward pass at theta.
            cotangent: Padded cotangent of the jets of the outputs.
            cuts: Get it, by the number of affine layers before.

        Raises:
            InputError: The network is gated.
        """
        if self._cut is None:
            raise InputError("gates go through all layers of a network: it has no cuts")
        places = [(ctypes.c_void_p * len(self.layout.widths))() for _ in range(3)]
        for layer, cut in cuts.items():
            for place, tensor in zip(places, (cut.jets, cut.cotangents, cut.products), strict=True):
                place[layer] = tensor.data_ptr()
        function, points = self._cut, cotangent.shape[-1]

        def task(worker: int, first: int, last: int) -> None:
            function(
                *self._tables,
                pointer(theta),
                pointer(tape),
                pointer(cotangent),
                ctypes.c_long(first),
                ctypes.c_long(last),
                ctypes.c_long(points),
                *places,
                pointer(self._work[worker]),
            )

        self._split(points // self.block, task)

    def _split(self, blocks: int, task: Callable[[int, int, int], None]) -> int:
        """Run task(worker, first block, last block) on every thread; return the number of threads used."""
        workers = 1 if blocks < _SMALL else self.threads
        in_parallel(workers, blocks, task)
        return workers


def _optional(tensor: Tensor | None) -> ctypes.c_void_p | None:
    return None if tensor is None else pointer(tensor)


def _size(library: ctypes.CDLL, name: str, shape: ctypes.c_void_p) -> int:
    function = library[name]
    function.restype = ctypes.c_long
    return int(function(shape))
