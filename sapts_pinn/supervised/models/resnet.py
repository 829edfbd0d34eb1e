"""ResNet-20 for CIFAR-10 (He, Zhang, Ren & Sun, arXiv:1512.03385, section 4.2)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import pad, relu

from .pixels import CIFAR10, Pixels


class Block(nn.Module):
    """x + F(x), F two convolutions; where the channels double, x is thinned and padded by zeros.

    Args:
        before: Channels that come in.
        after: Channels that go out.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.stride, self.more = (1 if before == after else 2), after - before
        self.first = nn.Conv2d(before, after, 3, self.stride, 1, bias=False)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(after), nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W]."""
        change = self.norm2(self.second(relu(self.norm1(self.first(x)))))
        kept = pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.more))
        return relu(kept + change)


class ResNet(nn.Sequential):
    """Residual network of depth 6 n + 2: ResNet-20 by default, 269,722 parameters.

    Args:
        blocks: n, residual blocks of each of the three sizes.
        width: Channels of the first.
        classes: Number of classes.
    """

    def __init__(self, blocks: int = 3, width: int = 16, classes: int = 10) -> None:
        layers: list[nn.Module] = [
            Pixels(*CIFAR10),
            nn.Conv2d(3, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        before = width
        for size in range(3):
            for _ in range(blocks):
                after = width * 2**size
                layers.append(Block(before, after))
                before = after
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))
