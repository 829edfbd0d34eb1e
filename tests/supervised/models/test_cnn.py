"""The small convolutional network: its size, its shapes, what it normalises by."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from draws import rng
from sapts_pinn.supervised.models import SmallCNN
from sapts_pinn.supervised.models.pixels import CIFAR10, MNIST, Pixels


@pytest.mark.parametrize(
    ("channels", "side", "count", "scale"), [(1, 28, 26_090, MNIST), (3, 32, 26_378, CIFAR10)]
)
def test_pictures_of_digits_and_of_things(channels: int, side: int, count: int, scale: tuple) -> None:
    network = SmallCNN(channels)
    assert sum(p.numel() for p in network.parameters()) == count
    pixels = network[0]
    assert isinstance(pixels, Pixels) and pixels.mean.flatten().tolist() == pytest.approx(scale[0])
    pictures = torch.randint(256, (2, channels, side, side), generator=rng(), dtype=torch.uint8)
    assert network(pictures).shape == (2, 10)


@pytest.mark.parametrize(("width", "classes"), [(2, 3), (4, 10)])
def test_channels_double_from_one_convolution_to_the_next(width: int, classes: int) -> None:
    network = SmallCNN(3, width, classes)
    convolutions = [layer for layer in network if isinstance(layer, nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [width, 2 * width, 4 * width]
    assert [c.in_channels for c in convolutions] == [3, width, 2 * width]
    x = torch.zeros(2, 3, 12, 12, dtype=torch.uint8)
    sides = []
    for layer in network:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            sides.append(x.shape[-1])
    assert sides == [12, 6, 3] and x.shape == (2, classes)
