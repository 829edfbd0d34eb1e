"""Weights of soft terms: what they are, when they change, and that a step sees one function only."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from draws import rng
from heat import INSULATED, weighted
from sapts_pinn import solve
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import Counters
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim.trust_region import TrustRegion
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.pipeline.sharded_model import ShardedModel
from sapts_pinn.pipeline.trainable_model import WholeModel
from sapts_pinn.problems import Dirichlet, Initial, Observations, Periodic, Problem, build
from sapts_pinn.training import balancing
from sapts_pinn.training.balancing import CHANGE, FIRST, HELD, balanced, is_due, typical_rate
from sapts_pinn.training.collocation import Collocation

SMALL = {"network": (6, 6), "points": 96, "condition_points": 16, "resample": 20}
INITIAL, SLOPE, END = "initial value of u", "normal derivative of u on x=1", "u on x=1"


def problem(weight: float | None = None, end: str = SLOPE) -> Problem:
    return weighted(INSULATED if end == SLOPE else Dirichlet("u", 1.0, on="x=1", hard=False), weight)


def collocation(of: Problem) -> Collocation:
    points = Collocation(of, 40, 12, "uniform", 0.5, rng())
    points.draw()
    return points


def model_of(of: Problem, network: nn.Module | tuple[int, ...] = (5,)) -> WholeModel:
    return WholeModel(of, network_of(of, network, rng(1), torch.float64))


def dense(model: Model, name: str, points: Tensor) -> Tensor:
    """The Jacobian [N, n] of a term's residuals by nested automatic differentiation, and nothing else."""
    parameters = dict(model.network.named_parameters())
    shapes = [p.shape for p in parameters.values()]

    def residuals(theta: Tensor) -> Tensor:
        pieces = theta.split([s.numel() for s in shapes])
        weights = {n: t.view(s) for n, t, s in zip(parameters, pieces, shapes, strict=True)}
        x = points.clone().requires_grad_()
        # The ansatz of u(0, t) = 0 written out: u = x N(xi, tau), with xi and tau in [-1, 1].
        scaled = 2 * x / torch.tensor([1.0, 0.1], dtype=x.dtype) - 1
        u = x[:, 0] * torch.func.functional_call(model.network, weights, (scaled,))[:, 0]
        if name in (INITIAL, END):
            return u - torch.sin(math.pi * x[:, 0] / 2)
        du = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
        if name == SLOPE:
            return du[:, 0]
        return du[:, 1] - torch.autograd.grad(du[:, 0].sum(), x, create_graph=True)[0][:, 0]

    return torch.autograd.functional.jacobian(residuals, gather([*parameters.values()]))


# -- what they are -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("end", "more"), [(SLOPE, 1.0), (END, HELD)])
def test_the_weights_are_ratios_of_the_traces_of_dense_kernels(end: str, more: float):
    of = problem(end=end)
    model = model_of(of)
    points = collocation(of)
    traces = {}
    for term in of.terms:
        at = points.sites[term.name].points
        J = (
            dense(model, term.name, at) * of.natural.unknowns["u"] / term.units[0]
        )  # no data part in the ansatz
        traces[term.name] = float((J @ J.T).diagonal().median())
        assert typical_rate(model, term, points.sites[term.name]) == pytest.approx(traces[term.name], 1e-9)
    assert points.balance(model, SingleProcess())
    assert points.weights == {
        end: pytest.approx(more * traces["equation"] / traces[end], rel=0.05),  # two digits
        INITIAL: pytest.approx(traces["equation"] / traces[INITIAL], rel=0.05),
    }


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_a_trace_is_that_of_the_residuals_and_not_of_the_points():
    of = Problem(
        domain=Interval(0, 1) * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t - u.xx,
        conditions=[Periodic("x", hard=False), Initial("u", 0.0)],
    )
    model, points = model_of(of), collocation(of)
    term = of.terms[1]
    sites = points.sites[term.name]
    assert sites.fold == 2 and term.rows == 2
    one = LeastSquares(model, {term.name: sites})
    J = one.evaluate().jacobian() / math.sqrt(term.weight / 6)  # the loss takes the mean over 6 pairs
    both = J.square().sum(1).view(2, 6).sum(0)  # values and slopes of a pair
    assert typical_rate(model, term, sites) == pytest.approx(float(both.median()), rel=1e-12)


