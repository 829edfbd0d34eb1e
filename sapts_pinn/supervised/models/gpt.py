"""A small transformer that says which character comes next (Radford et al., 2019; pre-norm)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu


class Embedding(nn.Module):
    """Characters and their places as vectors.

    Args:
        characters: Number of different ones.
        length: Of the longest piece of text.
        width: Of the vectors.
    """

    def __init__(self, characters: int, length: int, width: int) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(characters, width), nn.Embedding(length, width)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T] to [N, T, width]."""
        vectors: Tensor = self.token(x) + self.place(torch.arange(x.shape[1], device=x.device))
        return vectors


class Block(nn.Module):
    """Attention to what came before, then a perceptron; both are added to what comes in.

    Args:
        width: Of the vectors.
        heads: Number of heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, width]."""
        x = x + self.out(self._attend(self.into(self.norm1(x))))
        added: Tensor = self.narrow(gelu(self.wide(self.norm2(x))))
        return x + added

    def _attend(self, x: Tensor) -> Tensor:
        # Written out: PyTorch's fused attention cannot be differentiated twice.
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in x.chunk(3, -1))
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
        scores = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).masked_fill(later, -math.inf)
        mean: Tensor = scores.softmax(-1) @ v
        return mean.transpose(1, 2).flatten(-2)


class GPT(nn.Sequential):
    """Scores [N, T, characters] of the next character for characters [N, T]; 212,545 parameters by default.

    Args:
        characters: Number of different ones.
        length: Of the longest piece of text.
        width: Of the vectors.
        blocks: Number of blocks.
        heads: Of each.
    """

    def __init__(
        self, characters: int = 65, length: int = 64, width: int = 64, blocks: int = 4, heads: int = 4
    ) -> None:
        super().__init__(
            Embedding(characters, length, width),
            *(Block(width, heads) for _ in range(blocks)),
            nn.LayerNorm(width),
            nn.Linear(width, characters),
        )
        self.length = length
        for name, p in self.named_parameters():
            if p.dim() > 1:
                deep = name.endswith(("out.weight", "narrow.weight"))
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * blocks if deep else 1))
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    @torch.no_grad()
    def generate(
        self, start: Tensor, count: int, generator: torch.Generator, temperature: float = 1.0
    ) -> Tensor:
        """Go on with a text.

        Args:
            start: Characters [T].
            count: How many to add.
            generator: Source of randomness.
            temperature: Scores are divided by it: below 1 likely characters become likelier.

        Returns:
            [T + count].
        """
        text = start
        for _ in range(count):
            scores = self(text[None, -self.length :])[0, -1] / temperature
            text = torch.cat([text, torch.multinomial(scores.softmax(-1), 1, generator=generator)])
        return text
