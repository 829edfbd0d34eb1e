"""A classifier with everything that a look draws or changes, and optimizers of its mini-batches."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor, nn

from sapts_pinn.objectives.base import Separable
from sapts_pinn.objectives.flat import gather
from sapts_pinn.optim.minibatch.optimizer import MiniBatchSAPTS
from sapts_pinn.pipeline.stages import StageChain
from sapts_pinn.supervised import StagedSupervised, Supervised

COUNT, BATCH, STEPS, RADIUS = 120, 10, 4, 0.02


def inputs(count: int = COUNT) -> tuple[Tensor, Tensor]:
    """Points of the plane, and on which side of a curve they are."""
    x = torch.randn(count, 2, generator=Generator().manual_seed(1), dtype=torch.float64)
    return x, (x[:, 1] > x[:, 0] ** 2 - 0.5).long()


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 7), nn.Tanh(), nn.Linear(7, 6), nn.Tanh(), nn.Linear(6, 2)).double()


def dropping() -> nn.Module:
    """With everything that a look draws or changes."""
    first, last = (
        [nn.Linear(2, 12, bias=False), nn.BatchNorm1d(12), nn.Tanh()],
        [nn.Dropout(0.3), nn.Linear(12, 2)],
    )
    return nn.Sequential(*first, nn.Linear(12, 12, bias=False), nn.BatchNorm1d(12), nn.Tanh(), *last).double()


def objective_of(
    decomposition: str, net: Callable[[], nn.Module] = plain, parts: int = 3, **more: Any
) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        whole = Supervised(net(), *inputs(), **more)
    return StagedSupervised(whole, StageChain(whole.module, parts)) if decomposition == "stages" else whole


def optimizer_of(objective: Separable, decomposition: str, parts: int = 3, **options: Any) -> MiniBatchSAPTS:
    options = {"batch": BATCH, "steps": STEPS, "radius": RADIUS, **options}
    return MiniBatchSAPTS(objective.parameters, decomposition, parts, **options)


def both(
    decomposition: str, net: Callable[[], nn.Module] = plain, parts: int = 3, **options: Any
) -> tuple[Any, MiniBatchSAPTS]:
    objective = objective_of(decomposition, net, parts)
    return objective, optimizer_of(objective, decomposition, parts, **options)


def held(n: int) -> float:
    """What tensors hold in memory, in vectors of n numbers; small ones apart."""
    tensors = [t for t in gc.get_objects() if type(t) in (Tensor, nn.Parameter)]
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return sum(size for size in storages.values() if size > n) / (8 * n)


def state_of(objective: Any, optimizer: MiniBatchSAPTS) -> list[Tensor]:
    moments = optimizer.moments
    return [
        gather(objective.parameters), *(b.clone() for b in objective.buffers()), torch.get_rng_state(),
        moments.m.clone(), moments.v.clone(), torch.tensor(moments.count),
    ]  # fmt: skip


def unchanged(before: list[Tensor], after: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def uphill(outputs: Tensor, targets: Tensor) -> Tensor:
    """A loss whose gradient points the wrong way."""
    loss = nn.functional.cross_entropy(outputs, targets)
    return 2.0 * loss.detach() - loss
