"""Gauss-Newton in its three forms against J^T J and the secular equation, both dense."""

import math

import pytest
import torch
from torch import Tensor

from draws import randn
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.flat import gather
from sapts_pinn.objectives.least_squares import LeastSquares, LeastSquaresEvaluation
from sapts_pinn.optim.curvature import GaussNewton
from sapts_pinn.optim.curvature import gauss_newton as module
from sapts_pinn.problems import build


def objective(points: int, width: int = 5) -> LeastSquares:
    problem = build("poisson-2d")
    network = MLP((len(problem.ansatz.feature_names), width, 1)).double()
    with torch.no_grad():
        for i, p in enumerate(network.parameters()):
            p.copy_(0.8 * randn(*p.shape, seed=i))
    sites = {"equation": problem.equation_term.sites(points, torch.Generator().manual_seed(2), "uniform")}
    return LeastSquares(Model(problem, network), sites)


def oracle(J: Tensor, g: Tensor, radius: float) -> tuple[Tensor, float]:
    """Levenberg-Marquardt by bisection for lambda, in (J^T J + lambda I) s = -g with |s| = radius."""
    n = len(g)
    solve = lambda lam: -torch.linalg.solve(J.T @ J + lam * torch.eye(n, dtype=J.dtype), g)
    s = -torch.linalg.lstsq(J.T @ J, g.unsqueeze(1), rcond=1e-12, driver="gelsd").solution[:, 0]
    if float(s.norm()) > radius:
        low, high = 1e-14, float(g.norm()) / radius
        for _ in range(200):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if float(solve(middle).norm()) > radius else (low, middle)
        s = solve(high)
    return s, -float(g @ s + (J @ s) @ (J @ s) / 2)


FORMS = {"dense": (60, None), "kernel": (12, None), "free": (60, True), "free-few": (12, True)}


def prepared(form: str, **options: float) -> tuple[GaussNewton, LeastSquaresEvaluation]:
    points, free = FORMS[form]
    look = objective(points).evaluate()
    model = GaussNewton(matrix_free=free, **options)
    model.prepare(look)
    assert (model._eigen is None) == bool(free)
    return model, look


@pytest.mark.parametrize("form", FORMS)
def test_product(form):
    model, look = prepared(form)
    J = look.jacobian()
    assert (len(J) >= J.shape[1]) == (form in ("dense", "free"))
    v = randn(J.shape[1])
    exact = J.T @ (J @ v)
    assert float((model.mv(v) - exact).norm()) <= 1e-10 * float(exact.norm())


@pytest.mark.parametrize("form", ["dense", "kernel"])
@pytest.mark.parametrize("radius", [1e-4, 1e-2, 0.1, 1.0, 3.0])
def test_exact_step(form, radius):
    model, look = prepared(form)
    J, g = look.jacobian(), look.gradient()
    step = model.solve(g, radius)
    exact, predicted = oracle(J, g, radius)
    assert float((step.s - exact).norm()) <= 1e-6 * float(exact.norm())
    assert step.predicted == pytest.approx(predicted, rel=1e-8)
    assert step.length == pytest.approx(float(step.s.norm()), rel=1e-9)
    assert step.length <= radius * (1 + 1e-12)


@pytest.mark.parametrize("form", ["free", "free-few"])
@pytest.mark.parametrize("radius", [1e-3, 1.0, 1e3])
def test_matrix_free_step(form, radius):
    """Steihaug's point: no better than the exact one, and near it where the ball does not bend the path."""
    model, look = prepared(form, tolerance=1e-10, iterations=2000)
    J, g = look.jacobian(), look.gradient()
    step = model.solve(g, radius)
    _, predicted = oracle(J, g, radius)
    assert step.predicted == pytest.approx(-float(g @ step.s + (J @ step.s).square().sum() / 2), rel=1e-8)
    assert 0.5 * predicted <= step.predicted <= predicted * (1 + 1e-6)
    if radius != 1.0:
        assert step.predicted == pytest.approx(predicted, rel=1e-3)


@pytest.mark.parametrize("form", FORMS)
def test_many_radii_are_as_many_steps(form):
    model, look = prepared(form)
    g, radii = look.gradient(), torch.logspace(-4, 3, 9, dtype=torch.float64)
    for radius, step in zip(radii, model.solve_many(g, radii), strict=True):
        one = model.solve(g, float(radius))
        assert float((step.s - one.s).norm()) <= 1e-9 * float(one.s.norm())
        assert step.predicted == pytest.approx(one.predicted, rel=1e-10)
        assert step.length == pytest.approx(one.length, rel=1e-9)
        assert step.on_boundary == one.on_boundary


def test_the_form_follows_the_size(monkeypatch):
    monkeypatch.setattr(module, "DENSE_BYTES", 1.0)
    look = objective(60).evaluate()
    model = GaussNewton()
    model.prepare(look)
    assert model._eigen is None
    forced = GaussNewton(matrix_free=False)
    forced.prepare(look)
    assert forced._eigen is not None


def test_full_newton_step_of_a_linear_least_squares_problem_ends_it():
    """Only the last layer trains: r is linear, and one unbounded step reaches the minimum."""
    loss = objective(60)
    for p in list(loss.model.network.parameters())[:-2]:
        p.requires_grad_(False)
    linear = LeastSquares(loss.model, loss.sites)
    look = linear.evaluate()
    model = GaussNewton()
    model.prepare(look)
    step = model.solve(look.gradient(), 1e6)
    assert not step.on_boundary
    with torch.no_grad():
        theta = gather(linear.parameters) + step.s
        linear.parameters[0].copy_(theta[:-1].view_as(linear.parameters[0]))
        linear.parameters[1].copy_(theta[-1:])
    value, gradient = linear.value_and_grad()
    assert look.value - value == pytest.approx(step.predicted, rel=1e-8)
    assert float(gradient.norm()) <= 1e-8 * float(look.gradient().norm())


def test_zero_jacobian():
    loss = objective(12)
    for p in list(loss.model.network.parameters())[:-2]:
        p.requires_grad_(False)
    with torch.no_grad():
        loss.model.network[2].weight.zero_()
    loss = LeastSquares(loss.model, loss.sites)  # with the fewer parameters
    look = loss.evaluate()
    zero = LeastSquaresEvaluation(loss, look.theta, 0.0, {}, look._stamps, look._rows)
    zero.jacobian = lambda: 0 * look.jacobian()  # type: ignore[method-assign]
    model = GaussNewton()
    model.prepare(zero)
    g = torch.zeros_like(look.theta)
    still = model.solve(g, 1.0)
    assert still.predicted == still.length == 0 and not still.s.any() and not still.on_boundary
    assert [s.predicted for s in model.solve_many(g, torch.ones(2, dtype=torch.float64))] == [0, 0]


def test_an_objective_without_residuals_is_refused():
    w = torch.nn.Parameter(torch.ones(2))
    look = ClosureObjective(lambda: 1.0, [w]).evaluate()
    with pytest.raises(TypeError, match="Gauss-Newton needs a least-squares objective"):
        GaussNewton().prepare(look)


def test_bad_numbers():
    loss = objective(12)
    with torch.no_grad():
        loss.parameters[0][0, 0] = math.nan
    with pytest.raises(FloatingPointError, match="Jacobian is not finite"):
        GaussNewton().prepare(loss.evaluate())


def test_it_learns_nothing_from_pairs_and_has_no_state():
    model = GaussNewton()
    assert not model.update(randn(2), randn(2)) and model.state_dict() == {}
