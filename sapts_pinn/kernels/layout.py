"""Architectures that the compiled kernels know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

ACTIVATIONS = {"identity": 0, "tanh": 1, "sin": 2, "silu": 3, "gelu": 4, "softplus": 5}  # as in vectors.c


class NotCompiled(Exception):
    """No compiled kernel evaluates a network; the message is the reason, without a full stop."""


@dataclass(frozen=True)
class Layout:
    """Architecture of a network, as the compiled kernels take it.

    The parameters are weights [out, in] and bias [out] of the affine layers in order; those of the gates U
    and V come first if there are any.

    Attributes:
        widths: Units of every layer, inputs and outputs included.
        activations: Name of the activation after every affine layer but the last.
        gated: Gates U and V mix every hidden layer, as in `gated.c`; all hidden widths are equal then, and
            the gates have the first activation.
    """

    widths: tuple[int, ...]
    activations: tuple[str, ...]
    gated: bool = False

    @property
    def parameters(self) -> int:
        """Number of parameters n."""
        sizes = [o * (i + 1) for i, o in zip(self.widths[:-1], self.widths[1:], strict=True)]
        return sum(sizes) + 2 * sizes[0] * self.gated


class ChannelTables(Protocol):
    """Channels of a Taylor jet with the chain rule and the product rule, such as `taylor.Channels`."""

    @property
    def order(self) -> int:
        """Highest order among the channels."""

    @property
    def chain(self) -> Sequence[Sequence[tuple[int, tuple[int, ...]]]]:
        """Faa di Bruno terms of every channel: (coefficient, positions of the blocks)."""

    @property
    def leibniz(self) -> Sequence[Sequence[tuple[int, int, int]]]:
        """Product-rule terms of every channel: (coefficient, position, position)."""
