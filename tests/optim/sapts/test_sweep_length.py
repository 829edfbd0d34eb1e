"""The radius bounds the correction of a sweep, whatever combines it, in whatever order."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from draws import randn
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.flat import gather
from sapts_pinn.optim import SAPTS, Sweep
from sapts_pinn.optim.methods import METHODS
from sapts_pinn.optim.sapts.combine import COMBINATIONS
from sapts_pinn.optim.sapts.settings import ORDERS


def rosenbrock(tensors: list[nn.Parameter]) -> ClosureObjective:
    def closure() -> Tensor:
        for t in tensors:
            t.grad = None
        x = torch.cat([t.reshape(-1) for t in tensors])
        f = (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
        f.backward()
        return f

    return ClosureObjective(closure, tensors)


@pytest.mark.parametrize("combination", COMBINATIONS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("adaptive", [True, False])
def test_a_correction_is_no_longer_than_the_radius(combination: str, order: str, adaptive: bool) -> None:
    """In the Euclidean norm where the models measure by it, tried or taken."""
    x = [nn.Parameter(randn(4, seed=i)) for i in range(3)]
    objective = rosenbrock(x)
    sweep = Sweep("tensors", local_steps=6, adaptive=adaptive, order=order, visits=0, combination=combination,
                  global_steps=1)  # fmt: skip
    optimizer = SAPTS(x, "parameters", 3, "lsr1", 0.3, sweep)
    seen = 0
    for _ in range(30):
        before = gather(x)
        optimizer.step(objective)
        swept = optimizer.info.sweep
        if swept is None:
            continue
        seen += 1
        assert swept.length <= swept.radius * (1 + 1e-9) and math.isfinite(swept.radius)
        if swept.accepted and not optimizer.info.accepted:
            assert float((gather(x) - before).norm()) <= swept.radius * (1 + 1e-9)
    assert seen >= 2


@pytest.mark.parametrize("name", ["thesis-sapts-p"])
def test_published_sweeps_stay_within_the_published_radius(name: str) -> None:
    x = [nn.Parameter(randn(4, seed=i)) for i in range(3)]
    objective = rosenbrock(x)
    optimizer = METHODS[name].phases[0].make(x, parts=3)
    for _ in range(60):
        radius = optimizer.radius
        optimizer.step(objective)
        swept = optimizer.info.sweep
        assert swept is not None and swept.radius == radius and swept.length <= radius * (1 + 1e-9)
        assert 0.001 <= optimizer.radius <= 2.0
