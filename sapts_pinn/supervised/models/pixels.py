"""First layer of all networks of pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Pixels(nn.Module):
    """Bytes 0 ... 255 as numbers of mean 0 and variance 1 over the data.

    Args:
        mean: Of each channel, on the scale 0 ... 1.
        std: Its standard deviation.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W]."""
        return (x.to(self.mean.dtype) / 255.0 - self.mean) / self.std


MNIST = (0.1307,), (0.3081,)
CIFAR10 = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
