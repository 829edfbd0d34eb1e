"""Sweeps on mini-batches against Adam written down from the paper: data, blocks, stages."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from minibatches import (
    BATCH,
    COUNT,
    RADIUS,
    STEPS,
    both,
    dropping,
    held,
    inputs,
    objective_of,
    optimizer_of,
    plain,
)
from sapts_pinn.objectives.base import Separable
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.optim.minibatch import optimizer as minibatch
from sapts_pinn.optim.minibatch.batches import Batch, MiniBatches
from sapts_pinn.optim.minibatch.moments import BETAS, EPS, Moments
from sapts_pinn.optim.minibatch.optimizer import CONTROL, MiniBatchSAPTS
from sapts_pinn.optim.radius import RadiusRule
from sapts_pinn.optim.sapts import DECOMPOSITIONS

LOCAL: dict[str, dict[str, Any]] = {"data": {}, "parameters": {}, "stages": {"local_steps": 2}}


@pytest.fixture
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """The radius given is taken."""

    def given(rule: RadiusRule, value: Callable[[float], float], start: float, before: float) -> float:
        value(start)
        return start

    monkeypatch.setattr(RadiusRule, "first", given)
    monkeypatch.setattr(minibatch, "SEARCH", 1.0)


def drawn(objective: Separable, count: int) -> list[Batch]:
    """The mini-batches that follow those of the control."""
    batches = MiniBatches(BATCH, Generator().manual_seed(0))
    for _ in range(CONTROL):
        batches.draw(objective)
    return [batches.draw(objective) for _ in range(count)]


def walk(
    objective: Separable, theta: Tensor, batches: list[Batch], block: Tensor, local_steps: int = 1
) -> tuple[Tensor, Tensor, Tensor]:
    """Adam on a block, written down from the paper: where it leads, m and v, all [n]."""
    z, m, v, (b1, b2), count = theta.clone(), torch.zeros_like(theta), torch.zeros_like(theta), BETAS, 0
    mask = torch.zeros_like(theta).index_fill(0, block, 1.0)
    for batch in batches:
        for _ in range(local_steps):
            scatter_(objective.parameters, z)
            g = mask * objective.restrict(batch, estimate=True).value_and_grad()[1]
            m, v, count = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g, count + 1
            z = z - RADIUS * mask * (m / (1 - b1**count)) / ((v / (1 - b2**count)).sqrt() + EPS)
    scatter_(objective.parameters, theta)
    return z, m, v


def agree(optimizer: MiniBatchSAPTS, theta: Tensor, m: Tensor, v: Tensor) -> None:
    assert optimizer.info["accepted"]
    assert torch.allclose(gather(optimizer.parameters), theta, rtol=1e-12, atol=1e-12)
    assert torch.allclose(optimizer.moments.m, m, rtol=1e-10, atol=1e-14)
    assert torch.allclose(optimizer.moments.v, v, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("net", [plain, dropping])
def test_one_part_is_adam(net: Callable[[], nn.Module], no_search: None) -> None:
    objective, optimizer = both("data", net, 1)
    other = objective_of("data", net)
    adam = torch.optim.Adam(other.parameters, lr=RADIUS)
    batches = drawn(other, 5 * STEPS)
    for sweep in range(5):
        loss = float(optimizer.step(objective))
        losses = []
        for batch in batches[sweep * STEPS : (sweep + 1) * STEPS]:
            losses.append(float(adam.step(other.restrict(batch, estimate=True))))
        assert optimizer.info["accepted"] and optimizer.radius == RADIUS
        assert loss == pytest.approx(sum(losses) / STEPS, rel=1e-12)
        assert objective.last_terms == {"loss": loss}
        assert torch.allclose(gather(objective.parameters), gather(other.parameters), rtol=1e-12, atol=1e-12)
        for mine, its in zip(objective.buffers(), other.buffers(), strict=True):
            assert torch.allclose(mine, its, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("local_steps", [1, 2])
def test_data_parts_meet_in_the_mean(local_steps: int, no_search: None) -> None:
    objective, optimizer = both("data", local_steps=local_steps)
    theta, batches = gather(objective.parameters), drawn(objective, 3 * STEPS)
    all_of_them = torch.arange(len(theta))
    ends = [
        walk(objective, theta, batches[d * STEPS : (d + 1) * STEPS], all_of_them, local_steps)
        for d in range(3)
    ]
    optimizer.step(objective)
    agree(optimizer, *(torch.stack(column).mean(0) for column in zip(*ends, strict=True)))
    assert [record["number"] for record in optimizer.info["parts"]] == [0, 1, 2]


@pytest.mark.parametrize("kind", ["layers", "neurons"])
@pytest.mark.parametrize("order", ["additive", "multiplicative"])
def test_blocks_walk_by_themselves_or_in_turn(order: str, kind: str, no_search: None) -> None:
    objective, optimizer = both("parameters", order=order, kind=kind)
    theta, batches = gather(objective.parameters), drawn(objective, STEPS)
    z, m, v = theta.clone(), torch.zeros_like(theta), torch.zeros_like(theta)
    for block in optimizer.sweep.blocks:
        end = walk(objective, theta if order == "additive" else z, batches, block)
        z[block], m[block], v[block] = (t[block] for t in end)
    scatter_(objective.parameters, theta)
    optimizer.step(objective)
    agree(optimizer, z, m, v)


def test_one_block_or_one_stage_is_one_part() -> None:
    """Of any order; also several stages, as long as they take one step with what they know of each other."""
    objective, optimizer = both("data", parts=1)
    others = [both("data", parts=1, order="additive"), both("parameters", parts=1)]
    others += [both("stages", parts=parts) for parts in (1, 2, 3)]
    for _ in range(5):
        loss = float(optimizer.step(objective))
        for other, its in others:
            assert float(its.step(other)) == pytest.approx(loss, rel=1e-10)
            assert torch.allclose(gather(other.parameters), gather(objective.parameters), rtol=0, atol=1e-10)


def test_stages_go_on_with_what_is_frozen(no_search: None) -> None:
    """At the second local step what entered a stage, and the cotangent of what left it, are the first's."""
    objective, optimizer = both("stages", parts=2, local_steps=2, steps=1)
    low, high = objective.chain.stages
    x, y = inputs()
    theta, (batch,) = gather(objective.parameters), drawn(objective, 1)
    index, expected, moments = batch["samples"], theta.clone(), Moments.like(theta)
    middle = low(x[index])
    loss = nn.functional.cross_entropy(high(middle), y[index])
    *g, bar = torch.autograd.grad(loss, [*objective.parameters, middle])
    expected += moments.step(gather(g), RADIUS)
    scatter_(objective.parameters, expected)
    local = (bar * low(x[index])).sum() + nn.functional.cross_entropy(high(middle.detach()), y[index])
    second = moments.step(gather(torch.autograd.grad(local, objective.parameters)), RADIUS)
    scatter_(objective.parameters, theta)
    optimizer.step(objective)
    agree(optimizer, expected + second, moments.m, moments.v)


