"""SAPTS on mini-batches in one process: its walks against dense ones, rejections, going on, known minima."""

from __future__ import annotations

import gc
import io
import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import Separable
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim.base import WrongGradient
from sapts_pinn.optim.minibatch import optimizer as minibatch
from sapts_pinn.optim.minibatch.batches import Batch, MiniBatches
from sapts_pinn.optim.minibatch.moments import BETAS, EPS, Moments
from sapts_pinn.optim.minibatch.optimizer import CONTROL, SEARCH, MiniBatchSAPTS
from sapts_pinn.optim.radius import RadiusRule
from sapts_pinn.optim.sapts import DECOMPOSITIONS
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.stages import StageChain
from sapts_pinn.problems import build
from sapts_pinn.supervised import StagedSupervised, Supervised

COUNT, BATCH, STEPS, RADIUS = 120, 10, 4, 0.02
LOCAL: dict[str, dict[str, Any]] = {"data": {}, "parameters": {}, "stages": {"local_steps": 2}}


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


@pytest.fixture
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """The radius given is taken."""

    def given(rule: RadiusRule, value: Callable[[float], float], start: float, before: float) -> float:
        value(start)
        return start

    monkeypatch.setattr(RadiusRule, "first", given)
    monkeypatch.setattr(minibatch, "SEARCH", 1.0)


# -- the walks -------------------------------------------------------------------------------------------


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
    assert info["length"] == pytest.approx(float((gather(objective.parameters) - theta).norm()), rel=1e-9)
    assert [r["steps"] for r in records] == [r["accepted"] for r in records] == [2 * STEPS] * 3
    assert all(r["length"] >= 0.1 * info["length"] / 3 and r["radius"] == RADIUS for r in records)
    work = sum(record["work"] for record in records)
    assert work == pytest.approx(objective.counters.gradients - began, rel=1e-12)
    passes = 2.0 * STEPS * BATCH / COUNT
    assert work == pytest.approx(passes if decomposition == "stages" else 3 * passes, rel=1e-12)


# -- the control -----------------------------------------------------------------------------------------


def state_of(objective: Any, optimizer: MiniBatchSAPTS) -> list[Tensor]:
    moments = optimizer.moments
    return [
        gather(objective.parameters), *(b.clone() for b in objective.buffers()), torch.get_rng_state(),
        moments.m.clone(), moments.v.clone(), torch.tensor(moments.count),
    ]  # fmt: skip


