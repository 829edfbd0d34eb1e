"""The modified MLP (Wang, Teng & Perdikaris, arXiv:2001.04536) and its Taylor rule."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..derivatives.taylor import Channels, multiply, propagate, rule
from ..errors import InputError
from .mlp import ACTIVATION_NAMES


class ModifiedMLP(nn.Module):
    """The gated MLP of Wang, Teng & Perdikaris (arXiv:2001.04536): h <- s(Wh + b) * U + (1 - s(Wh + b)) * V.

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
        return self.last(x)  # type: ignore[no-any-return]


@rule(ModifiedMLP)
def _modified(module: ModifiedMLP, bundle: Tensor, channels: Channels) -> Tensor:
    u = propagate(module.activation, propagate(module.gate_u, bundle, channels), channels)
    v = propagate(module.activation, propagate(module.gate_v, bundle, channels), channels)
    for layer in module.layers:
        s = propagate(module.activation, propagate(layer, bundle, channels), channels)
        bundle = v + multiply(s, u - v, channels)
    return propagate(module.last, bundle, channels)


class _Gates(nn.Module):
    """The beginning of a modified MLP: x -> (h, u, v) side by side."""

    def __init__(self, network: ModifiedMLP, layer: nn.Module) -> None:
        super().__init__()
        self.gate_u, self.gate_v = network.gate_u, network.gate_v
        self.layer, self.activation = layer, network.activation

    def forward(self, x: Tensor) -> Tensor:
        u, v, s = (self.activation(layer(x)) for layer in (self.gate_u, self.gate_v, self.layer))
        return torch.cat([v + s * (u - v), u, v], -1)


class _Gated(nn.Module):
    """A layer between gates: (h, u, v) -> (v + s(h) (u - v), u, v)."""

    def __init__(self, layer: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.layer, self.activation = layer, activation

    def forward(self, x: Tensor) -> Tensor:
        h, u, v = x.chunk(3, -1)
        return torch.cat([v + self.activation(self.layer(h)) * (u - v), u, v], -1)


class _Ungated(nn.Module):
    """The end of a modified MLP: (h, u, v) -> output."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.chunk(3, -1)[0])  # type: ignore[no-any-return]


@rule(_Gates)
def _gates(module: _Gates, bundle: Tensor, channels: Channels) -> Tensor:
    u, v, s = (
        propagate(module.activation, propagate(layer, bundle, channels), channels)
        for layer in (module.gate_u, module.gate_v, module.layer)
    )
    return torch.cat([v + multiply(s, u - v, channels), u, v], -1)


@rule(_Gated)
def _gated(module: _Gated, bundle: Tensor, channels: Channels) -> Tensor:
    h, u, v = bundle.chunk(3, -1)
    s = propagate(module.activation, propagate(module.layer, h, channels), channels)
    return torch.cat([v + multiply(s, u - v, channels), u, v], -1)


@rule(_Ungated)
def _ungated(module: _Ungated, bundle: Tensor, channels: Channels) -> Tensor:
    return propagate(module.layer, bundle.chunk(3, -1)[0], channels)
