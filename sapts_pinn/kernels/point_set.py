"""Points laid out for the compiled kernel, with the forward and reverse passes at them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from copy import copy

import torch
from torch import Tensor

from ..errors import InputError
from .network import CompiledNetwork, Cut


class PointSet(ABC):
    """A set of points whose input jets are constant, with the passes of a network at them."""

    @abstractmethod
    def forward(self, theta: Tensor, keep: bool = True) -> Tensor:
        """Jets of the network's outputs.

        Args:
            theta: Parameters, [n].
            keep: Keep what a reverse pass needs.

        Returns:
            [C, outputs, N].
        """

    @abstractmethod
    def reverse(self, theta: Tensor, cotangent: Tensor) -> Tensor:
        """Gradient [n] of sum(cotangent * jets), both [C, outputs, N], after `forward` at this theta.

        Raises:
            RuntimeError: There was no forward pass that kept its tape.
        """

    @abstractmethod
    def jacobian(self, theta: Tensor, cotangent: Tensor, indices: Tensor | None = None) -> Tensor:
        """Gradient at each point of its part of sum(cotangent * jets), as columns [n, N].

        Args:
            theta: Parameters, [n], as of the last `forward`.
            cotangent: [C, outputs, N].
            indices: Parameters whose derivatives are computed, [k]; the result is [k, N] then.

        Raises:
            RuntimeError: There was no forward pass that kept its tape.
        """

    def cut(self, theta: Tensor, cotangent: Tensor, layers: Sequence[int]) -> list[Cut]:
        """State between layers, after `forward` at this theta; what it returned before is overwritten.

        Args:
            theta: Parameters, [n].
            cotangent: Cotangent of the outputs' jets, [C, outputs, N].
            layers: For each cut the number of affine layers before it.

        Raises:
            InputError: The network has no such cuts.
            RuntimeError: There was no forward pass that kept its tape.
        """
        raise InputError("networks side by side have no common layers to cut between")

    def part(self, kernel: CompiledNetwork, before: Cut | None, after: Cut | None) -> PointSet:
        """Return the points as they are for some of the network's layers.

        Args:
            kernel: The kernel of these layers.
            before: State before them, of which the jets are the inputs; None for the network's own inputs.
            after: State after them.  If given, what is [C, outputs, N] of others is [N] of such points: the
                product of the outputs' jets with the cotangents there.

        Raises:
            InputError: The network has no such parts.
        """
        raise InputError("networks side by side have no common layers to cut between")

    @abstractmethod
    def release(self) -> None:
        """Free the memory kept for a reverse pass."""


class SinglePointSet(PointSet):
    """Points for one network.

    Args:
        kernel: The kernel.
        inputs: Jets of the inputs, [C, N, W_in], CPU.
    """

    _direction: Tensor | None = None

    def __init__(self, kernel: CompiledNetwork, inputs: Tensor) -> None:
        points = inputs.shape[1]
        padding = inputs[:, -1:].expand(-1, -points % kernel.block, -1)
        full = torch.cat([inputs, padding], 1).to(kernel.dtype)
        laid_out = full.unflatten(1, (-1, kernel.block)).permute(1, 0, 3, 2).contiguous()
        self._take(kernel, points, laid_out)

    def _take(self, kernel: CompiledNetwork, points: int, inputs: Tensor) -> None:
        self.kernel, self.points, self._inputs = kernel, points, inputs
        self.blocks = len(inputs)
        self.padded = self.blocks * kernel.block
        self._tape: Tensor | None = None
        shape = () if self._direction is not None else (kernel.channels, kernel.layout.widths[-1])
        self._out = torch.empty(*shape, self.padded, dtype=kernel.dtype)
        self._gradients: list[Tensor] = []
        self._cuts: dict[int, Cut] = {}

    def part(self, kernel: CompiledNetwork, before: Cut | None, after: Cut | None) -> SinglePointSet:
        """Return the points as they are for some of the network's layers."""
        found = copy(self)
        found._direction = None if after is None else after.cotangents
        found._take(kernel, self.points, self._inputs if before is None else before.jets)
        return found

    def forward(self, theta: Tensor, keep: bool = True) -> Tensor:
        """Jets [C, outputs, N] of the network's outputs."""
        kernel = self.kernel
        if keep and self._tape is None:
            self._tape = torch.empty(self.blocks * kernel.tape_block, dtype=kernel.dtype)
        tape = self._tape if keep else None
        kernel.forward(theta, self._inputs, tape, self._out, self.blocks, self._direction)
        return self._out[..., : self.points].clone()

    def release(self) -> None:
        """Free the memory kept for a reverse pass."""
        self._tape = None

    def _reverse(
        self,
        theta: Tensor,
        cotangent: Tensor,
        gradients: Sequence[Tensor] | None = None,
        jacobian: tuple[Tensor, Tensor] | None = None,
    ) -> int:
        tape, padded = self._kept(), self._pad(cotangent)
        return self.kernel.reverse(theta, self._inputs, tape, padded, gradients, jacobian, self._direction)

    def _kept(self) -> Tensor:
        if self._tape is None:
            raise RuntimeError("reverse pass without a forward pass that kept its tape")
        return self._tape

    def _pad(self, cotangent: Tensor) -> Tensor:
        if self.points == self.padded:
            return cotangent.contiguous()
        return torch.nn.functional.pad(cotangent, (0, self.padded - self.points))

    def cut(self, theta: Tensor, cotangent: Tensor, layers: Sequence[int]) -> list[Cut]:
        """State between layers."""
        cuts = {layer: self._cuts.get(layer) or self._new_cut(layer) for layer in layers}
        self._cuts.update(cuts)
        self.kernel.cut(theta, self._kept(), self._pad(cotangent), cuts)
        return [*cuts.values()]

    def _new_cut(self, layer: int) -> Cut:
        kernel = self.kernel
        shape = self.blocks, kernel.channels, kernel.layout.widths[layer], kernel.block
        jets, cotangents = (torch.empty(shape, dtype=kernel.dtype) for _ in range(2))
        return Cut(jets, cotangents, torch.empty(self.padded, dtype=kernel.dtype))

    def reverse(self, theta: Tensor, cotangent: Tensor) -> Tensor:
        """Gradient [n] of sum(cotangent * jets)."""
        kernel = self.kernel
        if not self._gradients:
            shape = kernel.parameters, kernel.lanes
            self._gradients = [torch.empty(shape, dtype=kernel.dtype) for _ in range(kernel.threads)]
        workers = self._reverse(theta, cotangent, self._gradients)
        total = self._gradients[0].sum(1)
        for gradient in self._gradients[1:workers]:
            total += gradient.sum(1)
        return total

    def jacobian(self, theta: Tensor, cotangent: Tensor, indices: Tensor | None = None) -> Tensor:
        """Gradient at each point of its part of sum(cotangent * jets), as columns [n, N] or [k, N]."""
        n = self.kernel.parameters
        chosen = torch.arange(n) if indices is None else indices.to("cpu", torch.long)
        rows = torch.full((n,), -1).index_copy_(0, chosen, torch.arange(len(chosen)))
        out = torch.empty(len(chosen), self.padded, dtype=self.kernel.dtype)
        if len(chosen):
            self._reverse(theta, cotangent, jacobian=(out, rows))
        return out[:, : self.points]


