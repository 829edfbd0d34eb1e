"""Looks at the loss of a DeepXDE model speak of the point where they were made."""

from __future__ import annotations

import torch

from deepxde_equations import laplace, model_of
from sapts_pinn.deepxde import DeepXDEObjective
from sapts_pinn.objectives.flat import gather, scatter_


def test_a_gradient_asked_for_late() -> None:
    """The parameters have moved on, and other points have been looked at since."""
    objective = DeepXDEObjective(model_of(laplace))
    _, expected = objective.value_and_grad()
    theta = gather(objective.parameters)
    evaluation = objective.evaluate()
    scatter_(objective.parameters, theta + 1.0)
    objective.value_and_grad()
    half = {group: torch.arange(4) for group in objective.sites}
    objective.restrict(half).value_and_grad()
    assert torch.allclose(evaluation.gradient(), expected, rtol=1e-13)
    assert torch.equal(gather(objective.parameters), theta + 1.0)
