"""A whole model whose loss can be looked at stage by stage."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from draws import rng
from sapts_pinn.errors import InputError
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.modified_mlp import ModifiedMLP
from sapts_pinn.objectives.base import Counters
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.pipeline.staged_model import StagedModel
from sapts_pinn.problems import Problem, build


def staged(problem: Problem, parts: int = 2, network: nn.Module | None = None) -> StagedModel:
    sizes = len(problem.ansatz.feature_names), len(problem.unknown_names)
    return StagedModel(problem, network or build_network((6, 6), *sizes, rng(), torch.float64), parts)


@pytest.mark.parametrize("name", ["burgers", "burgers-inverse", "kovasznay"])
def test_the_loss_is_that_of_the_whole_and_stages_are_consistent_with_it(name: str) -> None:
    model, generator = staged(build(name)), rng()
    sites = {term.name: term.sites(40, generator, "uniform") for term in model.problem.terms}
    objective = model.objective(sites, Counters(), 1)
    whole = LeastSquares(model, sites).evaluate()
    evaluation = objective.evaluate()
    assert evaluation.value == pytest.approx(whole.value, rel=1e-13)
    assert torch.allclose(evaluation.gradient(), whole.gradient(), rtol=1e-10, atol=1e-13)
    own = [evaluation.local(stage).evaluate().gradient() for stage in range(2)]
    assert torch.allclose(torch.cat(own), whole.gradient(), rtol=1e-8, atol=1e-11)


def test_gates_belong_to_the_stages() -> None:
    burgers = build("burgers")
    model = staged(burgers, 2, ModifiedMLP([len(burgers.ansatz.feature_names), 8, 8, 1]).double())
    assert sum(p.numel() for p in model.chain().parameters()) == sum(p.numel() for p in model.parameters())


def test_what_has_no_such_stages_is_refused() -> None:
    burgers = build("burgers")
    with pytest.raises(InputError, match="cannot be cut into 9 stages"):
        staged(burgers, 9)
    network = staged(burgers).network
    network.register_parameter("beside", nn.Parameter(torch.zeros(1)))
    with pytest.raises(InputError, match="leave out its parameter beside"):
        staged(burgers, 2, network)
    with pytest.raises(InputError, match="symmetry=False"):
        staged(burgers).free()
