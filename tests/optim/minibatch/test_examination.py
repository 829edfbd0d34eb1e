"""Examination of gradients: right ones pass, also at a minimum and beside kinks; others are told."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from minibatches import both, dropping, state_of, unchanged, uphill
from sapts_pinn.objectives.base import Evaluation, Objective
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.optim.base import WrongGradient
from sapts_pinn.optim.minibatch.examination import is_wrong
from sapts_pinn.optim.sapts import DECOMPOSITIONS
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


# -- in a run ---------------------------------------------------------------------------------------------


def reverse(objective: Any, loss: Callable[[Tensor, Tensor], Tensor] = uphill) -> None:
    """Let the gradient of a network's loss be another from now on."""
    getattr(objective, "whole", objective).loss = loss


def repeat(count: int, sweep: Callable[[], object]) -> None:
    for _ in range(count):
        sweep()


@pytest.mark.parametrize("right", [0, 6])
@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_a_reversed_gradient_ends_the_run(decomposition: str, right: int) -> None:
    """Within three sweeps, at the best state that there was, after a fall over some sweeps or none."""
    objective, optimizer = both(decomposition, dropping, 2, steps=16)
    kept, best = state_of(objective, optimizer), math.inf

    def sweep() -> None:
        nonlocal kept, best
        optimizer.step(objective)
        if optimizer.info["accepted"] and optimizer.acceptance.values[-1] < best:
            kept, best = state_of(objective, optimizer), optimizer.acceptance.values[-1]

    for _ in range(right):
        sweep()
    assert right == 0 or best < 0.6 * optimizer.acceptance.first
    reverse(objective)
    with pytest.raises(WrongGradient, match=r"^the loss does not fall against its gradient, at whatever len"):
        repeat(3, sweep)
    found = state_of(objective, optimizer)
    weights = len(found) - 3  # the parameters, buffers and random numbers; of the moments nothing is kept
    assert unchanged(kept[:weights], found[:weights]) and optimizer.moments.count == 0
    reverse(objective, nn.functional.cross_entropy)
    reached = optimizer.acceptance.best
    for k in range(6):
        optimizer.set_progress(k / 6)
        optimizer.step(objective)
    assert optimizer.acceptance.best < reached


@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_sweeps_that_are_too_long_are_no_fault_of_the_gradient(decomposition: str) -> None:
    objective, optimizer = both(decomposition, dropping)
    for _ in range(3):
        optimizer.step(objective)
    before = state_of(objective, optimizer)
    optimizer.radius = 1e3
    for _ in range(7):
        optimizer.step(objective)
        assert not optimizer.info["accepted"] and unchanged(before, state_of(objective, optimizer))
        assert optimizer.acceptance.rises == 0  # the gradient was examined and is trusted
    assert optimizer.radius == 1e3 / 2**7
