"""Methods for samples by name: what each row makes, and names that are unknown."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sapts_pinn.errors import InputError
from sapts_pinn.optim import methods as of_problems
from sapts_pinn.optim.base import Optimizer
from sapts_pinn.optim.curvature import LBFGS, GaussNewton
from sapts_pinn.optim.minibatch.first_order import Batched
from sapts_pinn.optim.minibatch.optimizer import MiniBatchSAPTS
from sapts_pinn.optim.sapts.optimizer import SAPTS
from sapts_pinn.supervised.methods import BATCH, METHODS, MICRO_BATCH, ON_MICRO_BATCHES, find


def made(name: str, **options: object) -> Optimizer:
    (phase,) = METHODS[name].phases
    return phase.make([nn.Parameter(torch.ones(4, 3)), nn.Parameter(torch.ones(4))], **options)


@pytest.mark.parametrize("name", METHODS)
def test_methods_on_micro_batches_vary_the_samples_themselves(name: str) -> None:
    """The others draw anew at a resample."""
    optimizer = made(name)
    micro = isinstance(optimizer, (MiniBatchSAPTS, Batched))
    assert micro == (name in ON_MICRO_BATCHES) == (METHODS[name].phases[0].resample == 0)
    if isinstance(optimizer, (SAPTS, MiniBatchSAPTS)):
        assert optimizer.decomposition.name == METHODS[name].divides


@pytest.mark.parametrize(("name", "curvature"), [("tr", LBFGS), ("tr-gauss-newton", GaussNewton)])
def test_a_trust_region_is_one_part_without_local_steps_on_growing_batches(
    name: str, curvature: type
) -> None:
    optimizer = made(name)
    assert isinstance(optimizer, SAPTS) and type(optimizer.curvature) is curvature
    assert (optimizer.count, optimizer.sweep.local_steps, optimizer.sweep.batch) == (1, 0, BATCH)
    given = made(name, batch=0.5, radius=0.25)
    assert isinstance(given, SAPTS) and (given.sweep.batch, given.radius) == (0.5, 0.25)
    assert made(name).curvature is not optimizer.curvature  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "kind", "rate"),
    [("sgd", torch.optim.SGD, 0.1), ("adam", torch.optim.Adam, 1e-3), ("adamw", torch.optim.AdamW, 1e-3)],
)
def test_first_order_methods_are_those_of_pytorch(name: str, kind: type, rate: float) -> None:
    optimizer = made(name)
    assert isinstance(optimizer, Batched) and type(optimizer.inner) is kind
    assert (optimizer.lr, optimizer.batches.size, optimizer.decay) == (rate, MICRO_BATCH, True)
    assert optimizer.inner.param_groups[0].get("momentum", 0.0) == (0.9 if name == "sgd" else 0.0)
    given = made(name, lr=0.5, batch=7, decay=False)
    assert isinstance(given, Batched) and (given.lr, given.batches.size, given.decay) == (0.5, 7, False)


def test_the_published_methods_are_those_of_problems() -> None:
    for name in ("thesis-sapts-d", "thesis-sapts-p", "thesis-sapts-ip"):
        assert METHODS[name] is of_problems.METHODS[name]


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    assert find("adam") is METHODS["adam"]
    with pytest.raises(
        InputError, match=r"^there is no method 'adamx' for samples; did you mean 'adamw?'\?$"
    ):
        find("adamx")
    with pytest.raises(
        InputError, match="no method 'quasi' for samples; choose one of sapts-d, sapts-p, sapts-ip"
    ):
        find("quasi")