def unchanged(before: list[Tensor], after: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("order", ["additive", "multiplicative"])
@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_a_rejected_sweep_leaves_no_trace(decomposition: str, order: str) -> None:
    objective, optimizer = both(decomposition, dropping, order=order, local_steps=2)
    for _ in range(3):
        optimizer.step(objective)
    optimizer.radius, values = 100.0, list(optimizer.acceptance.values)
    before = state_of(objective, optimizer)
    optimizer.step(objective)
    assert optimizer.info["accepted"] is optimizer.info["sweep"]["accepted"] is False
    assert optimizer.info["length"] > 10 and optimizer.radius == optimizer.info["radius"] == 50.0
    assert unchanged(before, state_of(objective, optimizer)) and list(optimizer.acceptance.values) == values
    optimizer.radius = RADIUS
    optimizer.step(objective)
    after = state_of(objective, optimizer)
    assert optimizer.info["accepted"] and len(optimizer.acceptance.values) == len(values) + 1
    random = len(objective.buffers()) + 1
    for k, (a, b) in enumerate(zip(before, after, strict=True)):
        assert torch.equal(a, b) == (k == random), k  # what was accepted stays, and nothing was drawn


def uphill(outputs: Tensor, targets: Tensor) -> Tensor:
    """A loss whose gradient points the wrong way."""
    loss = nn.functional.cross_entropy(outputs, targets)
    return 2.0 * loss.detach() - loss


def test_where_no_radius_helps_none_is_taken() -> None:
    objective = objective_of("data", dropping, loss=uphill)
    optimizer = optimizer_of(objective, "data")
    before = state_of(objective, optimizer)
    for _ in range(2):
        optimizer.step(objective)
        assert not optimizer.info["accepted"] and optimizer.info["rho"] < 0
        assert unchanged(before, state_of(objective, optimizer))
    assert optimizer.radius < RADIUS / 100
    objective.loss = nn.functional.cross_entropy  # the search is not over: the radius may rise again
    optimizer.step(objective)
    assert optimizer.info["accepted"] and optimizer.most >= RADIUS / 4


def reverse(objective: Any, loss: Callable[[Tensor, Tensor], Tensor] = uphill) -> None:
    """Let the gradient of a network's loss be another from now on."""
    getattr(objective, "whole", objective).loss = loss


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

    def uphill_sweeps() -> None:
        for _ in range(3):
            sweep()

    for _ in range(right):
        sweep()
    assert right == 0 or best < 0.6 * optimizer.acceptance.first
    reverse(objective)
    with pytest.raises(WrongGradient, match=r"^the loss does not fall against its gradient, at whatever len"):
        uphill_sweeps()
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


def fragile(outputs: Tensor, targets: Tensor) -> Tensor:
    """No number where the outputs are large."""
    loss = nn.functional.cross_entropy(outputs, targets)
    return torch.where(outputs.detach().abs().max() < 20, loss, math.nan)


@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_a_loss_that_is_not_finite_is_a_rejection(decomposition: str) -> None:
    objective = objective_of(decomposition, dropping, loss=fragile)
    optimizer = optimizer_of(objective, decomposition, radius=1e4)
    first = float(optimizer.step(objective))  # the search gets past it
    assert optimizer.info["accepted"] and 1e-4 < optimizer.most < 1e2
    optimizer.radius = 1e6
    before = state_of(objective, optimizer)
    loss = float(optimizer.step(objective))
    assert loss == optimizer.acceptance.values[-1] and loss < 2 * first  # that of the control, which is known
    assert not optimizer.info["accepted"] and optimizer.info["rho"] == -math.inf
    assert optimizer.radius == 1e5 and unchanged(before, state_of(objective, optimizer))
    optimizer.radius = RADIUS
    optimizer.step(objective)
    assert optimizer.info["accepted"]


class Poison(torch.autograd.Function):
    """Has a value, and no gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return g * math.nan


@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_a_gradient_that_is_not_finite_is_a_rejection(decomposition: str) -> None:
    poisoned = True

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        found = nn.functional.cross_entropy(outputs, targets)
        return Poison.apply(found) if poisoned else found

    objective = objective_of(decomposition, loss=loss)
    optimizer = optimizer_of(objective, decomposition)
    before = state_of(objective, optimizer)
    assert math.isfinite(float(optimizer.step(objective)))
    assert not optimizer.info["accepted"] and unchanged(before, state_of(objective, optimizer))
    poisoned = False
    optimizer.step(objective)
    assert optimizer.info["accepted"] and optimizer.most > RADIUS / 10


@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_a_start_that_is_not_finite_is_an_error(decomposition: str) -> None:
    objective, optimizer = both(decomposition)
    theta = gather(objective.parameters)
    scatter_(objective.parameters, theta * math.inf)
    for _ in range(2):  # asked again, it says so again
        with pytest.raises(FloatingPointError, match="the loss is nan at the starting point; check the"):
            optimizer.step(objective)
    scatter_(objective.parameters, theta)
    optimizer.step(objective)
    assert optimizer.info["accepted"]


@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_the_radius_ends_at_zero_with_the_budget(decomposition: str) -> None:
    """One step is as long as the radius, times what is left of the budget."""
    lengths = []
    for used in (0.0, 0.25, 1.0, 1.5):
        objective, optimizer = both(decomposition, steps=1, order="additive")
        optimizer.step(objective)
        optimizer.set_progress(used)
        theta, radius = gather(objective.parameters), optimizer.radius
        optimizer.step(objective)
        lengths.append(optimizer.info["length"])
        assert optimizer.info["parts"][0]["radius"] == radius * (1 - min(used, 1))
    assert lengths[1] == pytest.approx(0.75 * lengths[0], rel=1e-9) and lengths[0] > 0
    assert lengths[2:] == [0.0, 0.0]
    assert optimizer.info["accepted"] and torch.equal(gather(objective.parameters), theta)


def test_after_the_deadline_no_further_radius_is_tried() -> None:
    objective, optimizer = both("data", parts=1)
    optimizer.set_progress(0.0, -math.inf)
    optimizer.step(objective)
    assert optimizer.info["accepted"] and optimizer.most == RADIUS
    seen = (CONTROL * 2 + SEARCH * STEPS) * BATCH / COUNT  # before, along one walk, after
    assert objective.counters.functions == pytest.approx(seen, rel=1e-12)


# -- what is drawn ---------------------------------------------------------------------------------------


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


# -- going on --------------------------------------------------------------------------------------------


def told(optimizer: MiniBatchSAPTS) -> dict[str, Any]:
    """But for work, a difference of counters that began elsewhere."""
    parts = [{**record, "work": None} for record in optimizer.info["parts"]]
    return {**optimizer.info, "parts": parts}


@pytest.mark.parametrize("after", [0, 4])
@pytest.mark.parametrize(
    ("decomposition", "order"),
    [("data", "additive"), ("data", "multiplicative"), ("parameters", "additive"), ("stages", "additive")],
)
def test_steps_that_were_saved_go_on(decomposition: str, order: str, after: int) -> None:
    """Through a file, and in the same process; across the ends of epochs."""
    objective, optimizer = both(decomposition, dropping, order=order)

    def network(objective: Any) -> Any:
        return objective.chain if decomposition == "stages" else objective.module

    for _ in range(after):
        optimizer.step(objective)
    file = io.BytesIO()
    torch.save((network(objective).state_dict(), optimizer.state_dict()), file)
    file.seek(0)
    saved, within = torch.load(file, weights_only=True), optimizer.state_dict()
    theta, buffers = gather(objective.parameters), [b.clone() for b in objective.buffers()]
    losses = [float(optimizer.step(objective)) for _ in range(4)]
    end = state_of(objective, optimizer)

    again, other = both(decomposition, dropping, order=order, radius=1.0)
    network(again).load_state_dict(saved[0])
    other.load_state_dict(saved[1])
    assert [float(other.step(again)) for _ in range(4)] == losses
    assert unchanged(end, state_of(again, other)) and told(other) == told(optimizer)

    scatter_(objective.parameters, theta)
    for buffer, value in zip(objective.buffers(), buffers, strict=True):
        buffer.copy_(value)
    optimizer.load_state_dict(within)
    assert [float(optimizer.step(objective)) for _ in range(4)] == losses
    assert unchanged(end, state_of(objective, optimizer))


def test_a_saved_state_is_no_larger_than_the_moments() -> None:
    objective, optimizer = both("data")
    optimizer.step(objective)
    moments = optimizer.state_dict()["minibatch"]["moments"]
    held = {
        t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in (moments["m"], moments["v"])
    }
    assert sum(held.values()) == 2 * 8 * len(gather(objective.parameters))


# -- memory ----------------------------------------------------------------------------------------------


def held(n: int) -> float:
    """What tensors hold in memory, in vectors of n numbers; small ones apart."""
    tensors = [t for t in gc.get_objects() if type(t) in (Tensor, nn.Parameter)]
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return sum(size for size in storages.values() if size > n) / (8 * n)


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


# -- training --------------------------------------------------------------------------------------------


def trained(objective: Any, optimizer: MiniBatchSAPTS, steps: int) -> float:
    """The loss on all samples at the end."""
    for k in range(steps):
        optimizer.set_progress(k / steps)
        optimizer.step(objective)
    return float(objective.value())


@pytest.mark.parametrize(
    ("decomposition", "net", "parts"),
    [
        ("data", plain, 1),
        ("data", dropping, 2),
        ("parameters", dropping, 2),
        ("stages", dropping, 2),
    ],
)
def test_the_radius_given_hardly_matters(
    decomposition: str, net: Callable[[], nn.Module], parts: int
) -> None:
    losses = []
    for radius in (1e-6, 1.0):
        objective, optimizer = both(decomposition, net, parts, radius=radius)
        first = objective.value()
        losses.append(trained(objective, optimizer, 20))
    assert max(losses) < (0.2 if net is plain else 0.7) * first and max(losses) < 1.4 * min(losses)
    if net is dropping:
        means = [b for b in objective.buffers() if b.dim()]
        assert all(bool((mean != 0).any()) for mean in means)


@pytest.mark.parametrize(
    ("decomposition", "order"),
    [("data", "additive"), ("parameters", "multiplicative"), ("stages", "additive")],
)
def test_linear_least_squares_come_near_their_minimum(decomposition: str, order: str) -> None:
    random = Generator().manual_seed(0)
    x = torch.randn(300, 6, generator=random, dtype=torch.float64)
    y = x @ torch.randn(6, 3, generator=random, dtype=torch.float64) + 1.0
    y += 0.3 * torch.randn(300, 3, generator=random, dtype=torch.float64)
    rows = torch.cat([x, torch.ones(300, 1, dtype=torch.float64)], 1)
    least = float((rows @ torch.linalg.lstsq(rows, y).solution - y).square().mean())
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 3), nn.Identity()) if decomposition == "stages" else nn.Linear(6, 3)
    objective: Any = Supervised(net.double(), x, y, "mse")
    if decomposition == "stages":
        objective = StagedSupervised(objective, StageChain(objective.module, 1))
    parts = 1 if decomposition == "stages" else 2
    kind = {"kind": "neurons"} if decomposition == "parameters" else {}
    optimizer = optimizer_of(objective, decomposition, parts, order=order, steps=15, batch=10, **kind)
    first = objective.value()
    end = trained(objective, optimizer, 20)
    assert least < end < least + 1e-3 * (first - least)


@pytest.mark.parametrize("decomposition", ["data", "parameters"])
def test_collocation_points_are_samples_as_well(decomposition: str) -> None:
    problem, generator = build("burgers"), Generator().manual_seed(0)
    network = build_network((8, 8), len(problem.ansatz.feature_names), 1, generator, torch.float64)
    sites = {t.name: t.sites(120, generator, "uniform") for t in problem.terms}
    objective = LeastSquares(Model(problem, network), sites)
    optimizer, first = optimizer_of(objective, decomposition, 2, batch=30), objective.value()
    assert trained(objective, optimizer, 8) < 0.8 * first


# -- wrong input -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"decomposition": "samples"},
            "unknown decomposition 'samples'; choose one of data, parameters, sta",
        ),
        ({"order": "random"}, "unknown order 'random'; choose one of "),
        ({"steps": 0}, "steps must be at least 1, and is 0"),
        ({"local_steps": 0}, "local_steps must be at least 1, and is 0"),
        ({"batch": 0}, "batch must be at least 1, not 0"),
        ({"radius": 0.0}, "radius must be positive and finite, not 0.0"),
        ({"radius": math.inf}, "radius must be positive and finite, not inf"),
        ({"parts": 0}, "parts must be a positive multiple of the number of ranks, 1, not 0"),
        ({"decomposition": "parameters", "kind": "rows"}, "unknown decomposition of the parameters 'rows'; "),
        (
            {"decomposition": "parameters", "parts": 99},
            "cannot spread 15 neurons over 99 parts: use at most 15",
        ),
    ],
)
def test_wrong_arguments_are_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        MiniBatchSAPTS(plain().parameters(), **options)


def test_several_parameter_groups_are_refused() -> None:
    groups: Any = [{"params": [p]} for p in plain().parameters()]
    with pytest.raises(ValueError, match=r"^MiniBatchSAPTS does not support several parameter groups$"):
        MiniBatchSAPTS(groups)


def pipeline() -> PipelineObjective:
    x, y = inputs()
    return PipelineObjective.of_data(
        StageChain(plain(), 3), x, lambda out: nn.functional.cross_entropy(out, y)
    )


NO_SAMPLES = "mini-batches need an objective that knows its samples, such as Supervised"


@pytest.mark.parametrize(
    ("make", "decomposition", "error", "sentence"),
    [
        (lambda: lambda: 0.0, "data", TypeError, NO_SAMPLES),
        (lambda: ClosureObjective(lambda: 0.0, plain().parameters()), "data", TypeError, NO_SAMPLES),
        (pipeline, "stages", TypeError, NO_SAMPLES),
        (
            lambda: objective_of("data"),
            "stages",
            TypeError,
            "of the stages does not suit Supervised; stages, and",
        ),
        (lambda: objective_of("stages"), "data", TypeError, "of the data does not suit StagedSupervised; "),
        (
            lambda: objective_of("stages", parts=2),
            "stages",
            ValueError,
            "is cut into 2 stages, not into 3; make",
        ),
        (
            lambda: objective_of("data", dropping),
            "data",
            ValueError,
            "depends on other parameters than those",
        ),
    ],
)
def test_wrong_objectives_are_one_sentence(
    make: Callable[[], Any], decomposition: str, error: type[Exception], sentence: str
) -> None:
    optimizer = optimizer_of(objective_of(decomposition), decomposition)
    with pytest.raises(error, match=sentence):
        optimizer.step(make())


def test_a_state_of_another_optimizer_is_refused() -> None:
    _, optimizer = both("data")
    with pytest.raises(
        ValueError, match="was not saved by MiniBatchSAPTS; resume with the method it was wri"
    ):
        optimizer.load_state_dict(torch.optim.SGD(plain().parameters(), lr=0.1).state_dict())
