"""Sizes of an equation from point to point, against coefficients that are known."""

from dataclasses import replace
from math import pi

import pytest
import torch

from sapts_pinn import solve
from sapts_pinn.geometry import Box, Interval, Radius, Time
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import LeastSquares, residuals
from sapts_pinn.problems import Dirichlet, Initial, Problem, Sites
from sapts_pinn.problems.pointwise import LEAST
from sapts_pinn.problems.zoo import build

LINE = Interval(0, 1)


def layered(a, source=1.0, **more) -> Problem:
    """a(x) (u'' + source) = 0."""
    return Problem(
        LINE, "u", lambda u, x: a(x) * (u.xx + source), [Dirichlet("u", 0.0)], symmetry=False, **more
    )


def steep(x):
    return 10 ** (6 * x - 3)


@pytest.mark.parametrize("factor", [1.0, 1e-7])
def test_a_coefficient_of_many_decades_is_balanced(factor):
    problem = layered(lambda x: factor * steep(x))
    x = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)[:, None]
    found = problem.pointwise(Sites(x))
    torch.testing.assert_close(found / found[0, 0], (steep(x) / steep(x[0]))[:, 0][None])
    many = problem.domain.interior(4000, torch.Generator().manual_seed(0), "sobol")
    assert float(problem.pointwise(Sites(many)).square().mean()) == pytest.approx(1, rel=0.05)
    plain = layered(lambda x: 1 + 0 * x)
    assert plain.pointwise is None
    assert problem.natural.unknowns["u"] == pytest.approx(plain.natural.unknowns["u"], rel=1e-6)


@pytest.mark.parametrize(
    ("domain", "equation"),
    [
        (LINE, lambda u, x: (2 + torch.sin(9 * x)) * u.xx + 1),
        (LINE, lambda u, x: 1e-3 * u.xx + u.x - 1e4 * torch.exp(-x)),
        (Radius(0, 1), lambda u, r: r * u.rr + u.r + r),
        (LINE, lambda u, x: u * u.xx * steep(x) + 1),  # a coefficient that the solution makes
    ],
)
def test_others_are_left_alone(domain, equation):
    assert Problem(domain, "u", equation, [Dirichlet("u", 1.0)]).pointwise is None


@pytest.mark.parametrize(
    "name", ["poisson-interface", "composite-wall", "allen-cahn", "kovasznay", "heat-ball"]
)
def test_the_zoo_is_left_alone(name):
    assert build(name).pointwise is None


def test_rows_are_told_apart():
    """The second equation of a system varies, the first one does not."""
    problem = Problem(
        LINE * Time(0, 1), ("u", "v"), lambda u, v, x: (u.t - u.xx - v, steep(x) * (v.t - v.xx)),
        [Initial("u", lambda x: x * (1 - x)), Initial("v", 0.0), Dirichlet("u", 0.0), Dirichlet("v", 0.0)],
        symmetry=False,
    )  # fmt: skip
    points = problem.domain.interior(64, torch.Generator().manual_seed(0))
    first, second = problem.pointwise(Sites(points))
    assert (first == 1).all() and second.max() > 1e3 * second.min()


def test_a_coefficient_that_vanishes_has_a_size_all_the_same():
    problem = layered(lambda x: torch.where(x > 0.5, x, 0 * x))
    assert float(problem.pointwise(Sites(torch.tensor([[0.2]], dtype=torch.float64)))) == LEAST


def test_the_loss_is_that_of_the_divided_equation_and_residuals_are_the_users():
    problem, plain = layered(steep), layered(lambda x: 1 + 0 * x)
    network = network_of(plain, (8,), torch.Generator().manual_seed(0), torch.float64)
    here, there = Model(problem, network), Model(plain, network)
    points = problem.domain.interior(200, torch.Generator().manual_seed(1))
    values = [LeastSquares(m, {"equation": m.problem.at(points)}).evaluate().value for m in (here, there)]
    assert values[0] == pytest.approx(values[1], rel=1e-5)
    torch.testing.assert_close(residuals(here, points), steep(points[:, 0]) * residuals(there, points))


def test_it_pays():
    """Blocks that differ by four orders of magnitude: right where they are small, too."""
    blocks = lambda x, y: torch.where((x > 0.5) == (y > 0.5), 1.0, 1e-4)
    problem = Problem(
        Box((0, 0), (1, 1)), "u",
        lambda u, x, y: blocks(x, y) * (u.xx + u.yy + 2 * pi**2 * torch.sin(pi * x) * torch.sin(pi * y)),
        [Dirichlet("u", 0.0)], symmetry=False,
        reference=lambda x, y: torch.sin(pi * x) * torch.sin(pi * y),
    )  # fmt: skip
    settings = {"network": (10,), "points": 400, "budget": "30 iterations", "method": "tr", "progress": False}
    balanced = solve(problem, **settings)
    other = replace(problem)
    other.__dict__["pointwise"] = None
    assert balanced.error() < 0.5 * solve(other, **settings).error()
