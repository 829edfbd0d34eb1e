"""Snapshot of what evaluations change besides their result: random numbers, buffers."""

from __future__ import annotations

import torch

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
        self.buffers = [b.clone() for b in objective.buffers()]

    def restore(self) -> None:
        """Put generators and buffers back."""
        torch.set_rng_state(self.random)
        if self.random_there is not None:
            torch.cuda.set_rng_state(self.random_there, self.device)
        for buffer, value in zip(self.objective.buffers(), self.buffers, strict=True):
            buffer.copy_(value)
