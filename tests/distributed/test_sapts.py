"""Property 4: N parts on N ranks take the steps that one process with N parts takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from sapts_pinn.communicator import Alone, Communicator
from sapts_pinn.distributed import connect
from sapts_pinn.flat import gather
from sapts_pinn.least_squares import LeastSquares
from sapts_pinn.model import Model
from sapts_pinn.networks import MLP, build_network
from sapts_pinn.objective import ClosureObjective, Objective
from sapts_pinn.optim import SAPTS, Sweep
from sapts_pinn.pipeline import Pipeline
from sapts_pinn.problems import build
from sapts_pinn.stages import Chain, ModelChain

STEPS = 20
HIDDEN = (6, 7, 5)  # four layers of different sizes


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


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
            return Pipeline.of_data(Chain(net, parts, ranks), x, lambda out: loss(out, y))
        return closure_of(net, lambda: loss(net(x), y))
    whole = pinn(name, points)
    if decomposition == "stages":
        chain = ModelChain(whole.model.problem, whole.model.network, parts, ranks)
        return Pipeline.of_problem(chain, whole.sites)
    return whole


SWEEP = {"order": "additive", "visits": 0, "local_steps": 3, "adaptive": False}
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("burgers", "data", {"adaptive": True, "local_steps": 5}),
    ("poisson-2d", "data", {"combination": "subspace", "kind": "bisection", "curvature": "lsr1"}),
    ("burgers", "data", {"pooled": False, "kind": "random", "overlap": 0.33, "global_steps": 1}),
    ("poisson-2d", "data", {"adaptive": False, "local_steps": 3, "combination": "mean", "curvature": "identity", "global_steps": 1}),
    ("poisson-2d", "data", {"batch": 0.3, "kind": "random", "points": 1800}),
    ("burgers", "parameters", {"adaptive": True, "local_steps": 5}),
    ("poisson-2d", "parameters", {"kind": "neurons", "pooled": False, "global_steps": 1}),
    ("burgers", "parameters", {"kind": "tensors", "combination": "subspace", "curvature": "lsr1"}),
    ("classifier", "parameters", {"kind": "layers"}),
    ("classifier", "parameters", {"kind": "neurons", "pooled": False, "combination": "subspace"}),
    ("burgers", "stages", {"adaptive": True, "local_steps": 5}),
    ("poisson-2d", "stages", {"combination": "subspace"}),
    ("classifier", "stages", {"curvature": "identity", "global_steps": 1}),
    ("classifier", "stages", {"adaptive": False, "local_steps": 2, "global_steps": 1}),
]  # fmt: skip


def start(case: int, parts: int, ranks: Communicator) -> tuple[Objective, SAPTS]:
    name, decomposition, options = CASES[case]
    options = {**SWEEP, **({} if decomposition == "data" else {"kind": "layers"}), **options}
    curvature = options.pop("curvature", "lsr1" if decomposition == "stages" else "ssbroyden")
    objective = objective_of(name, decomposition, parts, ranks, options.pop("points", 60))
    sweep = Sweep(**options)
    return objective, SAPTS(
        objective.parameters, decomposition, parts, curvature, sweep=sweep, communicator=ranks
    )


def train(cases: list[int], parts: int) -> list[Any]:
    """For each case the steps: loss, what was accepted, parameters; or what went wrong."""
    ranks = connect()
    return [attempt(case, parts, ranks) for case in cases]


def attempt(case: int, parts: int, ranks: Communicator) -> list[tuple[float, list[Any], Tensor]] | str:
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
        return attempt(case, parts, Alone())
    finally:
        torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=[2, 4])
def by_ranks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Any]:
    """All cases of so many ranks in one go, for a start takes seconds."""
    launch = request.config.pluginmanager  # found below: fixtures of the function's scope cannot be used here
    for plugin in launch.get_plugins():
        if hasattr(plugin, "launch") and hasattr(plugin, "free_port"):
            cases = [*range(len(CASES))]
            return request.param, plugin.launch(
                tmp_path_factory.mktemp("ranks"), train, request.param, cases, request.param, timeout=120.0
            )
    raise AssertionError("no launcher")


@pytest.mark.parametrize("case", range(len(CASES)))
def test_ranks_take_the_steps_of_one_process(by_ranks: tuple[int, Any], case: int) -> None:
    size, results = by_ranks
    _, decomposition, _ = CASES[case]
    alone = single(case, size)
    for k, (loss, taken, theta) in enumerate(alone):
        ranks = [result[case][k] for result in results]
        assert len({rank[0] for rank in ranks}) == 1, k
        assert all(rank[1] == ranks[0][1] for rank in ranks)
        assert ranks[0][0] == pytest.approx(loss, rel=1e-12)
        assert ranks[0][1][:3] == taken[:3] and ranks[0][1][3] == pytest.approx(taken[3], rel=1e-9)
        if decomposition == "stages":
            found = torch.cat([rank[2] for rank in ranks])
        else:
            found = ranks[0][2]
            assert all(torch.equal(rank[2], found) for rank in ranks), k
        assert float((found - theta).abs().max()) <= 1e-12, k
    if not CASES[case][2].get("adaptive"):
        assert any(taken[1] for _, taken, _ in alone), "no sweep was ever taken"
    assert alone[-1][0] < 0.95 * alone[0][0]
