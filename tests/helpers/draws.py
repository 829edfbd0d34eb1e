"""Seeded random numbers, for every test."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def randn(*shape: int, seed: int = 0) -> Tensor:
    """Normal numbers in float64."""
    return torch.randn(*shape, generator=rng(seed), dtype=torch.float64)
