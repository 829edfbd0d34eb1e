"""The ansatz u = g + l N: what is called exact holds for every network, what is a term does not by itself."""

import warnings
from math import pi

import pytest
import torch

from sapts_pinn.geometry import Ball, Box, Interval, Polygon, Time
from sapts_pinn.problems import (
    ZOO,
    Coefficient,
    Dirichlet,
    Initial,
    Neumann,
    Periodic,
    Problem,
    Robin,
    build,
)
from sapts_pinn.problems.fields import Field, derivatives

# Problems of one condition, or none: what a test is about, not what a user would solve.
pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")

X, T = Interval(0, 1), Time(0, 1)
SQUARE = Box((0, 0), (1, 1))
L_SHAPE = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])
heat = lambda u: u.t - u.xx
laplace = lambda u: u.xx + u.yy


def wave(conditions, domain=X * T, **options):
    return Problem(domain, "u", lambda u, x: u.tt - u.xx - torch.exp(x), conditions, **options)


# name: (problem, how many of its conditions are exact)
CASES = {
    "one-sided Dirichlet": lambda: (
        Problem(X, "u", lambda u, x: u.x + u - x, [Dirichlet("u", 2.0, on="x=0")]),
        1,
    ),
    "right end": lambda: (Problem(X, "u", lambda u, x: u.x + u - x, [Dirichlet("u", -1.0, on="x=1")]), 1),
    "different ends": lambda: (
        Problem(
            X, "u", lambda u, x: u.xx - x, [Dirichlet("u", 2.0, on="x=0"), Dirichlet("u", 5.0, on="x=1")]
        ),
        2,
    ),
    "Neumann ends": lambda: (
        Problem(X * T, "u", heat, [Neumann("u", 0.0), Initial("u", lambda x: torch.cos(pi * x))]),
        2,
    ),
    "Neumann ends, plain": lambda: (
        Problem(
            X * T, "u", heat, [Neumann("u", 0.0), Initial("u", lambda x: torch.cos(pi * x))], symmetry=False
        ),
        1,
    ),
    "Robin": lambda: (
        Problem(
            X,
            "u",
            lambda u, x: u.xx - x,
            [Robin("u", 1.0, on="x=1", alpha=2.0, beta=lambda x: 1 + x), Dirichlet("u", on="x=0")],
        ),
        1,
    ),
    "square with data": lambda: (
        Problem(SQUARE, "u", laplace, [Dirichlet("u", lambda x, y: torch.exp(x) * torch.sin(y) + x * y)]),
        1,
    ),
    "square by faces": lambda: (
        Problem(
            SQUARE,
            "u",
            laplace,
            [
                Dirichlet("u", lambda x: x**2, on="y=0"),
                Dirichlet("u", lambda x: x**2 + 1, on="y=1"),
                Dirichlet("u", lambda y: y, on="x=0"),
                Dirichlet("u", lambda y: 1 + y**3, on="x=1"),
            ],
        ),
        4,
    ),
    "Dirichlet in y, Neumann in x": lambda: (
        Problem(
            SQUARE,
            "u",
            lambda u, y: u.xx + u.yy - y,
            [Dirichlet("u", 0.0, on="y"), Neumann("u", 0.0, on="x")],
        ),
        2,
    ),
    "periodic in x, Dirichlet in y": lambda: (
        Problem(
            Interval(0, 2) * Interval(0, 1, name="y"),
            "u",
            lambda u, x: u.xx + u.yy - torch.sin(pi * x) - torch.cos(2 * pi * x),
            [
                Periodic("x"),
                Dirichlet("u", lambda x: torch.exp(torch.sin(pi * x)), on="y=0"),
                Dirichlet("u", 0.0, on="y=1"),
            ],
        ),
        3,
    ),
    "ball": lambda: (Problem(Ball((1, 2), 0.5), "u", laplace, [Dirichlet("u", 3.0)]), 1),
    "ball with data": lambda: (Problem(Ball((1, 2), 0.5), "u", laplace, [Dirichlet("u", lambda x: x)]), 0),
    "ball in time": lambda: (
        Problem(
            Ball((0, 0), 2) * Time(1, 3),
            "u",
            lambda u: u.t - u.xx - u.yy,
            [Dirichlet("u", 1.0), Initial("u", lambda x, y: 1 + (4 - x**2 - y**2) * x)],
        ),
        2,
    ),
    "ball times interval": lambda: (
        Problem(
            Ball((0, 0), 1) * Interval(0, 1, name="z"),
            "u",
            lambda u, z: u.xx + u.yy + u.zz - z,
            [
                Dirichlet("u", 1.0, on="sphere"),
                Dirichlet("u", lambda x, y: x**2 + y**2, on="z=0"),
                Dirichlet("u", 1.0, on="z=1"),
            ],
        ),
        3,
    ),
    "polygon": lambda: (Problem(L_SHAPE, "u", laplace, [Dirichlet("u", lambda x, y: x + y)]), 0),
    "prism": lambda: (
        Problem(
            L_SHAPE * Interval(-1, 1, name="z"),
            "u",
            lambda u: u.xx + u.yy + u.zz + 1,
            [Dirichlet("u", 0.0)],  # odd about the ends of z is not to be mistaken for zero on the polygon
        ),
        0,
    ),
    "polygon in time": lambda: (
        Problem(L_SHAPE * T, "u", lambda u: u.t - u.xx - u.yy, [Dirichlet("u", 1.0), Initial("u", 1.0)]),
        1,
    ),
    "velocity": lambda: (
        wave(
            [
                Dirichlet("u", 0.0),
                Initial("u", lambda x: x * (1 - x), velocity=lambda x: torch.sin(pi * x) * x),
            ]
        ),
        2,
    ),
    "velocity and moving ends": lambda: (
        wave(
            [
                Dirichlet("u", lambda t: torch.sin(3 * t), on="x=0"),
                Dirichlet("u", lambda t: t**2 + 1, on="x=1"),
                Initial("u", lambda x: x**2, velocity=lambda x: 3 * torch.cos(pi * x / 2)),
            ]
        ),
        3,
    ),
    "velocity, odd ends": lambda: (
        Problem(
            X * T,
            "u",
            lambda u: u.tt - u.xx + u**3,
            [
                Dirichlet("u", 0.0),
                Initial("u", lambda x: torch.sin(pi * x), velocity=lambda x: torch.sin(3 * pi * x)),
            ],
        ),
        2,
    ),
    "velocity alone": lambda: (wave([Initial("u", None, velocity=1.0)]), 0),
    "opposite parities": lambda: (
        Problem(
            Interval(-1, 1) * T,
            ("h", "v"),  # depth even, velocity odd
            lambda h, v: (h.t + v.x * h + v * h.x, v.t + v * v.x + h.x),
            [
                Initial("h", lambda x: 1 + 0.1 * torch.cos(pi * x)),
                Initial("v", 0.0),
                Dirichlet("v", 0.0),
                Neumann("h", 0.0),
            ],
        ),
        4,
    ),
    "opposite parities, periodic": lambda: (
        Problem(
            Interval(-1, 1) * T,
            ("h", "v"),
            lambda h, v: (h.t + v.x * h + v * h.x, v.t + v * v.x + h.x),
            [Initial("h", lambda x: 1 + 0.1 * torch.cos(pi * x)), Initial("v", 0.0), Periodic("x")],
        ),
        3,
    ),
    "forced soft": lambda: (
        Problem(X * T, "u", heat, [Dirichlet("u", 0.0, hard=False), Initial("u", lambda x: torch.exp(x))]),
        1,
    ),
    "one end forced soft": lambda: (
        Problem(
            X,
            "u",
            lambda u: u.xx + 1,
            [Dirichlet("u", 0.0, on="x=0", hard=False), Dirichlet("u", 0.0, on="x=1")],
        ),
        1,
    ),
    "one of two periodic": lambda: (
        Problem(
            X,
            ("u", "v"),
            lambda u, v, x: (u.xx - x, v.x - u),
            [Periodic("x", "u"), Dirichlet("v", 0.0, on="x=0")],
        ),
        1,
    ),
    "both periodic, one by one": lambda: (
        Problem(X, ("u", "v"), lambda u, v, x: (u.xx - x, v.x - u), [Periodic("x", "u"), Periodic("x", "v")]),
        2,
    ),
    "periodic and pinned": lambda: (
        Problem(X, "u", lambda u: u.xx + 1, [Periodic("x"), Dirichlet("u", 0.0)]),
        1,
    ),
    "periodic in time": lambda: (
        Problem(
            X * T,
            "u",
            heat,
            [
                Periodic("t"),
                Initial("u", lambda x: x),
                Dirichlet("u", lambda t: torch.sin(2 * pi * t), on="x=0"),
            ],
        ),
        2,
    ),
    "value with an unknown coefficient": lambda: (
        Problem(
            X,
            "u",
            lambda u, x: u.xx - torch.exp(x),
            [Dirichlet("u", lambda x, c: c + 0 * x, on="x=0"), Dirichlet("u", 1.0, on="x=1")],
            [Coefficient("c", 0.7)],
        ),
        1,
    ),
    "final values": lambda: (
        Problem(X * T, "u", heat, [Dirichlet("u", 1.0, on="t=1"), Dirichlet("u", 0.0, on="x=0")]),
        1,
    ),
    "nothing": lambda: (Problem(X, "u", lambda u: u.x), 0),
} | {name: lambda name=name: (build(name), None) for name in ZOO}
EXPECTED_WARNINGS = {"periodic in time", "final values", "forced soft"}


