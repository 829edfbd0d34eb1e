"""Property 4: N parts on N ranks take the steps that one process with N parts takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from draws import rng
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import Objective
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.flat import gather
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim import SAPTS, Sweep
from sapts_pinn.parallel.communicator import Communicator, SingleProcess
from sapts_pinn.parallel.torchrun import connect
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.stages import ModelStageChain, StageChain
from sapts_pinn.problems import build

STEPS = 12
DECOMPOSITIONS = ("data", "parameters", "stages")
HIDDEN = (6, 7, 5)  # four layers of different sizes


def pinn(name: str, points: int) -> LeastSquares:
    problem, generator = build(name), rng()
    features, unknowns = len(problem.ansatz.feature_names), len(problem.unknown_names)
    network = build_network(HIDDEN, features, unknowns, generator, torch.float64)
    return LeastSquares(
        Model(problem, network), {t.name: t.sites(points, generator, "uniform") for t in problem.terms}
    )


def batch(count: int = 60) -> tuple[Tensor, Tensor]:
    x = torch.randn(count, 2, generator=rng(4), dtype=torch.float64)
    return x, (x[:, 0] * x[:, 1] > 0).long()


def network() -> MLP:
    net = MLP((2, *HIDDEN, 2)).double()
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_(0.6 * torch.randn(p.shape, generator=rng(i), dtype=torch.float64))
    return net


def closure_of(net: nn.Module, loss: Callable[[], Tensor]) -> ClosureObjective:
    def closure() -> Tensor:
        net.zero_grad()
        value = loss()
        value.backward()
        return value

    return ClosureObjective(closure, net.parameters(), net)


def objective_of(name: str, decomposition: str, parts: int, ranks: Communicator, points: int) -> Objective:
    if name == "classifier":
        x, y = batch()
        net, loss = network(), nn.functional.cross_entropy
        if decomposition == "stages":
            return PipelineObjective.of_data(StageChain(net, parts, ranks), x, lambda out: loss(out, y))
        return closure_of(net, lambda: loss(net(x), y))
    whole = pinn(name, points)
    if decomposition == "stages":
        chain = ModelStageChain(whole.model.problem, whole.model.network, parts, ranks)
        return PipelineObjective.of_problem(chain, whole.sites)
    return whole


SWEEP = {"order": "additive", "visits": 0, "local_steps": 3, "adaptive": False}
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("burgers", "data", {"adaptive": True, "local_steps": 5}),
    ("poisson-2d", "data", {"combination": "subspace", "kind": "bisection", "curvature": "lsr1"}),
    ("burgers", "data", {"pooled": False, "kind": "random", "overlap": 0.33, "global_steps": 1}),
    ("poisson-2d", "data", {"combination": "mean", "curvature": "identity", "global_steps": 1}),
    ("poisson-2d", "data", {"batch": 0.3, "kind": "random", "points": 1800}),
    ("burgers", "parameters", {"adaptive": True, "local_steps": 5}),
    ("poisson-2d", "parameters", {"kind": "neurons", "pooled": False, "global_steps": 1}),
    ("burgers", "parameters", {"kind": "tensors", "combination": "subspace", "curvature": "lsr1"}),
    ("classifier", "parameters", {"kind": "layers"}),
    ("classifier", "parameters", {"kind": "neurons", "pooled": False, "combination": "subspace"}),
    ("burgers", "stages", {"adaptive": True, "local_steps": 5}),
    ("poisson-2d", "stages", {"combination": "subspace"}),
    ("burgers", "stages", {"curvature": "ssbroyden", "global_steps": 1}),
    ("classifier", "stages", {"curvature": "identity", "global_steps": 1}),
    ("classifier", "stages", {"adaptive": False, "local_steps": 2, "global_steps": 1}),
]  # fmt: skip


def start(case: int, parts: int, ranks: Communicator) -> tuple[Objective, SAPTS]:
    name, decomposition, options = CASES[case]
    options = {**SWEEP, **({} if decomposition == "data" else {"kind": "layers"}), **options}
    curvature = options.pop("curvature", "lbfgs" if decomposition == "stages" else "ssbroyden")
    objective = objective_of(name, decomposition, parts, ranks, options.pop("points", 60))
    sweep = Sweep(**options, pieces=parts)  # the order of summation is that of the ranks
    return objective, SAPTS(
        objective.parameters, decomposition, parts, curvature, sweep=sweep, communicator=ranks
    )


def train(cases: list[int], parts: int) -> dict[int, Any]:
    """For each case the steps: loss, what was accepted and the radius, parameters."""
    ranks = connect()
    return {case: attempt(case, parts, ranks) for case in cases}


def attempt(case: int, parts: int, ranks: Communicator) -> list[tuple[float, list[Any], Tensor]]:
    objective, optimizer = start(case, parts, ranks)
    steps = []
    for _ in range(STEPS):
        loss = float(optimizer.step(objective))
        info = optimizer.info
        taken = [
            info["accepted"],
            info.get("sweep", {}).get("accepted"),
            info.get("sweep", {}).get("local_steps"),
        ]
        steps.append((loss, [*taken, optimizer.radius], gather(objective.parameters)))
    return steps


def single(case: int, parts: int) -> list[tuple[float, list[Any], Tensor]]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as on the ranks
    try:
        return attempt(case, parts, SingleProcess())
    finally:
        torch.set_num_threads(threads)


def check(case: int, parts: int, results: list[dict[int, Any]]) -> None:
    """Compare the steps of ranks with those of one process with as many parts.

    Several parts of a rank are summed before the ranks are: another order, whose rounding grows.
    """
    tolerance, steps = (1e-12, STEPS) if parts == len(results) else (1e-9, 8)
    _, decomposition, options = CASES[case]
    alone = single(case, parts)
    for k, (loss, taken, theta) in enumerate(alone[:steps]):
        ranks = [result[case][k] for result in results]
        assert all(rank[:2] == ranks[0][:2] for rank in ranks), (case, k)
        assert ranks[0][0] == pytest.approx(loss, rel=tolerance), (case, k)
        assert ranks[0][1][:3] == taken[:3] and ranks[0][1][3] == pytest.approx(
            taken[3], rel=1e3 * tolerance
        ), (case, k)
        if decomposition == "stages":
            found = torch.cat([rank[2] for rank in ranks])
        else:
            found = ranks[0][2]
            assert all(torch.equal(rank[2], found) for rank in ranks), (case, k)
        size = max(1.0, float(theta.abs().max()))
        assert float((found - theta).abs().max()) <= tolerance * size, (case, k)
    if not options.get("adaptive"):  # else a dozen steps may go into finding the radius
        assert any(taken[1] for _, taken, _ in alone), "no sweep was ever taken"
        assert alone[-1][0] < alone[0][0]


ALL = [*range(len(CASES))]
SOME = [
    next(i for i in ALL if CASES[i][1] == name and not CASES[i][2].get("adaptive")) for name in DECOMPOSITIONS
]


@pytest.mark.parametrize(
    ("size", "parts", "cases"),
    [
        (2, 2, SOME),
        (2, 4, [2, SOME[1]]),
        (4, 4, SOME),
        pytest.param(2, 2, ALL, marks=pytest.mark.slow),
        pytest.param(4, 4, ALL, marks=pytest.mark.slow),
    ],
    ids=["some-on-2", "two-each", "some-on-4", "all-on-2", "all-on-4"],
)
def test_ranks_take_the_steps_of_one_process(
    run_ranks: Callable[..., list[Any]], size: int, parts: int, cases: list[int]
) -> None:
    """All cases in one go, for a start takes seconds."""
    results = run_ranks(train, size, cases, parts, timeout=200.0)
    failed = []
    for case in cases:
        try:
            check(case, parts, results)
        except AssertionError as error:
            failed.append(f"{CASES[case]}: {error}")
    assert not failed, "\n\n".join(failed)


def uneven() -> Any:
    """Four stages that balance to one and three on two ranks."""
    ranks = connect()
    try:
        return uneven_run(ranks)
    except (ValueError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"


def uneven_run(ranks: Communicator) -> list[tuple[float, Tensor]]:
    x, y = batch()
    net = nn.Sequential(
        nn.Linear(2, 30), nn.Tanh(), nn.Linear(30, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2)
    ).double()
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_(0.6 * torch.randn(p.shape, generator=rng(i), dtype=torch.float64))
    chain = StageChain(net, 4, ranks)
    objective = PipelineObjective.of_data(chain, x, lambda out: nn.functional.cross_entropy(out, y))
    sweep = Sweep("layers", local_steps=2, adaptive=False, order="additive", visits=0)
    optimizer = SAPTS(objective.parameters, "stages", 4, "lsr1", sweep=sweep, communicator=ranks)
    return [(float(optimizer.step(objective)), gather(objective.parameters)) for _ in range(8)]


def test_stages_that_the_ranks_share_unevenly(run_ranks: Callable[..., list[Any]]) -> None:
    a, b = run_ranks(uneven, 2)
    if isinstance(a, str):
        assert a == b and a.startswith("InputError: "), a
        return
    assert len(a[0][1]) != len(b[0][1])
    for (loss, theta), (low, mine), (high, other) in zip(uneven_run(SingleProcess()), a, b, strict=True):
        assert low == high == pytest.approx(loss, rel=1e-12)
        assert torch.allclose(torch.cat([mine, other]), theta, rtol=0, atol=1e-12)
