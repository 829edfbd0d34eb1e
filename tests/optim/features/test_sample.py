"""The terms of a loss at points, and the least-squares solution with a rank chosen on others."""

import torch

from draws import randn, rng
from sapts_pinn.derivatives.activations import sine
from sapts_pinn.geometry import Interval
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.random_units import Units
from sapts_pinn.optim.features.sample import HELD, Function, Sample, solved
from sapts_pinn.problems import Dirichlet, Problem, build

COUNT = 12


def sample_of(problem: Problem, seed: int, weights: dict[str, torch.Tensor] | None = None) -> Sample:
    model = Model(problem, network_of(problem, (2,), rng(0), torch.float64, "sin"))
    sites = {t.name: t.sites(80, rng(seed), "uniform") for t in problem.terms}
    return Sample(model, sites, sine, [*model.coefficients], weights)


def function_of(sample: Sample, m: int, known: dict[str, torch.Tensor] | None = None) -> Function:
    units = Units.draw(COUNT, (1.5,) * sample.terms[0].location.inputs.shape[2], True, rng(5))
    return Function(units, 0.1 * randn(m, COUNT + 1, seed=6), known or {})


def test_the_linear_part_is_the_derivative_of_the_residual() -> None:
    sample = sample_of(build("burgers-inverse"), 1)
    known = {name: torch.tensor(0.3, dtype=torch.float64) for name in sample.trained}
    at = function_of(sample, 1, known)
    linear, by = sample.linearised(at), randn(COUNT + 1 + len(known), seed=7)
    h = 1e-6
    ahead, behind = (sample.residual(at.moved(s * h * by, sample.trained)) for s in (1, -1))
    change = linear.change(at.units, by)
    assert torch.allclose((ahead - behind) / (2 * h), change, rtol=1e-5, atol=1e-6 * float(change.norm()))
    assert torch.allclose(linear.rows(at.units, linear.residual[:, None])[:, :-1] @ by, change)
    assert torch.allclose(linear.residual, sample.residual(at))


def test_a_balanced_condition_weighs_ten_times_the_equation() -> None:
    problem = Problem(
        domain=Interval(0, 1, name="x"),
        unknowns="u",
        equation=lambda u, x: u.xx + torch.sin(x),
        conditions=[Dirichlet("u", 0.0, on="x", hard=False)],
    )
    sample = sample_of(problem, 1)
    units = Units.draw(50, (2.0,), True, rng(0))
    linear = sample.linearised(Function(units, torch.zeros(1, 51, dtype=torch.float64), {}))
    rows = linear.rows(units, linear.residual[:, None])[:, :-1]
    count = sample.terms[0].n
    assert torch.isclose(rows[count:].norm(), HELD * rows[:count].norm())
    again = sample_of(problem, 2, sample.weights)
    assert all(torch.equal(again.weights[k], v) for k, v in sample.weights.items())


def test_the_solution_is_that_of_a_dense_solver() -> None:
    sample, check = (sample_of(build("poisson-multiscale"), seed) for seed in (1, 2))
    zero = Function(function_of(sample, 1).units, torch.zeros(1, COUNT + 1, dtype=torch.float64), {})
    at, on = sample.linearised(zero), check.linearised(zero)
    target, other = -at.residual[:, None], -on.residual[:, None]
    found = solved(zero.units, at, on, target, other)
    rows, others = at.rows(zero.units, target), on.rows(zero.units, other)
    best = torch.linalg.lstsq(rows[:, :-1], rows[:, -1:], driver="gelsd", rcond=1e-16).solution
    left = (others[:, :-1] @ found.columns - others[:, -1:]).norm()
    assert torch.isclose(left, torch.tensor(found.left, dtype=torch.float64), rtol=1e-3)
    assert float(left) <= 1.2 * float((others[:, :-1] @ best - others[:, -1:]).norm())


def test_length_is_that_of_the_change_of_values() -> None:
    sample = sample_of(build("kovasznay"), 1)
    at = function_of(sample, 3)
    by = randn(3 * (COUNT + 1), seed=8)
    values = sample.terms[0].jet(at.units, by.view(3, -1))[0]
    assert abs(sample.length(at.units, by) - float(values.square().mean().sqrt())) < 1e-12
