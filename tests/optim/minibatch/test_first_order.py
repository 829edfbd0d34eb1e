"""First-order methods on mini-batches: PyTorch's steps, a rate that falls to zero, runs that go on."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from torch import Generator, nn

from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.flat import gather
from sapts_pinn.optim.minibatch.batches import MiniBatches
from sapts_pinn.optim.minibatch.first_order import Batched
from sapts_pinn.optim.minibatch.optimizer import MiniBatchSAPTS
from sapts_pinn.supervised import Supervised
from sapts_pinn.supervised.methods import METHODS

NAMES = ("sgd", "adam", "adamw")
RATE, BATCH = 0.01, 8


def classes() -> Supervised:
    """Ten batches and a rest."""
    torch.manual_seed(0)
    x = torch.randn(83, 4, generator=Generator().manual_seed(1), dtype=torch.float64)
    net = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.2), nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))
    return Supervised(net.double(), x, (x[:, 0] > 0).long() + (x[:, 1] > 1).long())


def make(name: str, objective: Supervised, **options: Any) -> Batched:
    optimizer = METHODS[name].phases[0].make(objective.parameters, lr=RATE, batch=BATCH, **options)
    assert isinstance(optimizer, Batched)
    return optimizer


@pytest.mark.parametrize("decay", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_steps_are_those_of_pytorch(name: str, decay: bool) -> None:
    """With a rate that falls to zero, and stays there, as the budget is spent; or does not."""
    objective, other = classes(), classes()
    optimizer, drawn = make(name, objective, decay=decay), MiniBatches(BATCH, Generator().manual_seed(0))
    kind, options = {
        "sgd": (torch.optim.SGD, {"momentum": 0.9}),
        "adam": (torch.optim.Adam, {}),
        "adamw": (torch.optim.AdamW, {}),
    }[name]
    reference = kind(other.parameters, lr=RATE, **options)
    for used in (0.0, 0.25, 0.5, 0.99, 1.0, 1.5):
        batch = drawn.draw(other)["samples"]
        restricted = other.restrict({"samples": batch}, estimate=True)
        reference.param_groups[0]["lr"] = rate = RATE * max(1 - used, 0) if decay else RATE
        expected, before = float(reference.step(restricted)), gather(objective.parameters)
        optimizer.set_progress(used)
        loss = float(optimizer.step(objective))
        assert loss == expected == objective.last_terms["loss"]
        assert optimizer.info == {"accepted": True, "radius": rate, "converged": False}
        assert torch.equal(gather(objective.parameters), gather(other.parameters))
        assert torch.equal(gather(objective.parameters), before) == (rate == 0)


@pytest.mark.parametrize("name", NAMES)
def test_steps_that_were_saved_go_on(name: str) -> None:
    """Across the end of an epoch, and of a rate that has fallen already."""
    objective, optimizer = classes(), None
    optimizer = make(name, objective)
    for k in range(16):
        if k == 7:
            file = io.BytesIO()
            torch.save((objective.module.state_dict(), optimizer.state_dict()), file)
        optimizer.set_progress(k / 16)
        optimizer.step(objective)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    again = classes()
    other = make(name, again)
    again.module.load_state_dict(state[0])
    other.load_state_dict(state[1])
    for k in range(7, 16):
        other.set_progress(k / 16)
        other.step(again)
    assert torch.equal(gather(again.parameters), gather(objective.parameters))
    for a, b in zip(again.buffers(), objective.buffers(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("closure", [lambda: 0.0, ClosureObjective(lambda: 0.0, [])])
def test_an_objective_without_samples_is_refused(closure: Any) -> None:
    with pytest.raises(
        TypeError, match="mini-batches need an objective that knows its samples, such as Supe"
    ):
        make("adam", classes()).step(closure)


def test_batches_are_as_large_as_those_of_sapts() -> None:
    """Default sizes agree, so that the methods can be compared."""
    parameters = classes().parameters
    size = MiniBatchSAPTS(parameters).batches.size
    assert Batched(parameters, torch.optim.SGD(parameters, lr=RATE)).batches.size == size
    for name in NAMES:
        optimizer = METHODS[name].phases[0].make(parameters)
        assert isinstance(optimizer, Batched)
        assert optimizer.batches.size == size
