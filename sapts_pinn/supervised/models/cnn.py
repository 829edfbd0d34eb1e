"""A small convolutional network: three steps of convolution and pooling, one linear layer."""

from __future__ import annotations

from torch import nn

from .pixels import CIFAR10, MNIST, Pixels


class SmallCNN(nn.Sequential):
    """For MNIST (1 channel) 26,090 parameters by default, for CIFAR-10 (3 channels) 26,378.

    Args:
        channels: Of the pictures, 1 or 3.
        width: Channels after the first convolution; twice and four times as many later.
        classes: Number of classes.
    """

    def __init__(self, channels: int = 3, width: int = 16, classes: int = 10) -> None:
        layers: list[nn.Module] = [Pixels(*(MNIST if channels == 1 else CIFAR10))]
        for number in range(3):
            before = channels if number == 0 else width * 2 ** (number - 1)
            layers += [
                nn.Conv2d(before, width * 2**number, 3, padding=1),
                nn.BatchNorm2d(width * 2**number),
                nn.ReLU(),
                nn.MaxPool2d(2) if number < 2 else nn.AdaptiveAvgPool2d(2),
            ]
        super().__init__(*layers, nn.Flatten(), nn.Linear(16 * width, classes))