def test_many_points_are_thinned_out(monkeypatch):
    of = problem()
    model, points = model_of(of), Collocation(of, 4096, 8, "sobol", 0.5, rng())
    points.draw()
    some = typical_rate(model, of.terms[0], points.sites["equation"])
    monkeypatch.setattr(balancing, "POINTS", 4096)
    assert some == pytest.approx(typical_rate(model, of.terms[0], points.sites["equation"]), rel=0.1)


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_the_weights_do_not_depend_on_units():
    """An equation times 7 on a domain five times as long, with the same network in scaled coordinates."""

    def stretched(length: float, factor: float) -> dict[str, float]:
        of = Problem(
            domain=Interval(0, length) * Interval(0, length, name="y"),
            unknowns="u",
            equation=lambda u: factor * (u.xx + u.yy),
            conditions=[Dirichlet("u", 0.0, hard=False)],
            symmetry=False,
        )
        points = collocation(of)
        points.balance(model_of(of), SingleProcess())
        return points.weights

    (one,), (other,) = stretched(1.0, 1.0).values(), stretched(5.0, 7.0).values()
    assert other == pytest.approx(one, rel=1e-9)


def test_a_given_weight_is_honoured_and_only_the_others_are_balanced():
    of = problem(weight=3.0)
    points = collocation(of)
    points.balance(model_of(of), SingleProcess())
    assert set(points.weights) == {SLOPE} and points.sites[INITIAL].weight is None
    solution = solve(of, budget=f"{FIRST + 3} iterations", **SMALL)
    weights = solution.result["weights"]
    assert list(weights) == ["equation", SLOPE, INITIAL]
    assert weights["equation"] == 1.0 and weights[INITIAL] == 3.0 and weights[SLOPE] != 10.0
    assert solution.history[-1][f"weight_{SLOPE}"] == weights[SLOPE]
    assert f"weight_{INITIAL}" not in solution.history[-1]
    assert f"{weights[SLOPE]:g} for {SLOPE}, 3 for {INITIAL}" in str(solution)
    assert f"{INITIAL}: weighted term, weight 3" in str(of)
    assert f"{SLOPE}: weighted term, balanced" in str(of)


def test_observations_keep_the_weight_of_their_noise():
    x = torch.linspace(0.1, 0.9, 5, dtype=torch.float64)
    data = Observations("u", {"x": x, "t": 0.05 + 0 * x}, x, noise=0.01)
    of = Problem(problem().domain, "u", lambda u: u.t - u.xx, [*problem().conditions, data])
    points = collocation(of)
    points.balance(model_of(of), SingleProcess())
    assert set(points.weights) == {INITIAL, SLOPE}


def test_without_soft_terms_nothing_is_weighed():
    of = build("heat")
    points = collocation(of)
    assert not points.balance(model_of(of), SingleProcess()) and points.weights == {}
    solution = solve(of, budget="3 iterations", **SMALL)
    assert solution.result["weights"] == {"equation": 1.0}
    assert not any(name.startswith("weight") for name in solution.history[-1])


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_a_term_that_nothing_moves_keeps_its_weight():
    twice = [Dirichlet("u", 0.0, on="x=0"), Dirichlet("u", 0.0, on="x=0", hard=False)]
    of = Problem(problem().domain, "u", lambda u: u.t - u.xx, [*twice, Initial("u", 0.0)], symmetry=False)
    points, model = collocation(of), model_of(of)
    name = of.terms[1].name
    assert typical_rate(model, of.terms[1], points.sites[name]) == 0.0  # u vanishes there by construction
    for _ in range(2):
        points.balance(model, SingleProcess())
        assert points.weights == {name: 10.0}


def test_small_changes_are_left_out_and_values_on_the_boundary_are_never_let_go():
    of = problem(end=END)
    model, points = model_of(of), collocation(of)
    points.balance(model, SingleProcess())
    first = points.weights

    def after(factor: float) -> dict[str, float]:
        """With weights that are too small by a factor, the others being those that were."""
        points._weigh({name: float(f"{w / factor:.1e}") for name, w in first.items()})
        points.balance(model, SingleProcess())
        return points.weights

    assert after(0.7 * CHANGE)[INITIAL] != first[INITIAL] and after(3.0)[INITIAL] == first[INITIAL]
    assert after(1 / 3.0)[INITIAL] == first[INITIAL]
    assert after(1 / 3.0)[END] == pytest.approx(3 * first[END], rel=0.05)
    assert after(3 * HELD)[END] == pytest.approx(first[END] / HELD, rel=0.05)


# -- one function at a time ----------------------------------------------------------------------------------


