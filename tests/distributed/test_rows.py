"""A dense curvature whose rows real processes divide: the steps of one process, with each matrix a share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from draws import rng
from sapts_pinn import solve
from sapts_pinn.callbacks import Callback
from sapts_pinn.callbacks.base import RunView
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import Objective
from sapts_pinn.objectives.data_parallel import DataParallelObjective
from sapts_pinn.objectives.flat import gather
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.objectives.partition import data_parts
from sapts_pinn.optim import SAPTS, SSBroyden, Sweep, TrustRegion
from sapts_pinn.optim.curvature import make
from sapts_pinn.parallel.communicator import Communicator, SingleProcess
from sapts_pinn.parallel.torchrun import connect
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.stages import ModelStageChain
from sapts_pinn.problems import build

PARTS, STEPS = 2, 25
HIDDEN = (7, 6, 5)
METHODS = ("trust region", "parameters", "stages", "data")


def whole_objective() -> LeastSquares:
    problem, generator = build("burgers"), rng()
    network = build_network(HIDDEN, len(problem.ansatz.feature_names), 1, generator, torch.float64)
    sites = {term.name: term.sites(60, generator, "uniform") for term in problem.terms}
    return LeastSquares(Model(problem, network), sites)


def summed(objective: LeastSquares, ranks: Communicator) -> Objective:
    """The sum over two thinned copies of the points, of which each of two ranks has one."""
    parts = data_parts(objective.sites, PARTS, "interleaved", rng(), ()).owned
    own = [objective.restrict(part) for part in parts]
    mine = own if ranks.size == 1 else [own[ranks.rank]]
    return DataParallelObjective(mine, ranks, dict.fromkeys(objective.term_names, 0.0))


def objective_of(name: str, ranks: Communicator) -> Objective:
    objective = whole_objective()
    if name == "trust region":
        return summed(objective, ranks)
    if name != "stages":
        return objective
    chain = ModelStageChain(objective.model.problem, objective.model.network, PARTS, ranks)
    return PipelineObjective.of_problem(chain, objective.sites)


def optimizer_of(name: str, objective: Objective, ranks: Communicator) -> TrustRegion:
    if name == "trust region":
        return TrustRegion(objective.parameters, "ssbroyden", communicator=ranks)
    sweep = Sweep("layers", order="additive", visits=0, local_steps=3, global_steps=1, adaptive=False)
    if name == "data":
        sweep = Sweep(order="additive", visits=0, local_steps=3, adaptive=False)
    return SAPTS(objective.parameters, name, PARTS, None, sweep=sweep, communicator=ranks)


def attempt(name: str, ranks: Communicator) -> dict[str, Any]:
    """Steps of which the second half goes on from the state that the first has left."""
    objective = objective_of(name, ranks)
    optimizer = optimizer_of(name, objective, ranks)
    steps: list[tuple[float, Any, float, Tensor]] = []
    for k in range(STEPS):
        if k == STEPS // 2:
            state, optimizer = optimizer.state_dict(), optimizer_of(name, objective, ranks)
            optimizer.load_state_dict(state)
        loss = float(optimizer.step(objective))
        steps.append((loss, optimizer.info["accepted"], optimizer.radius, gather(objective.parameters)))
    model = optimizer.curvature
    assert type(model) is SSBroyden and model.H is not None
    return {"steps": steps, "H": model.H, "divided": optimizer.divided}


RUNS: dict[str, dict[str, Any]] = {
    "tr": {"problem": "burgers", "points": 60, "condition_points": 10},
    "sapts-ip": {"problem": "klein-gordon", "points": 60, "condition_points": 10, "parts": PARTS},
}


def run(method: str, budget: str, ranks: Communicator, **folder: str) -> float:
    """The loss at the end."""
    settings = dict(RUNS[method])
    problem = build(settings.pop("problem"))
    solution = solve(
        problem, method=method, budget=budget, network=HIDDEN, communicator=ranks, **settings, **folder
    )
    loss: float = solution.history[-1]["loss"]
    return loss


def train(out: str) -> dict[str, Any]:
    """Every method, and runs of two methods whose folder is written."""
    torch.set_num_threads(1)
    make.DIVIDED = 0  # as if the network were large
    ranks = connect()
    found: dict[str, Any] = {name: attempt(name, ranks) for name in METHODS}
    for method in RUNS:
        folder = f"{out}/{method}"
        first = run(method, "6 iterations", ranks, out=folder)
        found[f"solve {method}"] = first, run(method, "9 iterations", ranks, resume=folder)
    return found


class Broken(Callback):
    """A callback that fails on rank 0 alone."""

    def on_step(self, trainer: RunView) -> None:
        if trainer.communicator.rank == 0 and trainer.iteration == 4:
            raise ZeroDivisionError


def fail_alone(divides_from: int, out: str) -> str:
    make.DIVIDED = divides_from
    settings = {**RUNS["tr"], "problem": build("burgers"), "network": HIDDEN, "communicator": connect()}
    try:
        solve(**settings, method="tr", budget="9 iterations", callbacks=[Broken()], out=out)
    except (ZeroDivisionError, RuntimeError) as error:
        return type(error).__name__
    return ""


@pytest.mark.parametrize("divided", [True, False])
def test_a_rank_that_fails_alone_asks_the_others_for_no_rows(
    run_ranks: Callable[..., list[Any]], tmp_path: Path, divided: bool
) -> None:
    """Rank 0 writes the state of its last step only where all of it is its own."""
    found = run_ranks(fail_alone, 2, 0 if divided else 10_000, str(tmp_path / "run"))
    assert found[0] == "ZeroDivisionError" and found[1] == "RankFailure"
    assert (tmp_path / "run" / "checkpoint.pt").exists() != divided


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as on the ranks
    try:
        return {name: attempt(name, SingleProcess()) for name in METHODS}
    finally:
        torch.set_num_threads(threads)


def test_ranks_that_divide_rows_take_the_steps_of_one_process(
    run_ranks: Callable[..., list[Any]], alone: dict[str, Any], tmp_path: Path
) -> None:
    results = run_ranks(train, 2, str(tmp_path), timeout=300.0)
    for name in METHODS:
        check_steps(name, alone[name]["steps"], [result[name]["steps"] for result in results])
        check_rows(name, alone[name]["H"], [result[name] for result in results])
    for method in RUNS:
        (loss, longer), other = (result[f"solve {method}"] for result in results)
        assert (loss, longer) == other and longer < loss
    one = run("tr", "12 iterations", SingleProcess(), resume=str(tmp_path / "tr"))
    assert one < results[0]["solve tr"][1]


def check_steps(name: str, alone: list[Any], ranks: list[list[Any]]) -> None:
    """Products of some rows may differ in the last bits from those of all, which grow with every step."""
    for k, (loss, accepted, radius, theta) in enumerate(alone):
        tolerance, its = (1e-9 if k < STEPS // 2 else 1e-6), [steps[k] for steps in ranks]
        assert its[0][:3] == its[1][:3], (name, k)
        assert its[0][1] == accepted, (name, k)
        assert its[0][::2][:2] == pytest.approx((loss, radius), rel=tolerance), (name, k)
        vectors = [rank[3] for rank in its]
        assert name == "stages" or torch.equal(*vectors), (name, k)
        found = torch.cat(vectors) if name == "stages" else vectors[0]
        assert float((found - theta).abs().max()) <= tolerance * max(1.0, float(theta.abs().max())), (name, k)
    assert alone[-1][0] < 0.8 * alone[0][0], name


def check_rows(name: str, alone: Tensor, ranks: list[dict[str, Any]]) -> None:
    """Each rank holds its rows of the matrix; where subdomains take steps alone, it holds them all."""
    n, held = len(alone), [len(rank["H"]) for rank in ranks]
    assert {rank["H"].shape[1] for rank in ranks} == {n}
    if name == "data":
        assert held == [n, n] and not any(rank["divided"] for rank in ranks)
        return
    assert all(rank["divided"] for rank in ranks) and sum(held) == n and 0 < held[0] < n
    assert name == "stages" or abs(held[0] - held[1]) <= 1
