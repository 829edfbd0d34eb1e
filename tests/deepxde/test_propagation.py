"""Propagated derivatives of DeepXDE networks: which are needed, and that they are DeepXDE's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import deepxde as dde
import numpy as np
import pytest
import torch
from torch import Tensor

from deepxde_equations import Build, Equation, laplace, model_of
from sapts_pinn.deepxde import DeepXDEObjective
from sapts_pinn.kernels import load
from sapts_pinn.objectives.flat import gather, scatter_

pytestmark = pytest.mark.skipif(load() is None, reason="no compiler here")


def derivative(y: Tensor, x: Tensor, *axes: int) -> Tensor:
    """By PyTorch alone."""
    for axis in axes:
        (slopes,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        y = slopes[:, axis : axis + 1]
    return y


def biharmonic(x: Any, y: Any) -> Any:
    inner = laplace(x, y)
    return laplace(x, inner) + y**2


def third(x: Any, y: Any) -> Any:
    return derivative(y, x, 0, 0, 1) * derivative(y, x, 1) + dde.grad.jacobian(y, x, i=0, j=0)


def conservative(x: Any, y: Any) -> Any:
    """A derivative of a product of derivatives and of what depends on x by itself."""
    flux = (1 + x[:, :1] ** 2) * torch.exp(y) * dde.grad.jacobian(y, x, i=0, j=0)
    return dde.grad.jacobian(flux, x, i=0, j=0)


def both_sides_agree(objective: DeepXDEObjective, tolerance: float = 1e-11) -> None:
    """The value and gradient against DeepXDE's derivatives, at two places."""
    net = objective.model.net
    for _ in range(2):
        found, gradient = objective.value_and_grad()
        total = objective.look(network=net)[2]
        slopes = torch.autograd.grad(total, objective.parameters, materialize_grads=True)
        own = torch.cat([s.reshape(-1) for s in slopes])
        assert found == pytest.approx(float(total.detach()), rel=tolerance)
        assert float((gradient - own).norm()) <= tolerance * float(own.norm())
        scatter_(objective.parameters, 0.7 * gather(objective.parameters) + 0.01)


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("burgers", {(), (0,), (1,), (0, 0)}),
        ("every-condition", {(), (0,), (1,), (0, 0), (1, 1)}),
        ("periodic", {(), (0,), (1,), (0, 0)}),
        ("inverse", {(), (0,), (0, 0)}),
        ("fitting", {()}),
        ("integral", {(), (0,)}),
        ("coupled", {(), (0, 0), (0,)}),  # the first is on the way to the second
    ],
)
def test_only_what_the_losses_need_is_propagated(build: Build, name: str, channels: set[Any]) -> None:
    model = build(name)
    variables = [model.coefficient] if hasattr(model, "coefficient") else []
    objective = DeepXDEObjective(model, parameters=[*model.net.parameters(), *variables])
    assert objective.plan is not None
    assert set(objective.plan.channels.indices) == channels
    both_sides_agree(objective)


@pytest.mark.parametrize("equation", [laplace, biharmonic, third, conservative])
def test_derivatives_are_those_of_deepxde(equation: Equation) -> None:
    objective = DeepXDEObjective(model_of(equation))
    assert objective.plan is not None
    both_sides_agree(objective, 1e-10)


@pytest.mark.parametrize("activation", ["tanh", "sin", "swish", "silu", "gelu", torch.sin])
def test_activations(activation: Any) -> None:
    objective = DeepXDEObjective(model_of(laplace, dde.nn.FNN([2, 8, 8, 1], activation, "Glorot uniform")))
    assert objective.plan is not None
    both_sides_agree(objective)


def test_transforms_of_inputs_and_outputs() -> None:
    """The features depend on the points, and the equation sees the points."""
    net = dde.nn.FNN([4, 8, 8, 1], "tanh", "Glorot uniform")
    net.apply_feature_transform(
        lambda x: torch.cat([torch.sin(3 * x), torch.cos(x[:, :1] * x[:, 1:]), x[:, :1]], 1)
    )
    net.apply_output_transform(lambda x, y: x[:, :1] * (1 - x[:, 1:] ** 2) * y + torch.sin(x[:, :1]))
    objective = DeepXDEObjective(model_of(laplace, net))
    assert objective.plan is not None
    both_sides_agree(objective)


def test_single_precision() -> None:
    dde.config.set_default_float("float32")
    objective = DeepXDEObjective(model_of(laplace))
    assert objective.plan is not None
    both_sides_agree(objective, 1e-4)


def test_a_coefficient_that_starts_at_zero() -> None:
    """A derivative that is multiplied by zero is needed all the same."""
    coefficient = dde.Variable(0.0)
    model = model_of(lambda x, y: dde.grad.jacobian(y, x, j=1) - coefficient * dde.grad.hessian(y, x))
    objective = DeepXDEObjective(model, parameters=[*model.net.parameters(), coefficient])
    assert objective.plan is not None and (0, 0) in objective.plan.channels.indices
    both_sides_agree(objective)
    assert objective.evaluate().gradient()[-1] != 0.0


