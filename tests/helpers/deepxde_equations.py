"""Equations in DeepXDE's terms, on a unit square."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import deepxde as dde

Build = Callable[..., Any]
Equation = Callable[[Any, Any], Any]


def model_of(equation: Equation | None, net: Any = None, inputs: int = 2) -> Any:
    domain = dde.geometry.Hypercube([0.0] * inputs, [1.0] * inputs)
    boundary = dde.icbc.DirichletBC(domain, lambda x: x[:, :1], lambda _, on: on)
    data = dde.data.PDE(domain, equation, boundary, num_domain=30, num_boundary=12)
    return dde.Model(data, net or dde.nn.FNN([inputs, 8, 8, 1], "tanh", "Glorot uniform"))


def laplace(x: Any, y: Any) -> Any:
    return dde.grad.hessian(y, x, i=0, j=0) + dde.grad.hessian(y, x, i=1, j=1)
