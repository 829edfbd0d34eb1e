"""Parameters as one flat vector, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

Given = TypeVar("Given")


def distinct(tensors: Iterable[Given]) -> list[Given]:
    """List tensors in order, without repetitions: a tensor given twice is one variable."""
    return list({id(t): t for t in tensors}.values())


def gather(tensors: Sequence[Tensor]) -> Tensor:
    """Copy the entries of tensors, in order, into a contiguous vector [n]."""
    return torch.cat([t.detach().reshape(-1) for t in tensors])


def scatter_(tensors: Sequence[Tensor], vector: Tensor) -> None:
    """Write a vector [n] back into the tensors, in place."""
    with torch.no_grad():
        for t, piece in zip(tensors, vector.split([t.numel() for t in tensors]), strict=True):
            t.copy_(piece.view_as(t))


def gather_gradients(tensors: Sequence[Tensor]) -> Tensor:
    """The gradients as one vector [n]; zero where a tensor has none."""
    gradients = [torch.zeros_like(t) if t.grad is None else t.grad.detach() for t in tensors]
    return torch.cat([(g.to_dense() if g.is_sparse else g).reshape(-1) for g in gradients])


def scatter_gradients(tensors: Sequence[Tensor], vector: Tensor) -> None:
    """Set the tensors' gradients from a vector [n]."""
    for t, piece in zip(tensors, vector.split([t.numel() for t in tensors]), strict=True):
        t.grad = piece.view_as(t).clone()
