"""Problems as DeepXDE models, domains as its geometries, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import deepxde as dde
import numpy as np
import pytest
import torch

from sapts_pinn import Coefficient, Dirichlet, Neumann, Observations, Problem, Unknown
from sapts_pinn.deepxde import from_deepxde, to_deepxde
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim import SAPTS
from sapts_pinn.problems import Sites, build
from sapts_pinn.problems.scales import Scales
from sapts_pinn.problems.zoo import ZOO

SMALL: dict[str, Any] = {"network": (8, 8), "points": 60, "condition_points": 20}

FIELDS = ("diffusion-inverse", "stefan")  # of fewer coordinates
ELSEWHERE = ("delay", "fredholm", "volterra", "volterra-ide")  # values at other points
PARTLY_KNOWN = ("cavity", "burgers-family")  # no pressure; at some values of the parameter only


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "weighted"])
@pytest.mark.parametrize("name", [name for name in ZOO if name not in FIELDS + ELSEWHERE])
def test_every_problem_of_the_zoo(name: str, exact: bool) -> None:
    problem = build(name)
    model = to_deepxde(problem, network=(6, 6), points=24, condition_points=8, exact=exact)
    assert len(model.data.bcs) == (len(problem.terms) - 1 if exact else len(problem.conditions))
    known = problem.reference is not None and name not in PARTLY_KNOWN
    model.compile("tr", metrics=["l2 relative error"] if known else None)
    assert model.opt.objective.squares and model.opt.objective.adds_up()
    history, state = model.train(iterations=4)
    assert state.loss_train.sum() < history.loss_train[0].sum()
    assert len(state.metrics_test) == known and np.isfinite(state.metrics_test).all()


@pytest.mark.parametrize("name", ELSEWHERE)
def test_values_at_other_points_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="this one has integrals or values elsewhere; solve it here"):
        to_deepxde(build(name), network=(6, 6), points=24, condition_points=8)


@pytest.mark.parametrize("name", ["burgers", "poisson-lshape", "allen-cahn"])
def test_loss_and_gradient_are_those_of_solve(name: str) -> None:
    """DeepXDE's reverse mode against our Taylor propagation, on the same points and parameters."""
    problem = build(name)
    model = to_deepxde(problem, **SMALL)
    inputs, outputs = len(problem.ansatz.feature_names), len(problem.unknown_names)
    network = build_network((8, 8), inputs, outputs, torch.Generator().manual_seed(0), torch.float64)
    mine = Model(problem, network)
    scatter_(list(model.net.parameters()), gather(list(network.parameters())))
    model.compile("tr")
    theirs = model.opt.objective
    points = torch.as_tensor(model.data.train_x)
    ends = np.cumsum([0, *model.data.num_bcs])
    sites = {"equation": Sites(points[ends[-1] :])}
    for term, bc in zip(problem.terms[1:], model.data.bcs, strict=True):
        sites[term.name] = bc.sites
    value, gradient = LeastSquares(mine, sites).value_and_grad()
    found, g = theirs.value_and_grad()
    # A condition with several rows counts the mean over them in DeepXDE, their sum here.
    rows = {term.name: term.rows for term in problem.terms}
    if all(count == 1 for count in rows.values()):
        assert found == pytest.approx(2.0 * value, rel=1e-10)
        assert float((g - 2.0 * gradient).norm()) <= 1e-9 * float(gradient.norm())
    else:
        assert theirs.last_terms["equation"] == pytest.approx(
            2.0 * LeastSquares(mine, {"equation": sites["equation"]}).value(), rel=1e-10
        )


