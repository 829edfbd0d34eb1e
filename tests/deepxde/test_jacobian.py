"""The Jacobian of a DeepXDE model against one reverse pass for each residual."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from deepxde_losses import DIVISIBLE, Build, close, objective_of
from sapts_pinn.objectives.base import ResidualEvaluation
from sapts_pinn.objectives.flat import gather, scatter_


@pytest.mark.parametrize("name", [*DIVISIBLE, "integral", "coupled"])
def test_the_jacobian_is_that_of_the_residuals(build: Build, name: str) -> None:
    """Against rows of reverse passes, one residual at a time, and against the parameters moved on."""
    model = build(name)
    objective = objective_of(model, name)
    evaluation = objective.evaluate()
    assert isinstance(evaluation, ResidualEvaluation)
    calls, _, total = objective.look(network=model.net)
    r = objective.residual(calls, total)
    expected = torch.stack(
        [
            torch.cat(
                [
                    torch.zeros_like(p).reshape(-1) if g is None else g.reshape(-1)
                    for g, p in zip(
                        torch.autograd.grad(one, objective.parameters, retain_graph=True, allow_unused=True),
                        objective.parameters,
                        strict=True,
                    )
                ]
            )
            for one in r
        ]
    )
    theta = gather(objective.parameters)
    scatter_(objective.parameters, theta + 0.1)  # the look stays where it was
    J = evaluation.jacobian()
    assert close(J, expected, 1e-11)
    assert close(J.T @ evaluation.residual(), evaluation.gradient())
    assert 0.5 * float(evaluation.residual().square().sum()) == pytest.approx(evaluation.value, rel=1e-12)
    random = Generator().manual_seed(0)
    v = torch.randn(J.shape[1], generator=random, dtype=J.dtype)
    u = torch.randn(J.shape[0], generator=random, dtype=J.dtype)
    assert close(evaluation.jvp(v), J @ v, 1e-11) and close(evaluation.vjp(u), J.T @ u, 1e-11)
    assert torch.equal(gather(objective.parameters), theta + 0.1)
    pointwise = name not in ("operator-product", "integral", "coupled")
    assert bool(objective.rowwise) == pointwise
