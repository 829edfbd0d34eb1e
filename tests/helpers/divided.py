"""Least-squares losses of problems, whole and in stages over ranks."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from draws import randn, rng
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.embeddings import FourierFeatures
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.modified_mlp import ModifiedMLP
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.parallel.communicator import Communicator
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.stages import ModelStageChain
from sapts_pinn.problems import Coefficient, Initial, Observations, Problem, Sites, build


def perturb(parameters: list[Tensor], amount: float = 0.1) -> None:
    """Away from zero biases, where some derivatives vanish."""
    scatter_(parameters, gather(parameters) + amount * randn(sum(p.numel() for p in parameters), seed=9))


@cache
def inverse() -> Problem:
    x = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64)
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u, nu, c: u.t + c * u * u.x - nu * u.xx,
        conditions=[
            Observations("u", {"x": x, "t": 0.5 + 0 * x}, torch.sin(x)),
            Initial("u", lambda x: -torch.sin(torch.pi * x), hard=False),
        ],
        coefficients=[Coefficient("nu", 0.1), Coefficient("c", 1.3)],
    )


def problem_of(name: str) -> Problem:
    return inverse() if name == "inverse" else build(name)


def embedded(inputs: int, outputs: int) -> nn.Module:
    fourier = FourierFeatures(inputs, 2, 0.5, rng(1))
    return nn.Sequential(nn.Sequential(fourier, nn.Identity()), MLP((4, 5, 4, 3, outputs), "sin"))


NETWORKS: dict[str, Any] = {
    "widths": (6, 5, 4),
    "modified": lambda i, o: ModifiedMLP((i, 4, 4, 4, o)),
    "embedded": embedded,
}
PROBLEMS = ["burgers", "poisson-2d", "allen-cahn", "inverse"]


def network_of(problem: Problem, kind: str = "widths") -> nn.Module:
    counts = len(problem.ansatz.feature_names), len(problem.unknown_names)
    return build_network(NETWORKS[kind], *counts, rng(), torch.float64)


def sites_of(problem: Problem, n: int = 11) -> dict[str, Sites]:
    generator = rng(5)
    return {t.name: t.sites(n, generator, "uniform") for t in problem.terms}


def whole_of(name: str, kind: str = "widths") -> LeastSquares:
    problem = problem_of(name)
    objective = LeastSquares(Model(problem, network_of(problem, kind)), sites_of(problem))
    perturb(objective.parameters)
    return objective


def divided(
    name: str, parts: int, communicator: Communicator | None = None, kind: str = "widths"
) -> PipelineObjective:
    """Divide the objective of `whole_of` into stages."""
    whole = whole_of(name, kind)
    chain = ModelStageChain(whole.model.problem, network_of(whole.model.problem, kind), parts, communicator)
    chain.load_state_dict(whole.model.state_dict())
    return PipelineObjective.of_problem(chain, whole.sites)


def close(a: Tensor, b: Tensor) -> bool:
    return float((a - b).norm()) <= 1e-12 * float(b.norm())


def classifier() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Unflatten(1, (1, 6, 6)),
        nn.Conv2d(1, 3, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(48, 7),
        nn.GELU(),
        nn.LayerNorm(7),
        nn.Linear(7, 4),
    ).double()
