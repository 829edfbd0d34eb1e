"""Values elsewhere in an equation: where they are, what they are, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.integrate import quad
from torch import Generator, pi

from sapts_pinn import Coefficient, Dirichlet, Initial, Integral, Observations, Problem, solve
from sapts_pinn.audit import audit
from sapts_pinn.errors import InputError
from sapts_pinn.estimation.linearised import linearised
from sapts_pinn.geometry import Ball, Interval, Time
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import LeastSquares, residuals
from sapts_pinn.problems.fields import Field, derivatives
from sapts_pinn.problems.zoo import build

ROD = Interval(0, 1)
FEATURES = {"method": "features", "points": 200, "network": (50,)}


def delayed(**more):
    return Problem(
        Time(0, 3),
        "u",
        lambda u, t: u.t + u.at(t=t - 1),
        [Initial("u", 1.0, history=1.0)],
        **more,
    )


def mixed():
    """Everything at once: a place, a mirrored one, a derivative there, a Fredholm and a Volterra integral."""
    return Problem(
        Interval(-1, 1) * Time(0, 1),
        "u",
        lambda u, I, J, k, x: (
            u.t - k * u.xx + u.at(x=-x).x * 0 + u.at(x=0.5, t=0.0) * u.x.at(x=-x) + I * u + k * J
        ),
        [
            Initial("u", lambda x: torch.sin(pi * x)),
            Dirichlet("u", 0.0),
            Observations("u", {"x": 0.1, "t": 0.5}, 0.3),
        ],
        coefficients=[Coefficient("k", init=0.7)],
        integrals=[
            Integral("I", lambda u, x, s: torch.exp(x * s) * u**2, over="x", variable="s"),
            Integral("J", lambda u, k, t: k * u.x * t, over="t", upper=lambda t: t),
        ],
    )


def model_of(problem, seed=1):
    torch.manual_seed(seed)
    return Model(problem, network_of(problem, (8, 8), Generator().manual_seed(seed), torch.float64))


def test_places_are_sites_of_a_residual():
    problem = delayed()
    points = torch.tensor([[0.25], [1.0], [2.5]], dtype=torch.float64)
    sites = problem.at(points)
    assert sites.fold == 2
    assert torch.equal(sites.first, points)
    assert sites.points[3:, 0].tolist() == [0.0, 0.0, 1.5]  # before the start the history stands there


def test_equal_places_are_taken_once():
    problem = Problem(
        Interval(-1, 1),
        ("u", "v"),
        lambda u, v, x: (u.xx + v.at(x=-x), v.xx + u.at(x=-x) + u.x.at(x=0.0)),
        [Dirichlet("u", 1.0), Dirichlet("v", 1.0)],
    )
    assert problem.companions.fold == 3


def test_values_against_a_given_function():
    problem = mixed()
    k = {"k": torch.tensor(0.7, dtype=torch.float64)}

    def f(p):
        return torch.sin(2 * p[:, 0]) * torch.exp(-p[:, 1])

    def fields(points):
        return {"u": Field("u", ("x", "t"), lambda index: derivatives(f, points, [index])[0])}

    at = problem.domain.interior(20, Generator().manual_seed(0))
    sites = problem.at(at)
    (row,) = problem.evaluate(fields(sites.points), sites.points, k)
    x, t = at.unbind(1)
    u, u_t = f(at), -f(at)
    u_xx = -4 * f(at)
    far = math.sin(1.0)
    there = 2 * torch.cos(-2 * x) * torch.exp(-t)
    inner = torch.tensor(
        [
            quad(lambda s, a=a, b=b: math.exp(a * s) * (math.sin(2 * s) * math.exp(-b)) ** 2, -1, 1)[0]
            for a, b in at.tolist()
        ]
    )
    memory = torch.tensor(
        [quad(lambda s, a=a: 0.7 * 2 * math.cos(2 * a) * math.exp(-s) * s, 0, b)[0] for a, b in at.tolist()]
    )
    expected = u_t - 0.7 * u_xx + far * there + inner * u + 0.7 * memory
    assert torch.allclose(row, expected, atol=1e-10)


def test_gradient_jacobian_and_product_agree():
    problem = mixed()
    model = model_of(problem)
    sites = {t.name: t.sites(12, Generator().manual_seed(4), "sobol") for t in problem.terms}
    for compiled in (True, False):
        found = LeastSquares(model, sites, use_kernel=compiled).evaluate()
        J, r = found.jacobian(), found.residual()
        assert torch.allclose(found.gradient(), J.T @ r, rtol=1e-9, atol=1e-12)
        v = torch.randn(J.shape[1], generator=Generator().manual_seed(5), dtype=torch.float64)
        assert torch.allclose(found.jvp(v), J @ v, rtol=1e-9, atol=1e-11)
        theta = torch.cat([p.detach().reshape(-1) for p in found.objective.parameters])
        step = 1e-6 * v
        ahead, behind = (found.objective.evaluate_at(theta + s * step).residual() for s in (1, -1))
        assert torch.allclose((ahead - behind) / 2e-6, J @ v, rtol=1e-5, atol=1e-6)


def test_parts_add_up():
    problem = mixed()
    model = model_of(problem)
    sites = {t.name: t.sites(12, Generator().manual_seed(4), "sobol") for t in problem.terms}
    whole = LeastSquares(model, sites)
    halves = [{"equation": h} for h in torch.arange(12).tensor_split(2)]
    values = [whole.restrict(h).evaluate().terms["equation"] for h in halves]
    assert sum(values) == pytest.approx(whole.evaluate().terms["equation"], rel=1e-12)


def test_residuals_and_linearisation_at_points():
    problem = mixed()
    model = model_of(problem)
    points = problem.domain.interior(30, Generator().manual_seed(1))
    rows = residuals(model, points)
    assert rows.shape == (1, 30)
    found = linearised(model, problem.equation_term, problem.at(points))
    assert torch.allclose(found.values, rows, atol=1e-10)


def test_the_audit_looks_at_it():
    problem = build("volterra")
    model = model_of(problem)
    sites = {t.name: t.sites(64, Generator().manual_seed(4), "sobol") for t in problem.terms}
    found = audit(model, sites)
    assert found.figures["quadrature"] < 1e-8
    assert {f.topic for f in found.objections} == {"residual"}


@pytest.mark.parametrize("name", ["delay", "fredholm", "volterra", "volterra-ide"])
def test_features_solve_it(name):
    found = solve(build(name), **FEATURES, budget="30 iterations", target_error=1e-8)
    assert found.result["relative_l2_error"] < 1e-7


@pytest.mark.parametrize("method", ["tr", "sapts-d"])
def test_other_methods_solve_it_too(method):
    found = solve(
        delayed(reference=lambda t: exact(t)),
        method=method,
        budget="300 iterations",
        points=256,
        network=(12,),
    )
    assert found.result["relative_l2_error"] < 1e-3


def exact(t):
    return 1 - t + torch.relu(t - 1) ** 2 / 2 - torch.relu(t - 2) ** 3 / 6


def test_values_inside_at_a_place():
    problem = Problem(
        ROD,
        "u",
        lambda u, x: u.xx + u.at(x=0.5) + pi**2 * torch.sin(pi * x) - 1,
        [Dirichlet("u", 0.0)],
        reference=lambda x: torch.sin(pi * x),
    )
    found = solve(problem, **FEATURES, budget="20 iterations", target_error=1e-9)
    assert found.result["relative_l2_error"] < 1e-8


def test_symmetries_are_not_looked_for():
    problem = Problem(Interval(-1, 1), "u", lambda u, x: u.xx + u.at(x=0.5) - 1, [Dirichlet("u", 0.0)])
    assert problem.symmetries == {}


def test_resumed_runs_go_on(tmp_path):
    first = solve(build("delay"), **FEATURES, budget="3 iterations", out=tmp_path / "a")
    again = solve(build("delay"), **FEATURES, budget="6 iterations", resume=tmp_path / "a")
    whole = solve(build("delay"), **FEATURES, budget="6 iterations")
    assert first.result["loss"] >= again.result["loss"]
    assert again.result["loss"] == whole.result["loss"]


def test_it_shows_what_it_is():
    assert "elsewhere   1 other place for each point" in str(delayed())
    assert "16 Gauss-Legendre nodes" in str(build("fredholm"))


@pytest.mark.parametrize(
    ("domain", "equation", "conditions", "message"),
    [
        (
            Time(0, 1),
            lambda u, t: u.t + u.at(t=t - 1),
            [Initial("u", 1.0)],
            r"at t=-1, outside .* history=\.\.\.",
        ),
        (Time(0, 1), lambda u, t: u.t + u.at(t=t + 1), [Initial("u", 1.0, history=0.0)], "outside of"),
        (ROD, lambda u, x: u.xx + u.at(x=2 * x), [Dirichlet("u", 0.0)], "only places inside have a value"),
        (
            ROD,
            lambda u: u.xx + u.at(x=u.value),
            [Dirichlet("u", 0.0)],
            "depends on an unknown or a coefficient",
        ),
        (ROD, lambda u: u.xx + u.at(y=0.0), [Dirichlet("u", 0.0)], "none of the coordinates x"),
        (ROD, lambda u: u.xx + u.at(), [Dirichlet("u", 0.0)], "names no coordinate"),
        (ROD, lambda u: u.xx + u.at(x=0.1).at(x=0.2), [Dirichlet("u", 0.0)], "is for the equation"),
        (
            Ball((0.0, 0.0), 1.0),
            lambda u, x: u.xx + u.yy + u.at(x=0.9, y=0.9),
            [Dirichlet("u", 0.0)],
            "outside of",
        ),
    ],
)
def test_places_that_are_refused(domain, equation, conditions, message):
    with pytest.raises(InputError, match=message):
        Problem(domain, "u", equation, conditions)


def test_unknown_delays_are_refused():
    with pytest.raises(InputError, match="depends on an unknown or a coefficient"):
        Problem(
            Time(0, 1),
            "u",
            lambda u, t, tau: u.t + u.at(t=t - tau),
            [Initial("u", 1.0, history=1.0)],
            coefficients=[Coefficient("tau", init=0.5)],
        )


def test_windows_are_refused():
    with pytest.raises(InputError, match="values at other times"):
        solve(delayed(), windows=2, budget="1 iterations")
