"""Small DeepXDE models of every kind, by the fixture `build`: build("burgers") -> model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import sapts_pinn.deepxde  # noqa: F401  (registers, and sees to the backend)

dde = pytest.importorskip("deepxde")
torch.set_default_device(None)  # DeepXDE takes a GPU for it; `test_placing.py` tests that
Model = Any


@pytest.fixture(autouse=True)
def _global_settings() -> Iterator[None]:
    """DeepXDE's precision and random state are global."""
    before = torch.get_default_dtype()
    dde.config.set_default_float("float64")
    dde.config.set_random_seed(0)
    yield
    dde.config.set_default_float("float32" if before == torch.float32 else "float64")
    torch.set_default_dtype(before)


def on_boundary(_: Any, on: bool) -> bool:
    return on


def burgers_equation(x: Any, y: Any) -> Any:
    y_x, y_t = dde.grad.jacobian(y, x, i=0, j=0), dde.grad.jacobian(y, x, i=0, j=1)
    return y_t + y * y_x - 0.01 / np.pi * dde.grad.hessian(y, x, i=0, j=0)


def network(inputs: int = 2, outputs: int = 1, regularization: Any = None) -> Any:
    return dde.nn.FNN([inputs, 8, 8, outputs], "tanh", "Glorot normal", regularization=regularization)


def burgers(regularization: Any = None, distribution: str = "Hammersley", points: int = 100) -> Model:
    domain = dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 0.99))
    boundary = dde.icbc.DirichletBC(domain, lambda x: 0, on_boundary)
    initial = dde.icbc.IC(domain, lambda x: -np.sin(np.pi * x[:, 0:1]), lambda _, on: on)
    data = dde.data.TimePDE(
        domain,
        burgers_equation,
        [boundary, initial],
        num_domain=points,
        num_boundary=10,
        num_initial=20,
        train_distribution=distribution,
    )
    return dde.Model(data, network(regularization=regularization))


def every_condition() -> Model:
    """Two equations, auxiliary variables, Dirichlet, Neumann, Robin, operator."""
    domain = dde.geometry.Rectangle([0, 0], [1, 1])

    def equations(x: Any, y: Any, extra: Any) -> Any:
        u_xx = dde.grad.hessian(y, x, component=0, i=0, j=0)
        v_yy = dde.grad.hessian(y, x, component=1, i=1, j=1)
        return [u_xx + y[:, 1:2] - extra, v_yy - y[:, 0:1] ** 2]

    def slope(inputs: Any, outputs: Any, _: Any) -> Any:
        return dde.grad.jacobian(outputs, inputs, i=1, j=0) - outputs[:, 0:1]

    conditions = [
        dde.icbc.DirichletBC(domain, lambda x: x[:, 0:1], lambda x, on: on and np.isclose(x[0], 0)),
        dde.icbc.NeumannBC(
            domain, lambda x: x[:, 1:2], lambda x, on: on and np.isclose(x[0], 1), component=1
        ),
        dde.icbc.RobinBC(domain, lambda _, y: y[:, 0:1], lambda x, on: on and np.isclose(x[1], 0)),
        dde.icbc.OperatorBC(domain, slope, lambda x, on: on and np.isclose(x[1], 1)),
    ]
    data = dde.data.PDE(
        domain,
        equations,
        conditions,
        num_domain=60,
        num_boundary=40,
        auxiliary_var_function=lambda x: np.sin(x[:, 0:1]),
    )
    return dde.Model(data, network(2, 2))


def periodic() -> Model:
    domain = dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1))
    conditions = [
        dde.icbc.PeriodicBC(domain, 0, on_boundary),
        dde.icbc.PeriodicBC(domain, 0, on_boundary, derivative_order=1),
    ]
    data = dde.data.TimePDE(domain, burgers_equation, conditions, num_domain=50, num_boundary=24)
    return dde.Model(data, network())


