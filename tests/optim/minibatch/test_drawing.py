"""Random numbers in sweeps on mini-batches: at every look at a mini-batch the same."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from draws import rng
from minibatches import STEPS, dropping, objective_of, optimizer_of
from sapts_pinn.objectives.base import Separable
from sapts_pinn.optim.minibatch.optimizer import CONTROL
from sapts_pinn.supervised import Supervised

Log = list[tuple[tuple[int, ...], float]]  # mini-batches, and what was drawn at a look


class Drawing(Separable):
    """Draws something at every look from the generator of the process, as a function of one's own may."""

    term_names, coordinates = ("loss",), Supervised.coordinates

    def __init__(self, objective: Supervised, log: Log) -> None:
        self.objective, self.log = objective, log
        self.parameters, self.counters, self.last_terms = objective.parameters, objective.counters, {}
        self.sites, self.share = objective.sites, objective.share

    def evaluate(self) -> Any:
        self.log.append((tuple(self.objective.index.tolist()), float(torch.rand(()))))
        return self.objective.evaluate()

    def restrict(self, part: Any, estimate: bool = False) -> Drawing:
        return Drawing(self.objective.restrict(part, estimate), self.log)

    def copy(self) -> Drawing:
        return Drawing(self.objective.copy(), self.log)


def noted(log: Log) -> dict[str, Any]:
    """Arguments of `Supervised`: a variation and a loss that draw, and note what, with the batch."""
    now: list[tuple[int, ...]] = []

    def vary(x: Tensor, index: Tensor) -> Tensor:
        now[:] = [tuple(index.tolist())]
        return x + 0.1 * torch.randn(x.shape, dtype=x.dtype)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        log.append((now[0], float(torch.rand(()))))
        return nn.functional.cross_entropy(outputs, targets) * (1.0 + 0.1 * torch.rand(()))

    return {"vary": vary, "loss": loss}


@pytest.mark.parametrize("decomposition", ["data", "parameters"])
@pytest.mark.parametrize("what", ["objective", "closures"])
def test_every_look_at_a_mini_batch_draws_the_same(decomposition: str, what: str) -> None:
    """Whatever the local step, part or radius; the control always the same, and the next sweep others."""
    log: Log = []
    own = what == "objective"
    whole = objective_of(decomposition, dropping, **({} if own else noted(log)))
    objective: Any = Drawing(whole, log) if own else whole
    optimizer = optimizer_of(objective, decomposition, 2, local_steps=2)
    before, first, seen = torch.get_rng_state(), dict[Any, float](), set[float]()
    for sweep in range(3):
        log.clear()
        optimizer.step(objective)
        found: dict[tuple[int, ...], set[float]] = {}
        for batch, number in log:
            found.setdefault(batch, set()).add(number)
        assert all(len(numbers) == 1 for numbers in found.values())
        assert len(log) >= (2 if decomposition == "data" else 4) * (len(found) - CONTROL) + CONTROL
        numbers = {batch: drawn.pop() for batch, drawn in found.items()}
        control = {
            key: numbers.pop(key) for key in (tuple(b["samples"].tolist()) for b in optimizer._control)
        }
        first = first or control
        assert control == first and len({*control.values()}) == CONTROL
        assert len({*numbers.values()}) == len(numbers) >= STEPS // 2  # each its own
        assert not own or not seen & {*numbers.values()}
        seen |= {*numbers.values()}
        assert sweep == 0 or len(numbers) == STEPS * optimizer.sweep.sequences
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_drawn_at_a_mini_batch_of_the_control_depends_on_its_number_alone() -> None:
    """Ranks share the mini-batches of the control, and get the bits that one process gets."""
    log: Log = []
    objective: Any = Drawing(objective_of("data"), log)
    optimizer = optimizer_of(objective, "data", 2)
    optimizer.step(objective)
    log.clear()
    optimizer._value(objective)
    indices = [tuple(batch["samples"].tolist()) for batch in optimizer._control]
    numbers = [float(torch.rand((), generator=rng(i))) for i in range(CONTROL)]
    assert log == list(zip(indices, numbers, strict=True))