@pytest.mark.parametrize("factor", [0.0, 0.1])
def test_a_number_that_is_changed_by_and_by(factor: float) -> None:
    """As in a curriculum: it may start at zero."""
    now = [factor]

    def equation(x: Any, y: Any) -> Any:
        return dde.grad.jacobian(y, x, i=0, j=1) - now[0] * dde.grad.hessian(y, x, i=0, j=0)

    objective = DeepXDEObjective(model_of(equation))
    assert objective.plan is not None
    both_sides_agree(objective)
    now[0] = 0.3
    both_sides_agree(objective)
    assert objective.plan is not None


def test_an_equation_that_takes_another_branch() -> None:
    """A derivative that was not asked for before: DeepXDE's own take over, also in parts."""
    late = [False]

    def equation(x: Any, y: Any) -> Any:
        first = dde.grad.jacobian(y, x, i=0, j=1)
        return first + dde.grad.hessian(y, x, i=0, j=0) if late[0] else first

    objective = DeepXDEObjective(model_of(equation))
    part = objective.restrict({group: torch.arange(6) for group in objective.sites})
    assert objective.plan is not None and part.plan is not None
    for one in (objective, part):
        both_sides_agree(one)
    late[0] = True
    for one in (objective, part):
        both_sides_agree(one)
        assert one.plan is None


def test_a_loss_that_is_not_finite_does_not_change_how_it_is_computed() -> None:
    objective = DeepXDEObjective(model_of(laplace))
    scatter_(objective.parameters, torch.full_like(gather(objective.parameters), float("nan")))
    assert np.isnan(objective.value())
    assert objective.plan is not None


def fifth(x: Any, y: Any) -> Any:
    return derivative(y, x, 0, 0, 0, 0, 0)


def detached(x: Any, y: Any) -> Any:
    """A part that is not to be differentiated, which DeepXDE's derivative honours."""
    return y.detach() * dde.grad.jacobian(y, x, i=0, j=0) + dde.grad.hessian(y, x, i=0, j=0)


def by_network(x: Any, y: Any) -> Any:
    """Calls the network by itself, at other points."""
    return y - NETS[-1](x + 0.1)


NETS: list[Any] = []


def plain(activation: Any = "tanh", **options: Any) -> Any:
    NETS.append(dde.nn.FNN([2, 8, 8, 1], activation, "Glorot uniform", **options))
    return NETS[-1]


def frozen() -> Any:
    net = plain()
    net.linears[0].weight.requires_grad_(False)
    return net


def hooked() -> Any:
    net = plain()
    net.register_forward_hook(lambda module, args, y: 2 * y)
    return net


class Doubled(dde.nn.FNN):  # type: ignore[misc]
    """A network of a user's own."""

    def forward(self, inputs: Tensor) -> Tensor:
        return 2 * super().forward(inputs)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("equation", "net"),
    [
        (laplace, lambda: plain("sigmoid")),
        (laplace, lambda: plain(["tanh", "sin", "tanh"])),
        (laplace, lambda: dde.nn.PFNN([2, [4], [4], 1], "tanh", "Glorot uniform")),
        (laplace, lambda: Doubled([2, 8, 8, 1], "tanh", "Glorot uniform")),
        (laplace, hooked),
        (laplace, frozen),
        (fifth, plain),
    ],
    ids=["sigmoid", "mixed", "pfnn", "subclass", "hook", "frozen", "order 5"],
)
def test_what_cannot_be_propagated_is_left_to_deepxde(equation: Equation, net: Callable[[], Any]) -> None:
    model = model_of(equation, net())
    objective = DeepXDEObjective(model, parameters=[p for p in model.net.parameters() if p.requires_grad])
    assert objective.plan is None
    both_sides_agree(objective)


@pytest.mark.parametrize("equation", [detached, by_network], ids=["detach", "network"])
def test_unusual_equations_keep_their_meaning(equation: Equation) -> None:
    both_sides_agree(DeepXDEObjective(model_of(equation, plain())))


def test_forward_mode_is_left_to_deepxde(build: Build) -> None:
    dde.config.set_default_autodiff("forward")
    try:
        assert DeepXDEObjective(build("forward")).plan is None
    finally:
        dde.config.set_default_autodiff("reverse")


def test_the_network_is_as_it_was(build: Build) -> None:
    """Looking for a plan leaves parameters, gradients and mode alone."""
    model = build("burgers")
    before, state = gather(list(model.net.parameters())), np.random.get_state()[1]
    random = torch.get_rng_state()
    model.net.train(False)
    DeepXDEObjective(model)
    assert torch.equal(gather(list(model.net.parameters())), before)
    assert all(p.grad is None for p in model.net.parameters())
    assert np.array_equal(np.random.get_state()[1], state) and torch.equal(torch.get_rng_state(), random)


def test_a_model_that_is_not_propagated_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING", logger="sapts_pinn"):
        objective = DeepXDEObjective(model_of(laplace, dde.nn.FNN([2, 8, 1], "elu", "Glorot uniform")))
        objective.restrict({name: torch.arange(2) for name in objective.sites}).evaluate()
        objective.copy().evaluate()
    assert not objective.compiled and objective.slow_path is not None
    assert [record.getMessage() for record in caplog.records] == [objective.slow_path]
    fast = DeepXDEObjective(model_of(laplace, dde.nn.FNN([2, 8, 1], "tanh", "Glorot uniform")))
    assert fast.compiled == (load() is not None) and (fast.slow_path is None) == fast.compiled
