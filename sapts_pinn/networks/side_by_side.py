"""Several networks evaluated together, one for each group of unknowns."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..derivatives.taylor import Channels, propagate
from .base import Network


class SideBySide(Network):
    """Networks evaluated together, each with some of the inputs and some of the outputs.

    Args:
        networks: The networks.
        inputs: For each the positions of its inputs.
        outputs: For each the positions of its outputs.
    """

    def __init__(
        self, networks: Sequence[nn.Module], inputs: Sequence[Sequence[int]], outputs: Sequence[Sequence[int]]
    ) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.inputs = [list(columns) for columns in inputs]
        together = [j for columns in outputs for j in columns]
        self.order = [together.index(j) for j in range(len(together))]

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs] -> [N, outputs]."""
        pairs = zip(self.networks, self.inputs, strict=True)
        return torch.cat([network(x[..., columns]) for network, columns in pairs], -1)[..., self.order]

    def taylor(self, jet: Tensor, channels: Channels) -> Tensor:
        """Carry a Taylor jet [C, N, inputs] through the networks, to [C, N, outputs]."""
        pairs = zip(self.networks, self.inputs, strict=True)
        out = [propagate(network, jet[..., columns], channels) for network, columns in pairs]
        return torch.cat(out, -1)[..., self.order]
