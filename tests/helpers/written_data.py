"""Data as people write them: kinked, opaque to autograd, and a heat equation that starts from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Dirichlet, Initial, Problem


def hat(x: Tensor) -> Tensor:
    """Two slopes that meet at 0.3."""
    return torch.where(x < 0.3, x / 0.3, (1 - x) / 0.7)


def opaque(function: Callable[[Any], Any]) -> Callable[[Tensor], Tensor]:
    """A function of NumPy, which autograd cannot see through."""
    return lambda x: torch.as_tensor(function(x.detach().numpy()))


def heat(initial: Any, until: float = 1.0, **options: Any) -> Problem:
    """Heat on [0, 1] between cold ends, from given initial values."""
    conditions = [Dirichlet("u", 0.0, on="x"), Initial("u", initial, **options)]
    return Problem(Interval(0, 1) * Time(0, until), "u", lambda u: u.t - u.xx, conditions)
