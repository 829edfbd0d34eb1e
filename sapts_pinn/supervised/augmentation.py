"""Pictures varied at random, the same way at every look until they are drawn anew.

What is drawn belongs to the samples and not to the batches they come in: parts of a batch see the same
pictures as the whole, and a loss before and after a step is of the same ones.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from ..errors import InputError


class CropAndFlip:
    """Shifts by up to some pixels, and mirrors half of the pictures (Krizhevsky, Sutskever & Hinton, 2012).

    Args:
        count: Number of samples.
        generator: Source of randomness.
        shift: In pixels, up to which a picture is moved in every direction; what comes in is black.
        flip: Whether to mirror.

    Raises:
        InputError: The shift is negative.
    """

    def __init__(self, count: int, generator: Generator, shift: int = 4, flip: bool = True) -> None:
        if shift < 0:
            raise InputError(f"shift must not be negative, and is {shift}")
        self.count, self.generator, self.shift, self.flip = count, generator, shift, flip
        self.draw()

    def draw(self) -> None:
        """Anew for all samples."""
        side = 2 * self.shift + 1
        self.offsets = torch.randint(side, (self.count, 2), generator=self.generator)
        self.mirrored = torch.randint(2, (self.count,), generator=self.generator).bool() & self.flip

    def __call__(self, pictures: Tensor, index: Tensor) -> Tensor:
        """Pictures [N, C, H, W] of the samples index [N], varied."""
        height, width = pictures.shape[-2:]
        rows = self.offsets[index, :1] + torch.arange(height)
        columns = torch.arange(width).expand(len(index), -1)
        columns = torch.where(self.mirrored[index, None], columns.flip(1), columns) + self.offsets[index, 1:]
        padded = pad(pictures, [self.shift] * 4)
        samples, channels = torch.arange(len(index)), torch.arange(pictures.shape[1])
        return padded[
            samples[:, None, None, None],
            channels[:, None, None],
            rows[:, None, :, None],
            columns[:, None, None],
        ]

    def state_dict(self) -> dict[str, Tensor]:
        """Offsets and mirrorings that were drawn, and the state of the generator."""
        return {"offsets": self.offsets, "mirrored": self.mirrored, "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take over a saved state."""
        self.offsets, self.mirrored = state["offsets"], state["mirrored"]
        self.generator.set_state(state["generator"])
