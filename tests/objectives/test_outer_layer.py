"""The problem in terms of the outer layer, against the Jacobian of the loss."""

import pytest
import torch
from torch import nn

from draws import rng
from sapts_pinn.derivatives.activations import ACTIVATIONS
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.random_units import Units
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.objectives.outer_layer import OuterTerm
from sapts_pinn.problems import Initial, IntegralCondition, Periodic, Problem, build

UNITS = 7


def folded() -> Problem:
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t + u * u.x,
        conditions=[
            Periodic("x", hard=False, weight=2.0),
            Initial("u", lambda x: torch.sin(torch.pi * x), hard=False, weight=3.0),
        ],
    )


def integrated() -> Problem:
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t + u * u.x,
        conditions=[
            Initial("u", 0.0),
            IntegralCondition(lambda u, x: u * u.x + x, lambda t: t, weight=2.0),  # 16 of them
            IntegralCondition(lambda u: u**2, 1.0, over=("x", "t"), weight=3.0),  # a single one
        ],
    )


PROBLEMS = {
    "integrals": integrated,
    "a system": lambda: build("kovasznay"),
    "third order": lambda: build("kdv"),
    "a coefficient": lambda: build("burgers-inverse"),
    "pairs of points": folded,
}


@pytest.mark.parametrize("activation", ["tanh", "sin"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_columns_are_those_of_the_jacobian(name: str, activation: str) -> None:
    problem = PROBLEMS[name]()
    network = network_of(problem, (UNITS,), rng(1), torch.float64, activation)
    model = Model(problem, network)
    first, bend, last = network
    assert isinstance(first, nn.Linear) and isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias.uniform_(0.1, 0.2)
    sites = {term.name: term.sites(110, rng(2), "uniform") for term in problem.terms}
    whole = LeastSquares(model, sites).evaluate()
    jacobian, m = whole.jacobian(), last.out_features
    inner = first.weight.numel() + UNITS
    order = [inner + j * UNITS + k for j in range(m) for k in range(UNITS)]
    order = [i for j in range(m) for i in [*order[j * UNITS : (j + 1) * UNITS], inner + m * UNITS + j]]
    order += [*range(inner + m * (UNITS + 1), jacobian.shape[1])]
    units = Units(first.weight.detach(), first.bias.detach())
    outer = torch.cat([last.weight, last.bias[:, None]], 1).detach()
    known = {name: value.detach() for name, value in model.coefficients.items()}
    matrices, residuals = [], []
    for term in problem.terms:
        part = OuterTerm(model, term, sites[term.name], ACTIVATIONS[type(bend)])
        jet = part.jet(units, outer)
        slopes = part.linearised(jet, known, list(known))
        weight = term.weight**0.5
        matrices.append(weight * part.matrix(slopes, units))
        residuals.append(weight * slopes.values.reshape(-1))
        rows = part.matrix(slopes, units)[:, : m * (UNITS + 1)] @ outer.reshape(-1)
        assert torch.allclose(slopes.along(jet, part.sites.fold).reshape(-1), rows, atol=1e-12)
        assert torch.equal(part.values(jet, known), slopes.values)
        assert torch.equal(part.rest(), part.jet(units, torch.zeros_like(outer)))
    scale = float(jacobian.abs().max())
    assert torch.allclose(torch.cat(matrices), jacobian[:, order], atol=1e-13 * scale)
    assert torch.allclose(torch.cat(residuals), whole.residual(), atol=1e-13 * float(whole.residual().norm()))
