"""The loss of a DeepXDE model as an objective: DeepXDE's own values, its parts, its Jacobian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import deepxde as dde
import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from sapts_pinn.deepxde import DeepXDEObjective
from sapts_pinn.objectives.base import ResidualEvaluation
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.partition import data_parts

Build = Callable[..., Any]
DIVISIBLE = [
    "burgers",
    "every-condition",
    "periodic",
    "inverse",
    "inverse-batches",
    "operator",
    "operator-product",
    "fitting",
]
CUTTABLE = DIVISIBLE[:-2]  # into regions: points of an equation
WEIGHTED = {"burgers": [2.0, 3.0, 0.5], "every-condition": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}


def trained(model: Any) -> list[Tensor]:
    variables = [model.coefficient] if hasattr(model, "coefficient") else []
    return [*model.net.parameters(), *variables]


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


def objective_of(model: Any, name: str = "") -> DeepXDEObjective:
    return DeepXDEObjective(model, loss_weights=WEIGHTED.get(name), parameters=trained(model))


def close(a: Tensor, b: Tensor, tolerance: float = 1e-12) -> bool:
    return float((a - b).norm()) <= tolerance * float(b.norm() + 1.0)


@pytest.mark.parametrize("name", [*DIVISIBLE, "integral", "coupled"])
def test_value_and_gradient_are_those_of_deepxde(build: Build, name: str) -> None:
    model = build(name)
    value, gradient = native(model, weights=WEIGHTED.get(name))
    objective = objective_of(model, name)
    found, g = objective.value_and_grad()
    assert found == pytest.approx(value, rel=1e-13) and close(g, gradient)
    assert objective.squares
    assert sum(objective.last_terms.values()) == pytest.approx(value, rel=1e-13)


@pytest.mark.parametrize(
    ("name", "kind"),
    [(n, k) for n in DIVISIBLE for k in ("interleaved", "random", "slabs") if k != "slabs" or n in CUTTABLE],
)
def test_the_parts_add_up_to_the_whole(build: Build, name: str, kind: str) -> None:
    model = build(name)
    objective = objective_of(model, name)
    kind = objective.coordinates[0] if kind == "slabs" else kind
    value, gradient = objective.value_and_grad()
    parts = data_parts(objective.sites, 3, kind, Generator().manual_seed(1), objective.coordinates).owned
    pieces = [objective.restrict(part) for part in parts]
    found = [piece.value_and_grad() for piece in pieces]
    assert sum(v for v, _ in found) == pytest.approx(value, rel=1e-12)
    assert close(torch.stack([g for _, g in found]).sum(0), gradient)
    assert sum(piece.share for piece in pieces) == pytest.approx(1.0)
    # and so do the parts of a part, while a sample estimates the whole by itself
    again = data_parts(pieces[0].sites, 2, "interleaved", Generator().manual_seed(1), ()).owned
    halves = [pieces[0].restrict(part).value() for part in again]
    assert sum(halves) == pytest.approx(pieces[0].value(), rel=1e-12)
    everything = {group: torch.arange(len(s.points) // s.fold) for group, s in objective.sites.items()}
    assert objective.restrict(everything, estimate=True).value() == pytest.approx(value, rel=1e-12)
    sample = objective.restrict(parts[0], estimate=True)
    assert sample.restrict(parts_of(sample), estimate=True).value() == pytest.approx(
        sample.value(), rel=1e-12
    )


def parts_of(objective: DeepXDEObjective) -> dict[str, Tensor]:
    return {group: torch.arange(len(s.points) // s.fold) for group, s in objective.sites.items()}


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


def test_a_residual_of_several_points_is_found_out(build: Build) -> None:
    assert not DeepXDEObjective(build("coupled")).adds_up()
    with pytest.raises(TypeError, match=r"IDE cannot be divided.*use 'tr', or 'sapts-p'"):
        DeepXDEObjective(build("integral")).restrict({})


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


def test_boundary_values_are_those_of_the_points(build: Build) -> None:
    """DeepXDE keeps them by the `id` of an array, which another array may have by now."""
    model = build("burgers", distribution="pseudo")
    stale = 0
    for _ in range(30):
        model.data.resample_train_points()
        objective = DeepXDEObjective(model)
        data = model.data
        start, end = data.num_bcs[0], sum(data.num_bcs)
        with torch.no_grad():
            u = model.net(torch.as_tensor(data.train_x[start:end]))
        exact = torch.as_tensor(-np.sin(np.pi * data.train_x[start:end, 0:1]))
        objective.evaluate()
        stale += abs(objective.last_terms["condition 2"] - float((u - exact).square().mean())) > 1e-12
    assert stale == 0


def test_mixed_precision_is_refused(build: Build) -> None:
    model = build("burgers")
    variable = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float32))
    with pytest.raises(ValueError, match=r"torch.float32, torch.float64; call dde.config.set_default_float"):
        DeepXDEObjective(model, parameters=[*model.net.parameters(), variable])
