"""Examination of gradients: right ones pass, also at a minimum and beside kinks; others are told."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor, nn

from sapts_pinn.objectives.base import Evaluation, Objective
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.optim.minibatch.examination import is_wrong
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.supervised import Supervised

Change = Callable[[Tensor], Tensor]


class Look(Evaluation):
    """With the gradient changed."""

    def __init__(self, evaluation: Evaluation, change: Change) -> None:
        self.evaluation, self.change, self.value = evaluation, change, evaluation.value

    def gradient(self) -> Tensor:
        return self.change(self.evaluation.gradient())


class Changed(Objective):
    """An objective with its gradient changed."""

    def __init__(self, objective: Objective, change: Change) -> None:
        self.objective, self.change, self.parameters = objective, change, objective.parameters
        self.counters, self.last_terms = objective.counters, {}

    def evaluate(self) -> Evaluation:
        return Look(self.objective.evaluate(), self.change)


def elsewhere(g: Tensor) -> Tensor:
    """A direction that has nothing to do with it, as long."""
    d = torch.randn(len(g), generator=Generator().manual_seed(5), dtype=torch.float64).to(g)
    return d * (g.norm() / d.norm())


CHANGES: dict[str, tuple[Change, bool]] = {
    "right": (lambda g: g, False),
    "another length": (lambda g: 3.0 * g, False),
    "reversed": (lambda g: -g, True),
    "elsewhere": (elsewhere, True),
    "not finite": (lambda g: g * math.nan, False),
    "zero": (torch.zeros_like, False),
}


def classes(kind: type[nn.Module], dtype: torch.dtype) -> Supervised:
    torch.manual_seed(0)
    x = torch.randn(60, 4, generator=Generator().manual_seed(1), dtype=torch.float64)
    net = nn.Sequential(nn.Linear(4, 30), kind(), nn.Dropout(0.3), nn.BatchNorm1d(30), nn.Linear(30, 3))
    return Supervised(net.to(dtype), x.to(dtype), (3 * x[:, 0].sigmoid()).long())


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", [nn.Tanh, nn.ReLU])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("trained", [0, 300])
def test_gradients_of_a_network(change: str, kind: type[nn.Module], dtype: torch.dtype, trained: int) -> None:
    """At the start, and where it is trained to a loss of nearly nothing."""
    objective = classes(kind, dtype)
    adam = torch.optim.Adam(objective.parameters, lr=1e-2)
    for _ in range(trained):
        adam.step(objective)
    theta, (how, wrong) = gather(objective.parameters), CHANGES[change]
    assert is_wrong(Changed(objective, how), objective.parameters, SingleProcess(), False) is wrong
    assert torch.equal(gather(objective.parameters), theta)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_is_told_where_nothing_can_be_told(dtype: torch.dtype) -> None:
    """At the minimum of a linear problem what is left of the gradient is rounding."""
    x = torch.randn(80, 5, generator=Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    y = x @ torch.randn(5, 2, generator=Generator().manual_seed(1), dtype=torch.float64).to(dtype)
    y += torch.randn(80, 2, generator=Generator().manual_seed(2), dtype=torch.float64).to(dtype)
    objective = Supervised(nn.Linear(5, 2, bias=False).to(dtype), x, y, "mse")
    scatter_(objective.parameters, torch.linalg.lstsq(x, y).solution.T.reshape(-1))
    assert not is_wrong(objective, objective.parameters, SingleProcess(), False)
    zero = torch.zeros_like(gather(objective.parameters))
    scatter_(objective.parameters, zero)  # no length is a share of zero
    assert not is_wrong(objective, objective.parameters, SingleProcess(), False)
