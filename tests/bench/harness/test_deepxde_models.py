"""Models as DeepXDE's examples write them."""

import numpy as np
import pytest
import torch

from sapts_pinn.bench.harness import deepxde_models
from sapts_pinn.problems import build


@pytest.fixture(autouse=True)
def double():
    """DeepXDE's precision is global."""
    deepxde_models.dde.config.set_default_float("float64")
    yield
    deepxde_models.dde.config.set_default_float("float32")


class Stand:
    """A model that predicts what it is told."""

    def __init__(self, function):
        self.predict = function


def test_the_error_is_relative_to_the_reference_in_the_order_of_the_model():
    exact = build("burgers").reference.evaluate
    known = lambda p: exact({"t": p[:, 0], "x": p[:, 1]})["u"][:, None]
    assert deepxde_models._against(Stand(known), "burgers", ("t", "x"))() == 0
    scaled = Stand(lambda p: 1.25 * known(p))
    assert deepxde_models._against(scaled, "burgers", ("t", "x"))() == pytest.approx(0.25)


def test_of_coefficients_the_worst_counts():
    found = [torch.tensor(9.0), torch.tensor(0.011)]
    assert deepxde_models._worst(found, [10.0, 0.01])() == pytest.approx(0.1)


def test_the_observed_vortex_satisfies_the_equations_with_the_true_coefficients():
    case = deepxde_models.navier_stokes()
    for variable, exact in zip(case.variables, (1.0, 0.01), strict=True):
        variable.data = torch.tensor(exact, dtype=torch.float64)

    def flow(x: torch.Tensor) -> torch.Tensor:
        a, b, e = x[:, 0:1] - x[:, 2:], x[:, 1:2], torch.exp(-0.02 * x[:, 2:])
        u, v = 1 - torch.cos(a) * torch.sin(b) * e, torch.sin(a) * torch.cos(b) * e
        return torch.cat([u, v, -(torch.cos(2 * a) + torch.cos(2 * b)) * e**2 / 4], 1)

    at = np.random.default_rng(1).uniform([1, -2, 0], [8, 2, 7], (20, 3))
    x = torch.from_numpy(at).requires_grad_()
    for row in case.model.data.pde(x, flow(x)):
        assert row.abs().max() < 1e-12
    deepxde_models.dde.grad.clear()
    for condition in case.model.data.bcs:
        exact = flow(torch.from_numpy(condition.points))[:, condition.component]
        assert torch.allclose(torch.as_tensor(condition.values)[:, 0].cpu().double(), exact, atol=1e-6)
    assert case.error() == pytest.approx(0, abs=1e-9)
