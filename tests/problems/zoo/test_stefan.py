"""Stefan's problem: the similarity solution satisfies everything; missing parts are told."""

import math

import numpy as np
import pytest
import torch

from known_solutions import fields_of
from sapts_pinn import BoundaryEquation, Dirichlet, Initial, Problem, Unknown, solve
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems.zoo.stefan import front, stefan


@pytest.mark.parametrize("number", [0.2, 1.0, 3.0])
def test_the_exact_solution(number):
    problem = stefan(number)
    rate = front(number)
    known = {
        "u": lambda p: 1 - torch.erf(rate * p[:, 0]) / math.erf(rate),
        "s": lambda p: 2 * rate * torch.sqrt(p[:, 1]),
    }
    test = problem.reference.test_points()
    told = problem.reference.evaluate(test)
    at = torch.stack([torch.as_tensor(test[n]) for n in ("y", "t")], 1)
    assert all(np.allclose(told[n], known[n](at).numpy(), atol=1e-14) for n in known)
    points = problem.domain.interior(50, torch.Generator().manual_seed(0))
    (row,) = problem.evaluate(fields_of(problem, known, points), points, {})
    assert row.abs().max() < 1e-12
    for condition in problem.conditions:
        sites = condition.sites(problem.domain, 20, torch.Generator().manual_seed(1), "uniform")
        fields = fields_of(problem, known, sites.points)
        assert condition.residual(fields, sites, problem.domain, {})[0].abs().max() < 1e-12
    assert not problem.findings


def test_it_is_solved():
    solution = solve(stefan(), budget="60 iterations", points=512, network=(12,), method="tr", threads=1)
    assert solution.error() < 1e-2
    found = solution.predict({"y": 0.5, "t": 1.0})
    assert found["s"] == pytest.approx(2 * front(1.0), rel=3e-2)


def test_missing_parts_are_told():
    domain = Interval(0, 1, name="y") * Time(0, 1)
    unknowns = ("u", Unknown("s", of="t"))
    given = [Dirichlet("u", 1.0, on="y=0"), Dirichlet("u", 0.0, on="y=1"), Initial("u", lambda y: 1 - y)]
    moving = BoundaryEquation(lambda u, s: s.t + u.y, on="y=1")
    equation = lambda u, s: u.t - (1 + s**2) * u.yy
    with pytest.warns(UserWarning, match="s has no initial value; add Initial"):
        Problem(domain, unknowns, equation, [*given, moving])
    with pytest.warns(UserWarning, match="1 equation for 2 unknowns"):
        Problem(domain, unknowns, equation, [*given, Initial("s", 1.0)])
    with pytest.raises(InputError, match="positive Stefan number, not -1"):
        stefan(-1)