def test_unknown_coefficients_and_observations() -> None:
    x = torch.linspace(0, 1, 20, dtype=torch.float64)
    problem = Problem(
        domain=Interval(0, 1),
        unknowns="u",
        equation=lambda u, k: k * u.xx + u,
        conditions=[Observations("u", {"x": x}, torch.sin(x)), Neumann("u", lambda x: torch.cos(x), on="x")],
        coefficients=[Coefficient("k", init=0.6)],
    )
    dde.config.set_random_seed(2)  # with others it may stay near k = 0, where the equation says little of k
    model = to_deepxde(problem, **SMALL, exact=False)
    variables = list(model.coefficients.values())
    model.compile("sapts-d", external_trainable_variables=variables)
    model.train(iterations=300)
    assert float(model.coefficients["k"].detach()) == pytest.approx(1.0, abs=0.02)


def test_a_model_as_an_objective_of_our_optimizers(build: Callable[..., Any]) -> None:
    objective = from_deepxde(build("burgers"), loss_weights=[1.0, 2.0, 3.0])
    optimizer = SAPTS(objective.parameters, "data", 3)
    before = objective.value()
    for _ in range(20):
        loss = float(optimizer.step(objective))
    assert loss == pytest.approx(objective.value(), rel=1e-12) and loss < 0.7 * before


def test_forward_mode_is_refused() -> None:
    dde.config.set_default_autodiff("forward")
    try:
        with pytest.raises(ValueError, match=r"needs derivatives in reverse mode; call dde.config"):
            to_deepxde(build("burgers"))
    finally:
        dde.config.set_default_autodiff("reverse")


# -- geometries ----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_a_problem_stays_usable() -> None:
    """Converting leaves the problem as it was."""
    problem = Problem(Interval(0, 1), "u", lambda u: u.xx, [Dirichlet("u", 0.0, on="x")])
    before = [term.name for term in problem.terms]
    to_deepxde(problem, **SMALL, exact=False)
    assert [term.name for term in problem.terms] == before


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "weighted"])
def test_positive_unknowns_are_those_of_solve(exact: bool) -> None:
    """The logarithm of a coefficient and that of an unknown, in value and gradient."""
    x = np.array([0.2, 0.7])
    problem = Problem(
        Interval(0, 1),
        ("u", Unknown("k", positive=True, init=0.3)),
        lambda u, k, c: k.x * u.x + k * u.xx - c,
        [Dirichlet("u", 0.0, hard=exact), Observations("u", {"x": x}, x, noise=[0.1, 0.2])],
        [Coefficient("c", init=0.5, positive=True)],
    )
    model = to_deepxde(problem, (5,), points=20, condition_points=6, exact=exact)
    if not exact:  # then nothing is in natural units
        units = {term.name: (1.0,) * term.rows for term in problem.terms}
        problem.__dict__.update(natural=Scales(dict.fromkeys(("u", "k"), 1.0), units))
        del problem.__dict__["terms"]
    variables = list(model.coefficients.values())
    assert float(variables[0].detach()) == pytest.approx(np.log(0.5))
    network = build_network((5,), 1, 2, torch.Generator().manual_seed(0), torch.float64)
    with torch.no_grad():  # the ansatz scales x to (-1, 1)
        scatter_(list(model.net.parameters()), gather(list(network.parameters())))
        if not exact:
            network[0].bias.add_(network[0].weight[:, 0], alpha=0.5)
            network[0].weight.mul_(0.5)
    model.compile("tr", external_trainable_variables=variables)
    theirs = model.opt.objective
    ends = np.cumsum([0, *model.data.num_bcs])
    sites = {"equation": Sites(torch.as_tensor(model.data.train_x)[ends[-1] :])}
    for bc in model.data.bcs:
        sites[bc.term.name] = bc.sites
    value, gradient = LeastSquares(Model(problem, network), sites).value_and_grad()
    found, g = theirs.value_and_grad()
    assert found == pytest.approx(2.0 * value, rel=1e-10)
    assert float(g[-1]) == pytest.approx(2.0 * float(gradient[-1]), rel=1e-9)


def test_fields_of_fewer_coordinates_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^k does not depend on all coordinates, .* by solve$"):
        to_deepxde(build("diffusion-inverse"))
