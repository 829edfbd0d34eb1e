"""The zoo: every problem builds, says what it is, and its equation holds for its reference."""

from math import pi

import numpy as np
import pytest
import torch

from sapts_pinn.problems import ZOO, Problem, build
from sapts_pinn.problems.fields import Field, derivatives
from sapts_pinn.problems.zoo.poisson import poisson_2d

FORWARD = [name for name, entry in ZOO.items() if entry.group != "Inverse"]  # of the others: test_inverse.py
SYSTEMS = {"gray-scott", "schroedinger", "lorenz", "kirsch", "kovasznay", "cavity", "cylinder"}
EXACT = {  # solutions in closed form, for derivatives
    "poisson-1d": lambda x: torch.sin(pi * x),
    "poisson-multiscale": lambda x: torch.sin(2 * pi * x) + 0.1 * torch.sin(50 * pi * x),
    "poisson-2d": lambda x, y: torch.sin(pi * x) * torch.sin(pi * y),
    "poisson-2d-k4": lambda x, y: torch.sin(4 * pi * x) * torch.sin(4 * pi * y),
    "poisson-3d": lambda x, y, z: torch.sin(pi * x) * torch.sin(pi * y) * torch.sin(pi * z),
    "poisson-5d": lambda x1, x2, x3, x4, x5: sum(torch.cos(pi * x) for x in (x1, x2, x3, x4, x5)),
}


def fields_of(problem, functions, points):
    """The unknowns as given functions of points [N, dim], derivatives by autograd."""
    return {
        name: Field(name, problem.domain.names, lambda index, f=f: derivatives(f, points, [index])[0])
        for name, f in functions.items()
    }


@pytest.mark.parametrize("name", FORWARD)
def test_builds(name):
    problem = build(name)
    assert isinstance(problem, Problem) and problem.name == name and set(problem.options) <= {"windows"}
    assert f"{name}: {', '.join(problem.unknown_names)} on " in str(problem)
    assert f"equations   {problem.equation_term.rows}, derivatives up to order " in str(problem)
    assert (len(problem.unknown_names) > 1) == (name in SYSTEMS)
    assert ZOO[name].summary and "\n" not in ZOO[name].summary and ZOO[name].group
    if problem.reference is None:
        assert problem.quantities
        return
    points = problem.reference.test_points()
    inside = problem.domain.inside(torch.stack([torch.as_tensor(points[c]) for c in problem.domain.names], 1))
    assert inside.all()


@pytest.mark.parametrize("name", EXACT)
def test_manufactured_solutions(name):
    problem, exact = build(name), EXACT[name]
    points = problem.domain.interior(200, torch.Generator().manual_seed(0))
    u = lambda p: exact(*p.unbind(1))
    residual = problem.evaluate(fields_of(problem, {"u": u}, points), points, {})[0]
    curvature = derivatives(u, points, [(0, 0)])[0].abs().max()
    assert residual.abs().max() <= 1e-10 * max(1, curvature)
    named = {c: points[:, i].numpy() for i, c in enumerate(problem.domain.names)}
    np.testing.assert_allclose(problem.reference.evaluate(named)["u"], u(points), atol=1e-12)


@pytest.mark.parametrize(
    ("name", "step", "tolerance"),
    [
        ("burgers", 1e-3, 2e-4),
        ("allen-cahn", 2e-3, 1e-4),
        ("allen-cahn-dirichlet", 2e-3, 1e-4),
        ("allen-cahn-steady", 1e-2, 1e-7),
        ("poisson-lshape", 1e-2, 1e-6),
    ],
)
def test_equation_holds_for_the_reference(name, step, tolerance):
    """By central differences of order 4: the problem and its reference speak of the same equation."""
    problem = build(name)
    points = problem.domain.interior(400, torch.Generator().manual_seed(1))
    lower, upper = problem.domain.bounds
    points = points[(points > lower + 0.1).all(1) & (points < upper - 0.1).all(1)]
    if name == "poisson-lshape":
        points = points[points.norm(dim=1) > 0.3]
    if name == "burgers":
        points = points[points[:, 0].abs() > 0.2]
    points = points[problem.domain.distance(points) < -0.05]
    assert len(points) > 20

    def value(p):
        columns = {c: p[:, i].numpy() for i, c in enumerate(problem.domain.names)}
        return torch.as_tensor(problem.reference.evaluate(columns)["u"])

    def channels(index):
        if not index:
            return value(points)
        shift = torch.zeros(problem.domain.dim, dtype=torch.float64)
        shift[index[0]] = step
        near = [value(points + k * shift) for k in (-2, -1, 0, 1, 2)]
        weights = [(1, -8, 0, 8, -1), (-1, 16, -30, 16, -1)][len(index) - 1]
        return sum(w * v for w, v in zip(weights, near, strict=True)) / (12 * step ** len(index))

    u = Field("u", problem.domain.names, channels)
    assert problem.evaluate({"u": u}, points, {})[0].abs().max() < tolerance


@pytest.mark.parametrize("name", [n for n in FORWARD if n not in SYSTEMS])
def test_conditions_hold_for_the_reference(name):
    problem = build(name)
    for condition in problem.conditions:
        sites = condition.sites(problem.domain, 60, torch.Generator().manual_seed(2), "uniform")
        columns = {c: sites.points[:, i].numpy() for i, c in enumerate(problem.domain.names)}
        u = torch.as_tensor(problem.reference.evaluate(columns)["u"])
        zero = torch.zeros_like(u)  # periodicity of the derivative is not looked at here
        field = Field("u", problem.domain.names, lambda index, u=u, zero=zero: zero if index else u)
        for row in condition.residual({"u": field}, sites, problem.domain, {}):
            assert row.abs().max() < max(1e-8, problem.reference.accuracy)


def test_unknown_names():
    with pytest.raises(ValueError, match=r"^there is no problem 'burger'; did you mean 'burgers'\?$"):
        build("burger")
    with pytest.raises(ValueError, match="did you mean 'poisson-2d'"):
        build("Poisson_2D")
    with pytest.raises(
        ValueError, match=r"^there is no problem 'qqq'; the problems are poisson-1d, .*inverse$"
    ):
        build("qqq")


def test_arguments():
    assert poisson_2d(k=3).name == "poisson-2d-k3"
    for k in (0, 1.5, -2):
        with pytest.raises(ValueError, match=f"whole number k of at least 1, not {k}"):
            poisson_2d(k)
