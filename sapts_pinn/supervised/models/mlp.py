"""A perceptron for pictures of digits."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from .pixels import MNIST, Pixels


class MLP(nn.Sequential):
    """784 - 128 - 10 by default, 101,770 parameters.

    Args:
        widths: Of the layers: pixels first, classes last.
    """

    def __init__(self, widths: tuple[int, ...] = (784, 128, 10)) -> None:
        layers: list[nn.Module] = [Pixels(*MNIST), nn.Flatten()]
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        super().__init__(*layers[:-1])
