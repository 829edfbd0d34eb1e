"""A model that one process holds whole, as the training sees it."""

from __future__ import annotations

import pytest
import torch

from divided import whole_of
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import Counters
from sapts_pinn.objectives.flat import gather
from sapts_pinn.objectives.least_squares import LeastSquares, residuals
from sapts_pinn.pipeline.trainable_model import WholeModel


def models(name: str) -> tuple[LeastSquares, WholeModel]:
    """A loss, and the model of it behind the interface."""
    loss = whole_of(name)
    model = WholeModel(loss.model.problem, loss.model.network)
    model.load_state_dict(loss.model.state_dict())
    return loss, model


@pytest.mark.parametrize("name", ["burgers", "inverse"])
def test_a_whole_model_is_the_model_and_its_loss_the_least_squares(name: str) -> None:
    loss, model = models(name)
    points, counters = loss.sites["equation"].points, Counters()
    objective = model.objective(loss.sites, counters, 1)
    assert objective.counters is counters and objective.model is model
    assert objective.value() == loss.value()
    assert torch.equal(objective.evaluate().gradient(), loss.evaluate().gradient())
    assert torch.equal(model.residuals(points), residuals(loss.model, points))
    assert torch.equal(model(points), loss.model(points)) and model.values() == loss.model.values()
    assert torch.equal(gather(list(model.parameters())), gather(loss.parameters))
    assert model.assemble() is model and isinstance(model, Model) and model.can_be_freed


@pytest.mark.parametrize("name", ["burgers", "inverse"])
def test_the_typical_rate_is_the_median_over_the_points_of_the_squared_rows(name: str) -> None:
    """By one reverse pass for each residual of the term in units of its own, not averaged over points."""
    loss, model = models(name)
    for term in model.problem.terms:
        sites = loss.sites[term.name]
        count = len(sites.points) // sites.fold
        piece = LeastSquares(model, {term.name: sites})
        J = count**0.5 * torch.stack(
            [piece.evaluate().vjp(row) for row in torch.eye(term.rows * count).double()]
        )
        squares = J.square().sum(1).view(term.rows, count).sum(0)
        assert model.typical_rate(term, sites, count) == pytest.approx(float(squares.median()), rel=1e-10)
