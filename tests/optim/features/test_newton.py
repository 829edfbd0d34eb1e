"""Steps in the outer layer within a radius."""

import math

import torch

from draws import rng
from sapts_pinn.derivatives.activations import sine
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.random_units import Units
from sapts_pinn.optim.features.newton import half_square, norm, stepped
from sapts_pinn.optim.features.sample import Function, Sample, solved
from sapts_pinn.optim.radius import RadiusRule
from sapts_pinn.problems import build


def start(name: str, count: int) -> tuple[Sample, Sample, Function]:
    problem = build(name)
    model = Model(problem, network_of(problem, (2,), rng(0), torch.float64, "sin"))
    samples = [
        Sample(model, {t.name: t.sites(6 * count, rng(seed), "uniform") for t in problem.terms}, sine, ())
        for seed in (1, 2)
    ]
    units = Units.draw(count, (2.0,) * samples[0].terms[0].location.inputs.shape[2], True, rng(3))
    return samples[0], samples[1], Function(units, torch.zeros(1, count + 1, dtype=torch.float64), {})


def test_a_linear_problem_is_solved_in_one_step() -> None:
    sample, check, zero = start("poisson-1d", 30)
    at, on = sample.linearised(zero), check.linearised(zero)
    found = solved(zero.units, at, on, -at.residual[:, None], -on.residual[:, None])
    change = at.change(zero.units, found.columns[:, 0])
    taken = stepped(sample, zero, found.columns[:, 0], change, 100.0, RadiusRule())
    assert taken.accepted and math.isclose(taken.rho, 1.0, abs_tol=1e-8)
    assert norm(sample.residual(taken.function)) < 1e-9 * norm(at.residual)
    assert norm(check.residual(taken.function)) < 1e-8 * norm(on.residual)


def test_a_step_is_no_longer_than_the_radius() -> None:
    sample, check, zero = start("allen-cahn-steady", 20)
    at, on = sample.linearised(zero), check.linearised(zero)
    by = solved(zero.units, at, on, -at.residual[:, None], -on.residual[:, None]).columns[:, 0]
    change, whole = at.change(zero.units, by), sample.length(zero.units, by)
    taken = stepped(sample, zero, by, change, 0.1 * whole, RadiusRule())
    assert math.isclose(taken.length, 0.1 * whole)
    predicted = half_square(at.residual) - half_square(at.residual + 0.1 * change)
    assert math.isclose(taken.predicted, predicted)
    after = half_square(sample.residual(taken.function))
    assert math.isclose(taken.rho, (half_square(at.residual) - after) / predicted, rel_tol=1e-6)
    assert taken.radius > taken.length, "the region grows where the model was right at its boundary"


def test_a_step_that_makes_it_worse_is_not_taken() -> None:
    sample, _, zero = start("allen-cahn-steady", 20)
    at = sample.linearised(zero)
    by = torch.ones(21, dtype=torch.float64)
    taken = stepped(sample, zero, by, -0.5 * at.residual, 5.0, RadiusRule())
    assert not taken.accepted and taken.function is zero and taken.radius < 5.0 and taken.gain == 0
    assert half_square(torch.tensor([math.nan])) == math.inf
