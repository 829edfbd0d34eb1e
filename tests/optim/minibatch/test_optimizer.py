"""SAPTS on mini-batches in one process: its walks against dense ones, rejections, going on, known minima."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
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
    inputs,
    objective_of,
    optimizer_of,
    plain,
    state_of,
    unchanged,
    uphill,
)
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim.minibatch.optimizer import CONTROL, SEARCH, MiniBatchSAPTS
from sapts_pinn.optim.sapts import DECOMPOSITIONS
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.stages import StageChain
from sapts_pinn.problems import build
from sapts_pinn.supervised import StagedSupervised, Supervised

# -- the control -----------------------------------------------------------------------------------------


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


def test_a_state_of_an_older_version_goes_on() -> None:
    """What it lacks has a default: the parameters that it is loaded with pass for the best."""
    objective, optimizer = both("data", dropping, 1, steps=16)
    for _ in range(3):
        optimizer.step(objective)
    state, theta = optimizer.state_dict(), gather(objective.parameters)
    for name in ("first", "best", "noise", "allowance", "rises", "best_state"):
        del state["minibatch"][name]
    del state["minibatch"]["batches"]["drawn"]
    optimizer.load_state_dict(state)
    assert optimizer.acceptance.best == optimizer.acceptance.values[-1]
    optimizer.radius = 1e3
    optimizer.step(objective)
    assert not optimizer.info["accepted"]
    kept, _ = optimizer.state_dict()["minibatch"]["best_state"]
    assert torch.equal(kept, theta) and torch.equal(gather(objective.parameters), theta)
    optimizer.radius = RADIUS
    optimizer.step(objective)
    assert optimizer.info["accepted"]


def test_a_saved_state_is_no_larger_than_the_moments() -> None:
    objective, optimizer = both("data")
    optimizer.step(objective)
    moments = optimizer.state_dict()["minibatch"]["moments"]
    held = {
        t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in (moments["m"], moments["v"])
    }
    assert sum(held.values()) == 2 * 8 * len(gather(objective.parameters))


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