@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_the_number_of_parts_matters(decomposition: str, no_search: None) -> None:
    """As they come; of stages with a second local step, for which something is frozen."""
    ends = []
    for parts in (1, 2, 3):
        objective, optimizer = both(decomposition, parts=parts, **LOCAL[decomposition])
        for _ in range(3):
            optimizer.step(objective)
            assert optimizer.info["accepted"] and len(optimizer.info["parts"]) == parts
        ends.append(gather(objective.parameters))
    for a, b in combinations(ends, 2):
        assert float((a - b).abs().max()) > 0.1 * RADIUS


@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_what_the_parts_did_is_told(decomposition: str, no_search: None) -> None:
    objective, optimizer = both(decomposition, order="additive", local_steps=2)
    began = objective.counters.gradients
    theta, before = gather(objective.parameters), 0.0
    optimizer.step(objective)
    info, records = optimizer.info, optimizer.info["parts"]
    before = sum(record["gain"] for record in records) / (3 if decomposition == "data" else 1)
    assert info["predicted"] == pytest.approx(before, rel=1e-12) and before > 0
    assert len({record["gain"] for record in records}) == 3  # each its own
    assert info["accepted"] and info["radius"] == RADIUS and not info["converged"]
    assert optimizer.moments.count == 2 * STEPS
    assert info["length"] == pytest.approx(float((gather(objective.parameters) - theta).norm()), rel=1e-9)
    assert [r["steps"] for r in records] == [r["accepted"] for r in records] == [2 * STEPS] * 3
    assert all(r["length"] >= 0.1 * info["length"] / 3 and r["radius"] == RADIUS for r in records)
    work = sum(record["work"] for record in records)
    assert work == pytest.approx(objective.counters.gradients - began, rel=1e-12)
    passes = 2.0 * STEPS * BATCH / COUNT
    assert work == pytest.approx(passes if decomposition == "stages" else 3 * passes, rel=1e-12)


@pytest.mark.parametrize("decomposition", ["data", "parameters"])
def test_memory_does_not_depend_on_the_number_of_parts(
    decomposition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The docstring says which vectors there are besides the parameters."""
    step, peaks, n = Moments.step, {}, 4500
    for parts in (2, 8):
        gc.collect()
        gc.freeze()  # what was there before is not looked at
        objective = objective_of(decomposition, lambda: nn.Linear(2, 1500).double())
        kind = {"kind": "neurons"} if decomposition == "parameters" else {}
        optimizer = optimizer_of(objective, decomposition, parts, steps=2, order="additive", **kind)
        assert len(gather(objective.parameters)) == n
        found: list[float] = []

        def counted(self: Moments, g: Tensor, radius: float, found: list[float] = found) -> Tensor:
            s = step(self, g, radius)
            found.append(held(n) - 1)
            return s

        monkeypatch.setattr(Moments, "step", counted)
        optimizer.step(objective)
        peaks[parts] = [max(found)]  # while radii are tried
        found.clear()
        optimizer.step(objective)
        peaks[parts].append(max(found))
        gc.unfreeze()
    assert peaks[8] == peaks[2] if decomposition == "data" else peaks[8] < peaks[2]
    assert [math.floor(peak) for peak in peaks[2]] == ([14, 13] if decomposition == "data" else [13, 12])


def test_the_radius_recovers_to_the_one_that_was_found_and_no_farther(no_search: None) -> None:
    objective, optimizer = both("data", parts=1)
    optimizer.step(objective)
    assert optimizer.radius == optimizer.most == RADIUS
    optimizer.radius = 0.5 * RADIUS  # as after a rejection
    for k in range(1, 13):
        optimizer.step(objective)
        expected = RADIUS * min(1.0, 2.0 ** (k / 10 - 1))
        assert optimizer.info.accepted and optimizer.radius == pytest.approx(expected, rel=1e-14)
        assert optimizer.radius <= optimizer.most == RADIUS
