"""ResNet-20: its size, its blocks, and thinning where the channels double."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from draws import randn
from sapts_pinn.supervised.models import ResNet
from sapts_pinn.supervised.models.resnet import Block


def test_it_has_the_size_and_depth_of_the_paper() -> None:
    network = ResNet()
    assert sum(p.numel() for p in network.parameters()) == 269_722
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) + 1 == 20  # and one linear layer
    assert network(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape == (2, 10)


@pytest.mark.parametrize(("before", "after"), [(3, 3), (2, 4)])
def test_a_block_adds_its_change_to_what_came_in(before: int, after: int) -> None:
    block = Block(before, after).double().eval()
    with torch.no_grad():
        for number, p in enumerate(block.parameters()):
            p.copy_(randn(*p.shape, seed=number))
        for number, norm in enumerate((block.norm1, block.norm2)):
            norm.running_mean.copy_(randn(after, seed=20 + number))
            norm.running_var.copy_(randn(after, seed=30 + number).square() + 0.5)
    x, stride = randn(2, before, 6, 6, seed=9), 1 if before == after else 2

    def normalised(x: torch.Tensor, norm: nn.BatchNorm2d) -> torch.Tensor:
        mean, scale = norm.running_mean, norm.weight / (norm.running_var + norm.eps).sqrt()
        return (x - mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]

    inner = normalised(conv2d(x, block.first.weight, stride=stride, padding=1), block.norm1).clamp(min=0)
    change = normalised(conv2d(inner, block.second.weight, padding=1), block.norm2)
    kept = torch.zeros_like(change)
    kept[:, :before] = x[:, :, ::stride, ::stride]
    assert torch.allclose(block(x), (kept + change).clamp(min=0), rtol=1e-12, atol=1e-12)
