"""Bytes as numbers of mean 0 and variance 1, channel by channel."""

from __future__ import annotations

import pytest
import torch

from draws import rng
from sapts_pinn.supervised.models.pixels import CIFAR10, MNIST, Pixels


@pytest.mark.parametrize("scale", [MNIST, CIFAR10])
def test_every_channel_is_moved_and_scaled_by_its_own_numbers(scale: tuple[tuple[float, ...], ...]) -> None:
    mean, std = scale
    bytes_ = torch.randint(256, (2, len(mean), 3, 4), generator=rng(), dtype=torch.uint8)
    found = Pixels(mean, std)(bytes_)
    assert found.dtype == torch.float32
    for channel in range(len(mean)):
        exact = (bytes_[:, channel].double() / 255 - mean[channel]) / std[channel]
        assert torch.allclose(found[:, channel].double(), exact, rtol=1e-5, atol=1e-6)


def test_it_follows_the_precision_of_the_network_and_is_no_part_of_its_state() -> None:
    layer = Pixels(*MNIST).double()
    assert layer(torch.zeros(1, 1, 2, 2, dtype=torch.uint8)).dtype == torch.float64
    assert not layer.state_dict() and not list(layer.parameters())
