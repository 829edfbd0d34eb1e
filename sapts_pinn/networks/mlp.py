"""The multilayer perceptron."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from torch import nn

from ..derivatives.activations import Sine
from ..errors import InputError

ACTIVATION_NAMES: dict[str, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "sin": Sine,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
}


class MLP(nn.Sequential):
    """A multilayer perceptron: affine layers with an activation between them.

    Args:
        widths: Units of every layer, inputs and outputs included, for example (2, 20, 20, 20, 1).
        activation: One of "tanh", "sin", "gelu", "silu", "softplus".

    Raises:
        InputError: Fewer than two widths, a width that is not positive, or an unknown activation.
    """

    def __init__(self, widths: Sequence[int], activation: str = "tanh") -> None:
        if len(widths) < 2 or any(int(w) != w or w < 1 for w in widths):
            raise InputError(f"widths must be at least two positive integers, not {tuple(widths)}")
        if activation not in ACTIVATION_NAMES:
            raise InputError(
                f"unknown activation {activation!r}; choose one of {', '.join(ACTIVATION_NAMES)}"
            )
        layers: list[nn.Module] = []
        for i, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
            layers += [nn.Linear(inputs, outputs)]
            layers += [ACTIVATION_NAMES[activation]()] if i < len(widths) - 2 else []
        super().__init__(*layers)
        self.widths, self.activation = tuple(widths), activation
