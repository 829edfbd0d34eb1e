"""The loss of a DeepXDE model as an objective: DeepXDE's own values, its parts, its Jacobian."""

from __future__ import annotations

from typing import Any

import deepxde as dde
import pytest
import torch
from torch import Generator, Tensor

from deepxde_losses import DIVISIBLE, WEIGHTED, Build, close, objective_of, trained
from sapts_pinn.deepxde import DeepXDEObjective
from sapts_pinn.objectives.base import ResidualEvaluation
from sapts_pinn.objectives.flat import gather
from sapts_pinn.objectives.partition import data_parts


def native(
    model: Any, loss: Any = "MSE", weights: Any = None, parameters: Any = None
) -> tuple[float, Tensor]:
    """Loss and gradient [n] by DeepXDE's own code."""
    dde.Model.compile.__wrapped__(model, "adam", lr=1e-3, loss=loss, loss_weights=weights)
    data = model.data
    losses = model.outputs_losses_train(data.train_x, data.train_y, getattr(data, "train_aux_vars", None))[1]
    total = losses.sum()
    found = torch.autograd.grad(total, parameters or trained(model), allow_unused=True)
    pieces = zip(found, parameters or trained(model), strict=True)
    return float(total.detach()), torch.cat(
        [torch.zeros_like(p).reshape(-1) if g is None else g.reshape(-1) for g, p in pieces]
    )


@pytest.mark.parametrize("name", [*DIVISIBLE, "integral", "coupled"])
def test_value_and_gradient_are_those_of_deepxde(build: Build, name: str) -> None:
    model = build(name)
    value, gradient = native(model, weights=WEIGHTED.get(name))
    objective = objective_of(model, name)
    found, g = objective.value_and_grad()
    assert found == pytest.approx(value, rel=1e-13) and close(g, gradient)
    assert objective.squares
    assert sum(objective.last_terms.values()) == pytest.approx(value, rel=1e-13)


OLD = tuple(map(int, dde.__version__.split(".")[:2])) < (1, 14)


@pytest.mark.parametrize(
    ("kind", "factor"),
    [
        pytest.param(
            "l1", 1e-2, marks=pytest.mark.skipif(OLD, reason="DeepXDE did not have it with PyTorch")
        ),
        ("l2", 1e-2),
    ],
)
def test_regularisation_is_part_of_the_loss(build: Build, kind: str, factor: float) -> None:
    model = build("burgers", regularization=[kind, factor])
    value, gradient = native(model)
    theta = gather(list(model.net.parameters()))
    if kind == "l2":  # DeepXDE hands it to its optimizers as weight decay
        value, gradient = value + 0.5 * factor * float(theta.square().sum()), gradient + factor * theta
    objective = objective_of(model)
    found, g = objective.value_and_grad()
    assert found == pytest.approx(value, rel=1e-13) and close(g, gradient)
    assert objective.squares == (kind == "l2")
    parts = data_parts(objective.sites, 3, "interleaved", Generator().manual_seed(1), ()).owned
    pieces = [objective.restrict(part).value_and_grad() for part in parts]
    assert sum(v for v, _ in pieces) == pytest.approx(value, rel=1e-12)
    if kind == "l2":
        look = objective.evaluate()
        assert isinstance(look, ResidualEvaluation)
        assert close(look.jacobian().T @ look.residual(), g)


def absolute(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().mean()


@pytest.mark.parametrize(
    ("loss", "squares"),
    [
        ("MSE", True),
        (absolute, False),
        (["MSE", "MSE", absolute], False),
        (["MSE"] * 3, True),
        (lambda a, b: ((a - b) ** 4).mean(), False),
    ],
)
def test_loss_functions(build: Build, loss: Any, squares: bool) -> None:
    model = build("burgers")
    value, gradient = native(model, loss=loss)
    objective = DeepXDEObjective(model, loss)
    found, g = objective.value_and_grad()
    assert found == pytest.approx(value, rel=1e-13) and close(g, gradient)
    assert objective.squares == squares == isinstance(objective.evaluate(), ResidualEvaluation)
    assert objective.adds_up()


def test_a_negative_weight_leaves_no_squares(build: Build) -> None:
    assert not DeepXDEObjective(build("burgers"), loss_weights=[1.0, -1.0, 1.0]).squares


def test_forward_mode(build: Build) -> None:
    """DeepXDE's other way of differentiating, with an equation written for it."""
    dde.config.set_default_autodiff("forward")
    try:
        model = build("forward")
        value, gradient = native(model)
        objective = objective_of(model)
        found, g = objective.value_and_grad()
        assert found == pytest.approx(value, rel=1e-13) and close(g, gradient)
        assert objective.adds_up()
    finally:
        dde.config.set_default_autodiff("reverse")


def test_mixed_precision_is_refused(build: Build) -> None:
    model = build("burgers")
    variable = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float32))
    with pytest.raises(ValueError, match=r"torch.float32, torch.float64; call dde.config.set_default_float"):
        DeepXDEObjective(model, parameters=[*model.net.parameters(), variable])
