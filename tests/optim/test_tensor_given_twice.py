"""A tensor that is given twice to an optimizer or an objective is one variable."""

import pytest
import torch
from torch import Tensor

from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.flat import distinct
from sapts_pinn.optim import SAPTS, TrustRegion
from sapts_pinn.optim.baselines import LBFGS, Adam

OPTIMIZERS = {
    "trust region": TrustRegion,
    "limited memory": lambda p: TrustRegion(p, "lbfgs"),
    "blocks": lambda p: SAPTS(p, "parameters", parts=1),
    "Adam": Adam,
    "L-BFGS": LBFGS,
}


def trained(name: str, repeated: bool) -> tuple[list[float], Tensor]:
    w, b = (torch.full((n,), 0.5, dtype=torch.float64, requires_grad=True) for n in (3, 2))
    optimizer = OPTIMIZERS[name]([w, b, w, w] if repeated else [w, b])

    def closure() -> Tensor:
        optimizer.zero_grad()
        with torch.enable_grad():
            loss = (w**4).sum() + ((b - w[:2]) ** 2).sum() + (b - 1).cosh().sum()
            loss.backward()
        return loss

    losses = [float(torch.as_tensor(optimizer.step(closure)).detach()) for _ in range(8)]
    return losses, torch.cat([w, b]).detach()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_take_it_once(name):
    once, there = trained(name, False)
    again, here = trained(name, True)
    assert once == again and torch.equal(there, here)
    assert once[-1] < once[0]


def test_objectives_take_it_once():
    w = torch.ones(3, requires_grad=True)

    def closure() -> Tensor:
        w.grad = None
        loss = (w**2).sum()
        loss.backward()
        return loss

    objective = ClosureObjective(closure, [w, w])
    value, gradient = objective.value_and_grad()
    assert objective.parameters == [w]
    assert value == 3.0 and torch.equal(gradient, 2 * torch.ones(3))


def test_the_first_place_counts_and_equal_tensors_are_two():
    a, b = torch.ones(2), torch.ones(2)
    found = distinct([b, a, b])
    assert len(found) == 2 and found[0] is b and found[1] is a
