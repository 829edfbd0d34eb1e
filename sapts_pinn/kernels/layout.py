"""Architectures that the compiled kernels know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Protocol

ACTIVATIONS = {"identity": 0, "tanh": 1, "sin": 2, "silu": 3, "gelu": 4, "softplus": 5}  # as in vectors.c
NONE = -1  # after the last affine layer
ACTIVATION = 27  # weights that a unit's activation costs as much as, forward and back; measured with tanh


class NotCompiled(Exception):
    """No compiled kernel evaluates a network; the message is the reason, without a full stop."""


@dataclass(frozen=True)
class Layout:
    """Architecture of a network, as the compiled kernels take it.

    The parameters are weights [out, in] and bias [out] of the affine layers in order; those of the gates U
    and V come first if there are any.

    Attributes:
        widths: Units of every layer, inputs and outputs included.
        activations: Name of the activation after every affine layer; after the last one there may be none.
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

    @property
    def work(self) -> int:
        """Relative cost of a channel at a point, with a pass back: weights, and activations as such."""
        return sum(o * (i + ACTIVATION) for i, o in pairwise(self.widths))

    def stages(self, counts: Sequence[int]) -> list[Layout]:
        """Cut the network into consecutive stages.

        Args:
            counts: Numbers of affine layers of the stages, which keep the activations after their layers.

        Raises:
            NotCompiled: The network is gated, or has another number of layers.
        """
        if self.gated:
            raise NotCompiled("gates go through all layers of a network")
        if min(counts) < 1 or sum(counts) != len(self.widths) - 1:
            raise NotCompiled(f"{len(self.widths) - 1} affine layers are not {counts} of stages")
        ends = [0, *accumulate(counts)]
        return [Layout(self.widths[a : b + 1], self.activations[a:b]) for a, b in pairwise(ends)]


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
