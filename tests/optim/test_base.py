"""What optimizers say of a step, as attributes, as a mapping, in a checkpoint; what the loop tells them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from sapts_pinn.optim import LBFGS, SAPTS, Adam, MiniBatchSAPTS, TrustRegion
from sapts_pinn.optim.base import Optimizer, StepInfo, SubdomainStats, SweepInfo
from sapts_pinn.optim.minibatch.first_order import Batched
from sapts_pinn.supervised.methods import METHODS

INFO = StepInfo(
    0.5, 0.9, True, 0.1, 0.5, sweep=SweepInfo(0.8, False, 0.2, 1.5, 4), parts=(SubdomainStats(2, gain=0.1),)
)


def test_figures_are_a_mapping_too() -> None:
    assert INFO["rho"] == INFO.rho == 0.9 and INFO["sweep"]["before"] == 1.5
    assert [part["gain"] for part in INFO["parts"]] == [0.1]
    assert dict(StepInfo(accepted=True)) == {"accepted": True, "converged": False} == StepInfo(accepted=True)
    assert "rho" not in StepInfo() and StepInfo().get("rho") is None and len(StepInfo()) == 1
    with pytest.raises(KeyError):
        StepInfo()["rho"]
    with pytest.raises(KeyError):
        INFO["as_json"]


def test_figures_go_through_a_checkpoint() -> None:
    assert StepInfo.of(json.loads(json.dumps(INFO.as_json()))) == INFO
    assert StepInfo.of(StepInfo().as_json()) == StepInfo() == StepInfo.of({})
    before = {
        "radius": 0.1,
        "rho": 0.0,
        "accepted": False,
        "predicted": 0.0,
        "length": 0.0,
        "converged": True,
    }
    assert StepInfo.of(before).as_json() == before


def parameters() -> list[nn.Parameter]:
    return [nn.Parameter(torch.ones(3)), nn.Parameter(torch.zeros(2))]


OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], Optimizer]] = {
    "TrustRegion": TrustRegion,
    "SAPTS": lambda parameters: SAPTS(parameters, "parameters", 2),
    "MiniBatchSAPTS": MiniBatchSAPTS,
    "Adam": Adam,
    "LBFGS": LBFGS,
    "Batched": lambda parameters: METHODS["sgd"].phases[0].make(parameters),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_can_be_told_what_has_changed(name: str) -> None:
    optimizer = OPTIMIZERS[name](parameters())
    assert type(optimizer).__name__ == name
    assert isinstance(optimizer, Optimizer) and optimizer.info == StepInfo()
    optimizer.objective_changed()
    optimizer.points_changed()
    optimizer.set_progress(0.5)
    optimizer.set_progress(0.5, 1e9)
    assert optimizer.count == {SAPTS: 2, MiniBatchSAPTS: 1}.get(type(optimizer), 0)
    if isinstance(optimizer, (MiniBatchSAPTS, Batched)):
        assert optimizer.used == 0.5
    if isinstance(optimizer, (SAPTS, MiniBatchSAPTS)):
        assert optimizer.deadline == 1e9
        optimizer.set_progress(0.0)
        assert optimizer.deadline == math.inf


def test_what_depends_on_the_model_of_the_curvature() -> None:
    assert TrustRegion(parameters(), "gauss-newton").threaded
    assert TrustRegion(parameters(), "gauss-newton").needs_squares
    assert not TrustRegion(parameters()).threaded and not Adam(parameters()).needs_squares


def test_an_optimizer_that_divides_nothing_says_so() -> None:
    for optimizer in (Adam(parameters()), LBFGS(parameters()), MiniBatchSAPTS(parameters())):
        assert not (optimizer.threaded or optimizer.divided or optimizer.needs_squares)
        assert optimizer.earned is None
    with pytest.raises(NotImplementedError):
        Optimizer(parameters(), {}).step(lambda: 0.0)
