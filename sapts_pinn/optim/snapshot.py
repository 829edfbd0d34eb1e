"""Snapshot of what evaluations change besides their result: random numbers, buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..objectives.base import Objective


class Snapshot:
    """Snapshot of the random number generators and of an objective's buffers.

    It is restored before every trial, so that dropout draws the same units at both ends of a step, and after
    a rejection.
    """

    def __init__(self, objective: Objective, device: torch.device) -> None:
        self.objective, self.device = objective, device
        self.random = torch.get_rng_state()
        self.random_there = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
        self.buffers = copied(objective)

    def restore(self) -> None:
        """Put generators and buffers back."""
        torch.set_rng_state(self.random)
        if self.random_there is not None:
            torch.cuda.set_rng_state(self.random_there, self.device)
        put_back(self.objective, self.buffers)


def copied(objective: Objective) -> list[Tensor]:
    """Return copies of the objective's buffers."""
    return [b.clone() for b in objective.buffers()]


def put_back(objective: Objective, values: Sequence[Tensor]) -> None:
    """Give the objective's buffers these values."""
    for buffer, value in zip(objective.buffers(), values, strict=True):
        buffer.copy_(value)


def placed(state: object, device: torch.device) -> Any:
    """Return a saved state, nested dictionaries and sequences, with all its tensors on a device.

    Files are read on the processor, whatever device they were written from.
    """
    if isinstance(state, Tensor):
        return state.to(device)
    if isinstance(state, Mapping):
        return {key: placed(value, device) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(placed(value, device) for value in state)
    return state
