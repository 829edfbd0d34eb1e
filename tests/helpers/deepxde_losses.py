"""Losses of DeepXDE models as objectives, by our code and by DeepXDE's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from sapts_pinn.deepxde import DeepXDEObjective

Build = Callable[..., Any]
DIVISIBLE = [
    "burgers",
    "every-condition",
    "periodic",
    "inverse",
    "inverse-batches",
    "operator",
    "operator-product",
    "fitting",
]
WEIGHTED = {"burgers": [2.0, 3.0, 0.5], "every-condition": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}


def trained(model: Any) -> list[Tensor]:
    variables = [model.coefficient] if hasattr(model, "coefficient") else []
    return [*model.net.parameters(), *variables]


def objective_of(model: Any, name: str = "") -> DeepXDEObjective:
    return DeepXDEObjective(model, loss_weights=WEIGHTED.get(name), parameters=trained(model))


def close(a: Tensor, b: Tensor, tolerance: float = 1e-12) -> bool:
    return float((a - b).norm()) <= tolerance * float(b.norm() + 1.0)
