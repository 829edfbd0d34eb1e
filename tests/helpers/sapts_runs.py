"""Small runs of SAPTS, for tests of what a whole run does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from draws import rng
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import Objective
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim import SAPTS, Sweep
from sapts_pinn.optim.methods import METHODS
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.stages import ModelStageChain
from sapts_pinn.problems import build

DECOMPOSITIONS = ("data", "parameters", "stages")
PARTS = 3


def pinn(
    name: str = "burgers", points: int = 90, hidden: tuple[int, ...] = (8, 8), seed: int = 0
) -> LeastSquares:
    problem, generator = build(name), rng(seed)
    network = build_network(hidden, len(problem.ansatz.feature_names), 1, generator, torch.float64)
    return LeastSquares(
        Model(problem, network), {t.name: t.sites(points, generator, "uniform") for t in problem.terms}
    )


def objective_of(decomposition: str, **options: Any) -> LeastSquares | PipelineObjective:
    whole = pinn(**options)
    if decomposition != "stages":
        return whole
    return PipelineObjective.of_problem(
        ModelStageChain(whole.model.problem, whole.model.network, PARTS), whole.sites
    )


def sapts(objective: Objective, decomposition: str, curvature: str = "ssbroyden", **options: Any) -> SAPTS:
    """Options of the sweep and of the optimizer together; stages get what they can have."""
    if decomposition == "stages" and curvature == "gauss-newton":
        curvature = "lsr1"
    own = {k: options.pop(k) for k in ("parts", "radius", "rule") if k in options}
    options = {"kind": "layers" if decomposition == "parameters" else "interleaved", **options}
    return SAPTS(
        objective.parameters,
        decomposition,
        **{"parts": PARTS, **own},
        curvature=curvature,
        sweep=Sweep(**options),
    )


def rosenbrock(x: Tensor) -> Tensor:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def closure_of(function: Callable[[Tensor], Tensor], *tensors: nn.Parameter) -> ClosureObjective:
    """Of several tensors side by side, each a layer of its own."""

    def closure() -> Tensor:
        for t in tensors:
            t.grad = None
        f = function(torch.cat([t.reshape(-1) for t in tensors]))
        f.backward()
        return f

    return ClosureObjective(closure, tensors)


COMBINATIONS = [
    ("data", {}),
    ("data", {"order": "additive", "visits": 0}),
    ("data", {"order": "additive", "visits": 0, "combination": "subspace", "overlap": 0.3, "kind": "random"}),
    ("data", {"pooled": False, "visits": 2, "global_steps": 1, "kind": "bisection"}),
    ("data", {"pooled": False, "order": "additive", "local_curvature": "lsr1", "consistent": False}),
    ("data", {"batch": 0.2, "kind": "random"}),
    ("data", {"batch": 0.2, "order": "additive", "visits": 0, "adaptive": False, "local_steps": 2}),
    ("data", {"curvature": "gauss-newton", "order": "additive", "visits": 0}),
    ("data", {"curvature": "lsr1", "order": "additive", "combination": "mean", "global_steps": 2}),
    ("data", {"curvature": "identity", "visits": 0}),
    ("parameters", {}),
    ("parameters", {"adaptive": False, "order": "additive", "visits": 0, "global_steps": 1}),
    (
        "parameters",
        {
            "adaptive": False,
            "pooled": False,
            "kind": "neurons",
            "combination": "subspace",
            "order": "additive",
        },
    ),
    ("parameters", {"adaptive": False, "curvature": "gauss-newton", "kind": "tensors", "visits": 2}),
    ("stages", {"order": "additive", "visits": 0, "global_steps": 1}),
    (
        "stages",
        {
            "adaptive": False,
            "curvature": "identity",
            "combination": "subspace",
            "order": "additive",
            "visits": 0,
        },
    ),
]

SAPTS_METHODS = [name for name, method in METHODS.items() if method.divides]
