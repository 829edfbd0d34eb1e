"""Models as DeepXDE's examples write them: their points, networks and conditions, and what is right.

Two differ from the scripts: the observations of the Lorenz system and of the Navier-Stokes equations are not
read from files (an ODE solver, and the Taylor-Green vortex, give them), for DeepXDE's package has no data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import deepxde as dde
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...problems import Reference, build

Array = NDArray[np.float64]


@dataclass
class Case:
    """A model to train.

    Attributes:
        model: The DeepXDE model.
        error: Its relative L2 error now; for an inverse problem the largest relative error of a coefficient.
        variables: Unknown coefficients.
    """

    model: dde.Model
    error: Callable[[], float]
    variables: list[Tensor] = field(default_factory=list)


def _against(model: dde.Model, problem: str, names: tuple[str, ...]) -> Callable[[], float]:
    """Relative L2 error against the reference of a problem of the zoo.

    Args:
        model: The model.
        problem: Name of the problem.
        names: Coordinates in the order of the model's.
    """
    reference = build(problem).reference
    assert isinstance(reference, Reference)
    at = reference.test_points()
    points = np.stack([np.asarray(at[name]) for name in names], 1)
    exact = np.asarray(next(iter(reference.evaluate(at).values())))
    known = np.isfinite(exact)

    def error() -> float:
        found = model.predict(points[known])[:, 0]
        return float(np.linalg.norm(found - exact[known]) / np.linalg.norm(exact[known]))

    return error


def _worst(variables: list[Tensor], exact: list[float]) -> Callable[[], float]:
    return lambda: max(abs(float(v.detach()) / e - 1.0) for v, e in zip(variables, exact, strict=True))


def _everywhere(_: Array, on: bool) -> bool:
    return on


def _first(y: Tensor, x: Tensor, i: int = 0, j: int = 0) -> Tensor:
    """Derivative [N, 1] of output i with respect to input j."""
    found: Tensor = dde.grad.jacobian(y, x, i=i, j=j)
    return found


def _second(y: Tensor, x: Tensor, axis: int = 0, component: int = 0) -> Tensor:
    """Second derivative [N, 1] of an output with respect to the input `axis`."""
    found: Tensor = dde.grad.hessian(y, x, component=component, i=axis, j=axis)
    return found


def burgers() -> Case:
    """pinn_forward/Burgers.py."""

    def equation(x: Tensor, y: Tensor) -> Tensor:
        y_x, y_t = _first(y, x), _first(y, x, j=1)
        return y_t + y * y_x - 0.01 / np.pi * _second(y, x)

    domain = dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 0.99))
    conditions = [
        dde.icbc.DirichletBC(domain, lambda x: 0, _everywhere),
        dde.icbc.IC(domain, lambda x: -np.sin(np.pi * x[:, 0:1]), _everywhere),
    ]
    data = dde.data.TimePDE(domain, equation, conditions, num_domain=2540, num_boundary=80, num_initial=160)
    model = dde.Model(data, dde.nn.FNN([2] + [20] * 3 + [1], "tanh", "Glorot normal"))
    return Case(model, _against(model, "burgers", ("x", "t")))


def poisson_lshape() -> Case:
    """pinn_forward/Poisson_Lshape.py, without its test points."""

    def equation(x: Tensor, y: Tensor) -> Tensor:
        return -_second(y, x) - _second(y, x, axis=1) - 1

    domain = dde.geometry.Polygon([[0, 0], [1, 0], [1, -1], [-1, -1], [-1, 1], [0, 1]])
    condition = dde.icbc.DirichletBC(domain, lambda x: 0, _everywhere)
    data = dde.data.PDE(domain, equation, condition, num_domain=1200, num_boundary=120)
    model = dde.Model(data, dde.nn.FNN([2] + [50] * 4 + [1], "tanh", "Glorot uniform"))
    return Case(model, _against(model, "poisson-lshape", ("x", "y")))


def allen_cahn() -> Case:
    """pinn_forward/Allen_Cahn.py."""

    def equation(x: Tensor, y: Tensor) -> Tensor:
        y_t, y_xx = _first(y, x, j=1), _second(y, x)
        return y_t - 0.001 * y_xx - 5 * (y - y**3)

    def transform(x: Tensor, y: Tensor) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        return place**2 * torch.cos(np.pi * place) + time * (1 - place**2) * y

    domain = dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1))
    data = dde.data.TimePDE(domain, equation, [], num_domain=8000, num_boundary=400, num_initial=800)
    net = dde.nn.FNN([2] + [20] * 3 + [1], "tanh", "Glorot normal")
    net.apply_output_transform(transform)
    model = dde.Model(data, net)
    return Case(model, _against(model, "allen-cahn-dirichlet", ("x", "t")))


def helmholtz() -> Case:
    """pinn_forward/Helmholtz_Dirichlet_2d.py as written: the condition is built into the network."""
    k = 4 * np.pi

    def equation(x: Tensor, y: Tensor) -> Tensor:
        source = k**2 * torch.sin(k * x[:, 0:1]) * torch.sin(k * x[:, 1:2])
        laplacian = _second(y, x) + _second(y, x, axis=1)
        return -laplacian - k**2 * y - source

    def exact(x: Array) -> Array:
        found: Array = np.sin(k * x[:, 0:1]) * np.sin(k * x[:, 1:2])
        return found

    domain = dde.geometry.Rectangle([0, 0], [1, 1])
    data = dde.data.PDE(domain, equation, [], num_domain=400, num_boundary=80)
    net = dde.nn.FNN([2] + [150] * 3 + [1], "sin", "Glorot uniform")
    net.apply_output_transform(lambda x, y: torch.prod(x * (1 - x), 1, keepdim=True) * y)
    model = dde.Model(data, net)
    axis = np.linspace(0, 1, 101)
    points = np.stack([a.ravel() for a in np.meshgrid(axis, axis)], 1)
    return Case(model, lambda: float(dde.metrics.l2_relative_error(exact(points), model.predict(points))))


def lorenz() -> Case:
    """pinn_inverse/Lorenz_inverse.py: three coefficients from 25 observations, by an ODE solver here."""
    from scipy.integrate import solve_ivp

    truth = [10.0, 15.0, 8.0 / 3.0]

    def right(_: float, y: Array) -> list[float]:
        return [truth[0] * (y[1] - y[0]), y[0] * (truth[1] - y[2]) - y[1], y[0] * y[1] - truth[2] * y[2]]

    times = np.linspace(0, 3, 25)
    seen = solve_ivp(right, (0, 3), [-8.0, 7.0, 27.0], "DOP853", times, rtol=1e-12, atol=1e-12).y.T
    variables = [dde.Variable(1.0) for _ in truth]

    def system(x: Tensor, y: Tensor) -> list[Tensor]:
        one, two, three = y[:, 0:1], y[:, 1:2], y[:, 2:]
        return [
            _first(y, x, i=0) - variables[0] * (two - one),
            _first(y, x, i=1) - one * (variables[1] - three) + two,
            _first(y, x, i=2) - one * two + variables[2] * three,
        ]

    domain, at = dde.geometry.TimeDomain(0, 3), times[:, None]
    start = [-8, 7, 27]

    def initial(i: int) -> dde.icbc.IC:  # a function of one argument: DeepXDE counts them
        return dde.icbc.IC(domain, lambda _: start[i], _everywhere, component=i)

    conditions = [initial(i) for i in range(3)]
    conditions += [dde.icbc.PointSetBC(at, seen[:, i : i + 1], component=i) for i in range(3)]
    data = dde.data.PDE(domain, system, conditions, num_domain=400, num_boundary=2, anchors=at)
    model = dde.Model(data, dde.nn.FNN([1] + [40] * 3 + [3], "tanh", "Glorot uniform"))
    return Case(model, _worst(variables, truth), variables)


def navier_stokes() -> Case:
    """pinn_inverse/Navier_Stokes_inverse.py, observing a Taylor-Green vortex carried along.

    u = 1 - cos(a) sin(b) e, v = sin(a) cos(b) e with a = x - t, b = y, e = exp(-2 nu t), and nu = 0.01.
    """
    truth = [1.0, 0.01]
    variables = [dde.Variable(0.0) for _ in truth]

    def equations(x: Tensor, y: Tensor) -> list[Tensor]:
        u, v = y[:, 0:1], y[:, 1:2]
        du = [_first(y, x, i=0, j=j) for j in range(3)]
        dv = [_first(y, x, i=1, j=j) for j in range(3)]
        p_x, p_y = (_first(y, x, i=2, j=j) for j in range(2))
        lap_u, lap_v = (_second(y, x, component=c) + _second(y, x, component=c, axis=1) for c in range(2))
        carried, viscous = variables
        return [
            du[0] + dv[1],
            du[2] + carried * (u * du[0] + v * du[1]) + p_x - viscous * lap_u,
            dv[2] + carried * (u * dv[0] + v * dv[1]) + p_y - viscous * lap_v,
        ]

    domain = dde.geometry.GeometryXTime(
        dde.geometry.Rectangle([1, -2], [8, 2]), dde.geometry.TimeDomain(0, 7)
    )
    at = np.random.default_rng(0).random((7000, 3)) * [7, 4, 7] + [1, -2, 0]
    a, b, decay = at[:, 0:1] - at[:, 2:], at[:, 1:2], np.exp(-2 * truth[1] * at[:, 2:])
    u, v = 1 - np.cos(a) * np.sin(b) * decay, np.sin(a) * np.cos(b) * decay
    conditions = [dde.icbc.PointSetBC(at, u, component=0), dde.icbc.PointSetBC(at, v, component=1)]
    data = dde.data.TimePDE(
        domain, equations, conditions, num_domain=700, num_boundary=200, num_initial=100, anchors=at
    )
    model = dde.Model(data, dde.nn.FNN([3] + [50] * 6 + [3], "tanh", "Glorot uniform"))
    return Case(model, _worst(variables, truth), variables)


CASES: dict[str, Callable[[], Case]] = {
    "burgers": burgers,
    "poisson-lshape": poisson_lshape,
    "allen-cahn": allen_cahn,
    "helmholtz": helmholtz,
    "lorenz-inverse": lorenz,
    "navier-stokes-inverse": navier_stokes,
}
