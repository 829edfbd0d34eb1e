"""The modified MLP (Wang, Teng & Perdikaris, arXiv:2001.04536), its Taylor rule, stages and layout."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..derivatives.taylor import Channels, multiply, propagate
from ..errors import InputError
from ..kernels import Layout, NotCompiled
from .base import Network
from .layout import activation_name, check_affine
from .mlp import ACTIVATION_NAMES


class ModifiedMLP(Network):
    """Gated MLP of Wang, Teng & Perdikaris (arXiv:2001.04536): h <- s(Wh + b) * U + (1 - s(Wh + b)) * V.

    Args:
        widths: As for `MLP`; all hidden widths are equal.
        activation: As for `MLP`.
    """

    def __init__(self, widths: Sequence[int], activation: str = "tanh") -> None:
        super().__init__()
        if len(widths) < 3 or len(set(widths[1:-1])) != 1:
            raise InputError(f"a modified MLP needs equal hidden widths, not {tuple(widths)}")
        inputs, width, outputs = widths[0], widths[1], widths[-1]
        if activation not in ACTIVATION_NAMES:
            raise InputError(
                f"unknown activation {activation!r}; choose one of {', '.join(ACTIVATION_NAMES)}"
            )
        self.activation = ACTIVATION_NAMES[activation]()
        self.gate_u, self.gate_v = nn.Linear(inputs, width), nn.Linear(inputs, width)
        self.layers = nn.ModuleList(
            [nn.Linear(inputs if i == 0 else width, width) for i in range(len(widths) - 2)]
        )
        self.last = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs] -> [N, outputs]."""
        u, v = self.activation(self.gate_u(x)), self.activation(self.gate_v(x))
        for layer in self.layers:
            s = self.activation(layer(x))
            x = v + s * (u - v)
        out: Tensor = self.last(x)
        return out

    def taylor(self, jet: Tensor, channels: Channels) -> Tensor:
        """Carry a Taylor jet [C, N, inputs] through the network, to [C, N, outputs]."""
        u = propagate(self.activation, propagate(self.gate_u, jet, channels), channels)
        v = propagate(self.activation, propagate(self.gate_v, jet, channels), channels)
        for layer in self.layers:
            s = propagate(self.activation, propagate(layer, jet, channels), channels)
            jet = v + multiply(s, u - v, channels)
        return propagate(self.last, jet, channels)

    def stages(self) -> list[nn.Module]:
        """Return the gates, the gated layers and the last layer; one layer if `forward` is another's."""
        if type(self).forward is not ModifiedMLP.forward:
            return [self]
        first, *others = self.layers
        gated = [_Gated(layer, self.activation) for layer in others]
        return [_Gates(self, first), *gated, _Ungated(self.last)]

    def layout(self) -> Layout:
        """Describe the architecture to the compiled kernels.

        Raises:
            NotCompiled: A layer was exchanged by one that they do not know.
        """
        names = ["gate_u", "gate_v", *(f"layers.{i}" for i in range(len(self.layers))), "last"]
        affine = [self.gate_u, self.gate_v, *self.layers, self.last]
        for name, layer in zip(names, affine, strict=True):
            check_affine(layer, f"layer {name} ({type(layer).__name__})")
        activation = activation_name(self.activation, f"the activation {type(self.activation).__name__}")
        inputs, width, hidden = self.gate_u.in_features, self.gate_u.out_features, len(self.layers)
        shapes = [(inputs, width)] * 3 + [(width, width)] * (hidden - 1) + [(width, self.last.out_features)]
        if [(layer.in_features, layer.out_features) for layer in affine] != shapes:
            raise NotCompiled("the hidden widths differ")
        return Layout((inputs, *[width] * hidden, shapes[-1][1]), (activation,) * hidden, gated=True)


class _Gates(Network):
    """First stage of a modified MLP: x -> (h, u, v) side by side."""

    def __init__(self, network: ModifiedMLP, layer: nn.Module) -> None:
        super().__init__()
        self.gate_u, self.gate_v = network.gate_u, network.gate_v
        self.layer, self.activation = layer, network.activation

    def forward(self, x: Tensor) -> Tensor:
        u, v, s = (self.activation(layer(x)) for layer in (self.gate_u, self.gate_v, self.layer))
        return torch.cat([v + s * (u - v), u, v], -1)

    def taylor(self, jet: Tensor, channels: Channels) -> Tensor:
        u, v, s = (
            propagate(self.activation, propagate(layer, jet, channels), channels)
            for layer in (self.gate_u, self.gate_v, self.layer)
        )
        return torch.cat([v + multiply(s, u - v, channels), u, v], -1)


class _Gated(Network):
    """Gated layer of a modified MLP: (h, u, v) -> (v + s(h) (u - v), u, v)."""

    def __init__(self, layer: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.layer, self.activation = layer, activation

    def forward(self, x: Tensor) -> Tensor:
        h, u, v = x.chunk(3, -1)
        return torch.cat([v + self.activation(self.layer(h)) * (u - v), u, v], -1)

    def taylor(self, jet: Tensor, channels: Channels) -> Tensor:
        h, u, v = jet.chunk(3, -1)
        s = propagate(self.activation, propagate(self.layer, h, channels), channels)
        return torch.cat([v + multiply(s, u - v, channels), u, v], -1)


class _Ungated(Network):
    """Last stage of a modified MLP: (h, u, v) -> output."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x.chunk(3, -1)[0])
        return out

    def taylor(self, jet: Tensor, channels: Channels) -> Tensor:
        return propagate(self.layer, jet.chunk(3, -1)[0], channels)