class JoinedPointSet(PointSet):
    """Points shared by several networks side by side.

    Args:
        parts: The points for each network; the networks' parameters follow each other.
        order: Positions of the outputs among those of all networks.
    """

    def __init__(self, parts: Sequence[SinglePointSet], order: Sequence[int]) -> None:
        self.parts, self.order = list(parts), torch.tensor(order)
        self._back = self.order.argsort()
        self._sizes = [part.kernel.parameters for part in parts]
        self._outputs = [part.kernel.layout.widths[-1] for part in parts]

    def _thetas(self, theta: Tensor) -> Sequence[Tensor]:
        return list(theta[: sum(self._sizes)].split(self._sizes))

    def forward(self, theta: Tensor, keep: bool = True) -> Tensor:
        """Jets [C, outputs, N] of all networks' outputs."""
        pairs = zip(self.parts, self._thetas(theta), strict=True)
        return torch.cat([part.forward(own, keep) for part, own in pairs], 1)[:, self.order]

    def release(self) -> None:
        """Free the memory kept for a reverse pass."""
        for part in self.parts:
            part.release()

    def reverse(self, theta: Tensor, cotangent: Tensor) -> Tensor:
        """Gradient [n] of sum(cotangent * jets)."""
        return torch.cat([p.reverse(t, c) for p, t, c in self._divided(theta, cotangent)])

    def jacobian(self, theta: Tensor, cotangent: Tensor, indices: Tensor | None = None) -> Tensor:
        """Gradient at each point of its part of sum(cotangent * jets), as columns [n, N] or [k, N]."""
        if indices is None:
            return torch.cat([p.jacobian(t, c) for p, t, c in self._divided(theta, cotangent)])
        out, start = cotangent.new_empty(len(indices), cotangent.shape[2]), 0
        for size, (part, own, bar) in zip(self._sizes, self._divided(theta, cotangent), strict=True):
            chosen = ((indices >= start) & (indices < start + size)).nonzero()[:, 0]
            out[chosen] = part.jacobian(own, bar, indices[chosen] - start)
            start += size
        return out

    def _divided(self, theta: Tensor, cotangent: Tensor) -> Iterable[tuple[SinglePointSet, Tensor, Tensor]]:
        bars = cotangent[:, self._back].split(self._outputs, 1)
        return zip(self.parts, self._thetas(theta), (bar.contiguous() for bar in bars), strict=True)
