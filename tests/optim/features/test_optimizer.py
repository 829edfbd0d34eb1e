"""Random features as an optimizer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from draws import rng
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.flat import gather
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim.features import FeatureSolve
from sapts_pinn.problems import Coefficient, Observations, Problem, build
from sapts_pinn.results.reference_error import error_measure


def made(given: str | Problem, units: int = 60, seed: int = 0) -> tuple[Model, LeastSquares, FeatureSolve]:
    problem = build(given) if isinstance(given, str) else given
    model = Model(problem, network_of(problem, (units,), rng(seed), torch.float64, "sin"))
    sites = {t.name: t.sites(6 * units, rng(1), "sobol") for t in problem.terms}
    return model, LeastSquares(model, sites), FeatureSolve(model.parameters())


def run(objective: LeastSquares, optimizer: FeatureSolve, most: int = 200) -> list[float]:
    losses = []
    for _ in range(most):
        losses.append(float(optimizer.step(objective)))
        if optimizer.info.converged or optimizer.info.exhausted:
            return losses
    raise AssertionError("it does not end")


@pytest.mark.parametrize("name", ["poisson-1d", "heat", "allen-cahn-steady"])
def test_smooth_problems_are_solved_to_many_digits(name: str) -> None:
    model, objective, optimizer = made(name)
    losses = run(objective, optimizer)
    measure = error_measure(model.problem)
    assert measure is not None and measure(model) < 1e-7
    assert losses[-1] == objective.evaluate().value
    assert losses == sorted(losses, reverse=True), "a worse solution is never taken"


def test_the_network_has_the_units_that_were_solved_for() -> None:
    model, objective, optimizer = made("poisson-1d", 150)
    run(objective, optimizer)
    assert optimizer.best is not None
    first, _, last = model.network
    count = optimizer.best.units.count
    assert isinstance(first, nn.Linear) and isinstance(last, nn.Linear)
    assert torch.equal(first.weight[:count], optimizer.best.units.weights)
    assert not last.weight[:, count:].any() and not first.bias[count:].any()


def test_too_few_units_are_no_convergence() -> None:
    _, objective, optimizer = made("poisson-multiscale", 20)
    run(objective, optimizer)
    assert optimizer.info.exhausted and not optimizer.info.converged and optimizer.score > 1e-6


def test_a_seed_fixes_everything() -> None:
    ends = []
    for seed in (3, 3, 4):
        model, objective, optimizer = made("allen-cahn-steady", seed=seed)
        run(objective, optimizer)
        ends.append(gather(list(model.parameters())))
    assert torch.equal(ends[0], ends[1]) and not torch.equal(ends[0], ends[2])


@pytest.mark.parametrize("steps", [1, 4, 9, 12, 17])
def test_a_saved_run_goes_on_bit_for_bit(steps: int) -> None:
    model, objective, optimizer = made("allen-cahn-steady", 120)
    losses = [float(optimizer.step(objective)) for _ in range(steps)]
    other, again, resumed = made("allen-cahn-steady", 120, seed=5)
    other.load_state_dict(model.state_dict())
    resumed.load_state_dict(optimizer.state_dict())
    assert run(objective, optimizer) == run(again, resumed) and losses
    assert torch.equal(gather(list(model.parameters())), gather(list(other.parameters())))
    assert resumed.answers == optimizer.answers


def test_coefficients_are_found_whatever_their_order() -> None:
    x = torch.linspace(0, 1, 30, dtype=torch.float64)
    problem = Problem(  # of sin 3x + 1
        domain=Interval(0, 1, name="x"),
        unknowns="u",
        equation=lambda u, q, k: u.xx + k * u - q,
        conditions=[Observations("u", {"x": x}, torch.sin(3 * x) + 1)],
        coefficients=[Coefficient("q", init=1.0), Coefficient("k", init=1.0, positive=True)],
    )
    model, objective, optimizer = made(problem, 60)
    run(objective, optimizer)
    assert model.values() == pytest.approx({"q": 9.0, "k": 9.0}, rel=1e-8)
    assert optimizer.best is not None and [*optimizer.best.known] == [*model.coefficients]


def test_new_points_are_taken_up() -> None:
    model, objective, optimizer = made("poisson-1d")
    optimizer.step(objective)
    optimizer.points_changed()
    sites = {t.name: t.sites(300, rng(9), "uniform") for t in model.problem.terms}
    run(LeastSquares(model, sites), optimizer)
    assert optimizer.score < 1e-7


def test_what_it_cannot_solve_is_refused() -> None:
    _, _, optimizer = made("poisson-1d")
    with pytest.raises(InputError, match=r"^features needs the loss of a problem on its points, in one proc"):
        optimizer.step(lambda: torch.tensor(1.0))
    with pytest.raises(InputError, match=r"^radius must be positive and finite, not 0$"):
        FeatureSolve([nn.Parameter(torch.ones(2))], radius=0)
    with pytest.raises(InputError, match=r"^this state was not saved by features; resume with the method "):
        optimizer.load_state_dict({"state": {}, "param_groups": []})
    assert optimizer.threaded and optimizer.needs_squares
