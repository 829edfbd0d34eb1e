"""Parameters as one flat vector, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
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


@contextmanager
def held_at(tensors: Sequence[Tensor], vector: Tensor) -> Iterator[None]:
    """Context in which the tensors have the entries of a vector [n], from which they may have moved on."""
    now = gather(tensors)
    moved = not torch.equal(now, vector)
    if moved:
        scatter_(tensors, vector)
    try:
        yield
    finally:
        if moved:
            scatter_(tensors, now)


def gradient(
    value: Tensor,
    tensors: Sequence[Tensor],
    cotangent: Tensor | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> Tensor:
    """Gradient of a value as one vector [n]; zero where it does not depend on a tensor.

    Args:
        value: What is differentiated.
        tensors: By which.
        cotangent: Of the shape of a value that is no scalar, with which it is multiplied.
        retain_graph: Whether the graph of the value is kept.
        create_graph: Whether the gradient gets a graph of its own, by which it can be differentiated again.
    """
    found = torch.autograd.grad(
        value,
        tensors,
        cotangent,
        retain_graph=retain_graph or create_graph,
        create_graph=create_graph,
        allow_unused=True,
    )
    pieces = [
        t.new_zeros(t.numel()) if g is None else g.reshape(-1) for g, t in zip(found, tensors, strict=True)
    ]
    return torch.cat(pieces)