def inverse(batch_size: int | None = None) -> Model:
    """A trained coefficient, observed points, an output transform."""
    domain = dde.geometry.Interval(-1, 1)
    coefficient = dde.Variable(2.0)

    def equation(x: Any, y: Any) -> Any:
        return coefficient * dde.grad.hessian(y, x) + y

    places = np.linspace(-1, 1, 12).reshape(-1, 1)
    conditions = [
        dde.icbc.PointSetBC(places, np.sin(places), batch_size=batch_size),
        dde.icbc.PointSetOperatorBC(places[:6], np.cos(places[:6]), lambda x, y, _: dde.grad.jacobian(y, x)),
    ]
    data = dde.data.PDE(domain, equation, conditions, num_domain=40, num_boundary=2, num_test=30)
    net = network(1)
    net.apply_output_transform(lambda x, y: np.sin(1) * x + (1 - x**2) * y)
    model = dde.Model(data, net)
    model.coefficient = coefficient
    return model


def operator(kind: str) -> Model:
    """A physics-informed DeepONet, for row data and for Cartesian products."""
    domain = dde.geometry.TimeDomain(0, 1)

    def equation(x: Any, y: Any, v: Any) -> Any:
        return dde.grad.jacobian(y, x) - v

    initial = dde.icbc.IC(domain, lambda _: 0, lambda _, on: on)
    pde = dde.data.PDE(domain, equation, initial, num_domain=10, num_boundary=2)
    space = dde.data.PowerSeries(N=3)
    places = np.linspace(0, 1, 5).reshape(-1, 1)
    data = getattr(dde.data, kind)(pde, space, places, 6)
    net = dde.nn.DeepONet if kind == "PDEOperator" else dde.nn.DeepONetCartesianProd
    return dde.Model(data, net([5, 8, 8], [1, 8, 8], "tanh", "Glorot normal"))


def fitting() -> Model:
    """Values of a function."""
    x = np.linspace(-1, 1, 30).reshape(-1, 1)
    return dde.Model(dde.data.DataSet(x, np.sin(3 * x), x, np.sin(3 * x)), network(1))


def integral() -> Model:
    """An integro-differential equation, whose quadrature couples the points."""
    domain = dde.geometry.TimeDomain(0, 1)

    def equation(x: Any, y: Any, integral: Any) -> Any:
        right = torch.matmul(torch.as_tensor(integral), y)
        return (dde.grad.jacobian(y, x) + y)[: len(right)] - right

    initial = dde.icbc.IC(domain, lambda _: 1.0, lambda _, on: on)
    data = dde.data.IDE(
        domain, equation, initial, 4, kernel=lambda x, s: np.exp(s - x), num_domain=8, num_boundary=2
    )
    return dde.Model(data, network(1))


def coupled() -> Model:
    """A residual with a mean over all points."""
    domain = dde.geometry.Interval(0, 1)

    def equation(x: Any, y: Any) -> Any:
        return dde.grad.hessian(y, x) + y - y.mean()

    data = dde.data.PDE(domain, equation, [], num_domain=30)
    return dde.Model(data, network(1))


def forward() -> Model:
    """An equation as DeepXDE's forward mode has it: quantities are pairs of values and functions."""
    domain = dde.geometry.Interval(-1, 1)

    def equation(x: Any, y: Any) -> Any:
        return dde.grad.hessian(y, x)[0] + y[0]

    boundary = dde.icbc.DirichletBC(domain, lambda x: x, on_boundary)
    return dde.Model(dde.data.PDE(domain, equation, boundary, num_domain=20, num_boundary=2), network(1))


MODELS: dict[str, Callable[..., Model]] = {
    "burgers": burgers,
    "every-condition": every_condition,
    "periodic": periodic,
    "inverse": inverse,
    "inverse-batches": lambda: inverse(batch_size=5),
    "operator": lambda: operator("PDEOperator"),
    "operator-product": lambda: operator("PDEOperatorCartesianProd"),
    "fitting": fitting,
    "integral": integral,
    "coupled": coupled,
    "forward": forward,
}


@pytest.fixture
def build() -> Callable[..., Model]:
    """A model by name."""
    return lambda name, **options: MODELS[name](**options)
