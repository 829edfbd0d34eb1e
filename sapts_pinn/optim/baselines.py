"""Baselines: Adam and L-BFGS of PyTorch, for the same training loop and objectives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ..objectives.flat import distinct
from .base import Closure, Optimizer, StepInfo


class Adam(torch.optim.Adam, Optimizer):
    """Adam with an exponentially decaying learning rate, x 0.98 every 1,000 steps.

    The settings are those of the self-scaled Broyden literature's warm-up (arXiv:2405.04230).
    """

    def __init__(self, params: Iterable[Tensor], lr: float = 5e-3) -> None:
        super().__init__(distinct(params), lr=lr, betas=(0.99, 0.999), eps=1e-20)
        self._schedule = torch.optim.lr_scheduler.ExponentialLR(self, 0.98 ** (1 / 1000))

    def step(self, closure: Any = None) -> Any:
        """Take a step, and lower the learning rate."""
        loss = super().step(closure)
        self._schedule.step()
        self.info = StepInfo(accepted=True, radius=self.param_groups[0]["lr"])
        return loss


class LBFGS(torch.optim.LBFGS, Optimizer):
    """L-BFGS with strong Wolfe line search and stopping tolerances 0: others fire early on PINNs."""

    def __init__(self, params: Iterable[Tensor], iterations: int = 20, history: int = 100) -> None:
        super().__init__(
            distinct(params),
            max_iter=iterations,
            max_eval=10 * iterations,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            history_size=history,
            line_search_fn="strong_wolfe",
        )

    def objective_changed(self) -> None:
        """Learn the curvature anew: the loss becomes another function."""
        self.state.clear()

    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        """Up to `iterations` steps."""
        before = [p.detach().clone() for p in self.param_groups[0]["params"]]
        loss: Tensor = torch.optim.LBFGS.step(self, closure)
        moved = any(
            not torch.equal(a, b) for a, b in zip(before, self.param_groups[0]["params"], strict=True)
        )
        self.info = StepInfo(accepted=moved, converged=not moved)
        return loss
