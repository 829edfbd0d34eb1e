"""Objectives cut into subdomains of SAPTS, made consistent at a point."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from draws import randn, rng
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import Objective
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim.radius import RadiusRule
from sapts_pinn.optim.sapts import DECOMPOSITIONS
from sapts_pinn.optim.sapts.decomposition import Cut
from sapts_pinn.optim.sapts.exchange import Division
from sapts_pinn.optim.sapts.subdomain import Subdomain
from sapts_pinn.parallel.communicator import Communicator, SingleProcess
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.stages import ModelStageChain, StageChain
from sapts_pinn.problems import Observations, Problem, build

PROBLEMS = ("burgers", "poisson-2d", "soft")
COUNT = 3
RULE = RadiusRule()


def problem_of(name: str) -> Problem:
    """Two with hard conditions only, one with three terms of different weights, of which one is a pair."""
    if name != "soft":
        return build(name)
    from sapts_pinn.geometry import Interval, Time
    from sapts_pinn.problems import Coefficient, Initial, Periodic

    x = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64)
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u, nu: u.t + u * u.x - nu * u.xx,
        conditions=[
            Periodic("x", hard=False, weight=2.0),
            Initial("u", lambda x: torch.sin(torch.pi * x), hard=False, weight=5.0),
            Observations("u", {"x": x, "t": 0.5 + 0 * x}, torch.sin(x)),
        ],
        coefficients=[Coefficient("nu", 0.1)],
    )


def make(name: str, interior: int = 60, others: int = 12, hidden: tuple[int, ...] = (8, 8)) -> LeastSquares:
    problem = problem_of(name)
    features = len(problem.ansatz.feature_names)
    model = Model(problem, build_network(hidden, features, len(problem.unknown_names), rng(), torch.float64))
    sites = {
        t.name: t.sites(interior if t.name == "equation" else others, rng(5), "uniform")
        for t in problem.terms
    }
    objective = LeastSquares(model, sites)
    perturb(objective)
    return objective


def perturb(objective: Objective) -> None:
    theta = gather(objective.parameters)
    scatter_(objective.parameters, theta + 0.1 * randn(len(theta), seed=9))


def classifier() -> tuple[nn.Module, Tensor, Tensor]:
    x = randn(50, 3, seed=4)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    return net, x, (x[:, 0] * x[:, 1] > 0).long()


def closure() -> ClosureObjective:
    net, x, y = classifier()

    def loss() -> Tensor:
        net.zero_grad()
        value = nn.functional.cross_entropy(net(x), y)
        value.backward()
        return value

    return ClosureObjective(loss, net.parameters(), net)


def pipeline(name: str) -> PipelineObjective:
    if name == "classifier":
        net, x, y = classifier()
        return PipelineObjective.of_data(
            StageChain(net, COUNT), x, lambda out: nn.functional.cross_entropy(out, y)
        )
    whole = make(name)
    return PipelineObjective.of_problem(
        ModelStageChain(whole.model.problem, whole.model.network, COUNT), whole.sites
    )


def cut(
    objective: Objective,
    decomposition: str = "data",
    kind: str = "interleaved",
    parts: int = COUNT,
    overlap: float = 0.0,
    consistent: bool = True,
    additive: bool = True,
    communicator: Communicator | None = None,
) -> Division:
    how = Cut(parts, kind, overlap, consistent, additive, rng(1), communicator or SingleProcess())
    return DECOMPOSITIONS[decomposition].divide(objective, how)


def centred(division: Division) -> tuple[Tensor, Tensor, float]:
    """All parts made consistent here; theta_k, g and f."""
    theta, look = gather(division.whole.parameters), division.whole.evaluate()
    g = look.gradient()
    for part in division.own:
        scatter_(division.whole.parameters, theta)
        part.centre(theta, look, division.base(part, look))
    return theta, g, look.value


def relative(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm())


def check_slopes(part: Subdomain, z: Tensor, seed: int) -> None:
    """Central differences along a random direction of the part's parameters, away from theta_k."""
    for look_at in (z, z + 0.05 * part.extend(part.restrict(randn(len(z), seed=seed)), len(z))):
        d = part.extend(part.restrict(randn(len(z), seed=seed + 1)), len(z))
        h = 1e-5
        slope = (part.evaluate(look_at + h * d).value - part.evaluate(look_at - h * d).value) / (2 * h)
        found = part.evaluate(look_at).gradient()
        size = float(found.norm() * d.norm())
        assert float(found @ part.restrict(d)) == pytest.approx(slope, abs=1e-7 * size)
        assert abs(slope) > 1e-4 * size  # else any two small numbers would do