def network(problem, seed=0):
    """The unknowns with a random smooth network: functions of points [N, dim]."""
    ansatz, generator = problem.ansatz, torch.Generator().manual_seed(seed)

    def unknown(name):
        w = torch.randn(len(ansatz.feature_names), 5, generator=generator, dtype=torch.float64)
        a, b = torch.randn(2, 5, generator=generator, dtype=torch.float64)

        def u(points):
            out = torch.sin(ansatz.features(points) @ w + b) @ a + 0.3
            if ansatz.factor[name] is not None:
                out = out * ansatz.factor[name](points)
            return out if ansatz.extension[name] is None else out + ansatz.extension[name](points)

        return u

    return {name: unknown(name) for name in problem.unknown_names}


def fields_at(problem, functions, points):
    return {
        name: Field(name, problem.domain.names, lambda index, f=f: derivatives(f, points, [index])[0])
        for name, f in functions.items()
    }


def make(name):
    with warnings.catch_warnings():
        if name in EXPECTED_WARNINGS:
            warnings.simplefilter("ignore", UserWarning)
        return CASES[name]()


@pytest.mark.parametrize("name", CASES)
def test_exact_conditions_hold_and_terms_do_not(name):
    problem, count = make(name)
    ansatz, functions = problem.ansatz, network(problem)
    if count is not None:
        assert len(ansatz.exact) == count, problem
    points = problem.domain.interior(8, torch.Generator().manual_seed(0))
    assert ansatz.features(points).shape == (8, len(ansatz.feature_names))
    assert len(problem.terms) == 1 + len(problem.conditions) - len(ansatz.exact)
    known = problem.initial_coefficients
    for condition in problem.conditions:
        sites = condition.sites(problem.domain, 80, torch.Generator().manual_seed(5), "uniform")
        given = {**known, **problem.by_region.at(sites.points)}
        rows = condition.residual(fields_at(problem, functions, sites.points), sites, problem.domain, given)
        worst = max(float(row.abs().max()) for row in rows)
        if any(condition is c for c in ansatz.exact):
            limit = 1e-6 if problem.particular else 1e-12  # next to a jump
            assert worst <= limit, condition.describe(problem.domain)
        else:
            assert worst >= 1e-3, condition.describe(problem.domain)
    for term in problem.terms[1:]:
        sites = term.sites(80, torch.Generator().manual_seed(5), "uniform")
        rows = term.residual(fields_at(problem, functions, sites.points), sites, known)
        assert len(rows) == term.rows and max(float(row.abs().max()) for row in rows) >= 1e-3


