"""Predictions and residuals of a chain of stages, whatever evaluates its loss."""

from __future__ import annotations

import pytest
import torch

from draws import rng
from sapts_pinn.networks.build import build_network
from sapts_pinn.objectives.base import Counters
from sapts_pinn.pipeline.chain_objective import ChainObjective
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.staged_model import StagedModel
from subdomains import problem_of


@pytest.mark.parametrize("name", ["burgers", "kovasznay"])
def test_what_a_chain_predicts_is_what_the_model_does(name: str) -> None:
    problem = problem_of(name)
    sizes = len(problem.ansatz.feature_names), len(problem.unknown_names)
    model = StagedModel(problem, build_network((6, 6), *sizes, rng(), torch.float64), 2)
    sites = {t.name: t.sites(20, rng(5), "uniform") for t in problem.terms}
    points = sites["equation"].points
    losses: list[ChainObjective] = [
        model.objective(sites, Counters(), 1),
        PipelineObjective.of_problem(model.chain(), sites),
    ]
    for loss in losses:
        torch.testing.assert_close(loss.predict(points), model(points).detach(), rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(loss.residuals(points), model.residuals(points), rtol=1e-9, atol=1e-11)
        assert sum(loss.layout.sizes) == sum(p.numel() for p in loss.parameters)
        assert [*loss.layout.owned] == [0, 1] and loss.collective and loss.buffers() == []