def test_value_gradient_and_products_are_of_the_same_weights():
    of, model = problem(), model_of(problem())
    points = collocation(of)
    points.balance(model, SingleProcess())
    objective = points.objective(model, Counters(), 1)
    assert isinstance(objective, LeastSquares)
    look = objective.evaluate()
    weights = {"equation": 1.0, **points.weights}
    expected, rows = 0.0, []
    for term in of.terms:
        sites = points.sites[term.name]
        J = dense(model, term.name, sites.points) * of.natural.unknowns["u"] / term.units[0]
        rows.append(math.sqrt(weights[term.name] / len(J)) * J)
        r = LeastSquares(model, {term.name: replace(sites, weight=1.0)}, {term.name: 1}).evaluate().residual()
        expected += weights[term.name] * float(r.square().mean()) / 2
    J = torch.cat(rows)
    assert look.value == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(look.jacobian(), J, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(look.gradient(), J.T @ look.residual(), rtol=1e-9, atol=1e-11)
    v = torch.randn(J.shape[1], generator=rng(3), dtype=torch.float64)
    torch.testing.assert_close(look.jvp(v), J @ v, rtol=1e-9, atol=1e-11)
    halves = [
        objective.restrict({name: torch.arange(i, len(s.points), 2) for name, s in points.sites.items()})
        for i in (0, 1)
    ]
    assert sum(half.value() for half in halves) == pytest.approx(look.value, rel=1e-12)


@pytest.mark.parametrize("curvature", ["ssbroyden", "lbfgs", "lsr1", "gauss-newton"])
def test_a_step_after_a_change_compares_values_of_the_new_function_only(curvature):
    of, model = problem(), model_of(problem())
    points = collocation(of)
    optimizer = TrustRegion(list(model.parameters()), curvature)
    objective = points.objective(model, Counters(), 1)
    for _ in range(20):
        optimizer.step(objective)
    points._weigh({INITIAL: 5e4, SLOPE: 7.0})
    new = points.objective(model, Counters(), 1)
    optimizer.objective_changed()
    before = new.value()
    assert before > 5 * objective.value()  # else no mistake would show
    while True:
        after = float(optimizer.step(new))
        if optimizer.info["accepted"]:
            break
    assert optimizer.info["rho"] * optimizer.info["predicted"] == pytest.approx(before - after, rel=1e-9)
    assert after == new.value()


def test_curvature_is_rebuilt_for_the_new_function():
    of, model = problem(), model_of(problem())
    points = collocation(of)
    optimizer = TrustRegion(list(model.parameters()), "ssbroyden")
    for _ in range(10):
        optimizer.step(points.objective(model, Counters(), 1))
    points.balance(model, SingleProcess())
    new = points.objective(model, Counters(), 1)
    theta = gather(list(model.parameters()))
    look = new.evaluate()
    optimizer.objective_changed()
    optimizer._current(new)
    J = look.jacobian()
    inverse = torch.linalg.inv(J.T @ J + look.value * torch.eye(len(theta), dtype=theta.dtype))
    torch.testing.assert_close(optimizer.curvature.H, inverse, rtol=1e-6, atol=1e-9)
    scatter_(list(model.parameters()), theta + 0.01)
    optimizer._current(new)  # once is enough
    torch.testing.assert_close(optimizer.curvature.H, inverse, rtol=1e-6, atol=1e-9)


# -- when they change ----------------------------------------------------------------------------------------


def test_they_are_due_ever_more_rarely():
    assert [n for n in range(1000) if is_due(n)] == [FIRST * 2**k for k in range(5)]


def test_resampling_keeps_the_weights():
    of, model = problem(), model_of(problem())
    points = collocation(of)
    points.balance(model, SingleProcess())
    before = points.weights
    points.redraw(model)
    assert len(before) == 2 and points.weights == before


# -- stages --------------------------------------------------------------------------------------------------


def test_the_traces_of_a_chain_of_stages_are_close_to_those_of_the_whole():
    of = problem()
    sharded = ShardedModel(of, rng(1), (7, 6, 5), torch.float64, "tanh", 2, SingleProcess())
    whole, points = sharded.assemble(), collocation(of)
    assert isinstance(whole.network, MLP)
    for term in of.terms:
        sites = points.sites[term.name]
        J = LeastSquares(whole, {term.name: replace(sites, weight=1.0)}).evaluate().jacobian()
        exact = float(J.square().sum())  # the mean, as the loss takes it
        assert typical_rate(sharded, term, points.sites[term.name]) == pytest.approx(exact, rel=0.4)
    weights = balanced(sharded, points.sites, SingleProcess())
    assert weights == {
        name: pytest.approx(w, rel=0.7) for name, w in balanced(whole, points.sites, SingleProcess()).items()
    }


def test_points_beside_a_corner_do_not_decide(monkeypatch):
    """A few residuals with huge gradients leave the typical one what it is."""
    of = problem()
    model, points = model_of(of), Collocation(of, 200, 8, "sobol", 0.5, rng())
    points.draw()
    sites = points.sites["equation"]
    before = typical_rate(model, of.equation_term, sites)
    steep = replace(of.equation_term, residual=lambda f, s, k: _steep(of.equation_term.residual(f, s, k)))
    assert typical_rate(model, steep, sites) == pytest.approx(before, rel=0.3)


def _steep(rows):
    factor = torch.ones_like(rows[0])
    factor[:10] = 1e6
    return tuple(factor * row for row in rows)