@pytest.mark.parametrize("name", CASES)
def test_parity_and_period(name):
    """Symmetries are those of the whole ansatz, g and l included; periodicity extends to all derivatives."""
    problem, _ = make(name)
    functions = network(problem, seed=1)
    points = problem.domain.interior(50, torch.Generator().manual_seed(0))
    for coordinate, symmetry in problem.symmetries.items():
        axis = problem.domain.names.index(coordinate)
        lower, upper = problem.domain.bounds[:, axis].tolist()
        mirrors = [((lower + upper) / 2, symmetry.centre), (lower, symmetry.ends), (upper, symmetry.ends)]
        for about, signs in mirrors:
            if signs is None:
                continue
            image = points.clone()
            image[:, axis] = 2 * about - image[:, axis]
            for u, sign in zip(functions.values(), signs, strict=True):
                torch.testing.assert_close(u(image), sign * u(points), rtol=1e-11, atol=1e-11)
    for condition in problem.ansatz.exact:
        if isinstance(condition, Periodic):
            axis = problem.domain.names.index(condition.on)
            start, end = points.clone(), points.clone()
            start[:, axis], end[:, axis] = problem.domain.bounds[:, axis]
            indices = [(axis,) * k for k in range(4)]
            for u in functions.values():
                for a, b in zip(derivatives(u, start, indices), derivatives(u, end, indices), strict=True):
                    torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["velocity", "velocity and moving ends", "velocity, odd ends"])
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_velocity_by_forward_mode(name):
    problem, _ = make(name)
    u = network(problem)["u"]
    start = problem.domain.boundary(50, torch.Generator().manual_seed(3), on="t=0").points
    tangent = torch.tensor([[0.0, 1.0]], dtype=torch.float64).expand_as(start)
    rate = torch.func.jvp(u, (start,), (tangent,))[1]
    expected = next(c for c in problem.conditions if isinstance(c, Initial)).velocity(start[:, 0])
    torch.testing.assert_close(rate, expected, rtol=1e-12, atol=1e-12)


def test_half_precision_of_the_answer_is_kept():
    """float32 points give float32 values (a network may train in float32)."""
    for name in ("burgers", "poisson-5d", "allen-cahn", "poisson-lshape"):
        problem = build(name)
        points = problem.domain.interior(4, torch.Generator().manual_seed(0)).float()
        assert problem.ansatz.features(points).dtype == torch.float32
        for function in (*problem.ansatz.extension.values(), *problem.ansatz.factor.values()):
            assert function is None or function(points).dtype == torch.float32
