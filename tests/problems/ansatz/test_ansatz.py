"""The ansatz u = g + l N: what is called exact holds for every network, what is a term does not by itself."""

import warnings
from math import pi

import numpy as np
import pytest
import torch

from sapts_pinn.geometry import Ball, Box, Interval, Polygon, Time
from sapts_pinn.problems import (
    ZOO,
    Coefficient,
    Dirichlet,
    Initial,
    Neumann,
    Observations,
    Periodic,
    Problem,
    Robin,
    build,
)
from sapts_pinn.problems.fields import Field, derivatives
from sapts_pinn.problems.wellposed.findings import IllPosed

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
        rows = condition.residual(fields_at(problem, functions, sites.points), sites, problem.domain, known)
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


# -- refusals ----------------------------------------------------------------------------------------------


def allen_cahn(hard):
    u0 = lambda x: x**2 * torch.cos(pi * x)
    equation = lambda u: u.t - 1e-4 * u.xx + 5 * u**3 - 5 * u
    return Problem(Interval(-1, 1) * T, "u", equation, [Periodic("x"), Initial("u", u0, hard=hard)])


def test_the_trap_of_allen_cahn():
    problem = allen_cahn(None)
    assert [term.name for term in problem.terms] == ["equation", "initial value of u"]
    (message,) = problem.ansatz.messages
    assert message.startswith(
        "initial value of u is not smooth across the seam of the periodic coordinate x (a deriv"
    )
    assert message.endswith("it is a weighted term") and message in str(problem)
    forced = allen_cahn(True)
    assert len(forced.terms) == 1 and forced.ansatz.messages[0].endswith(
        "built in all the same, as hard=True asks"
    )
    assert not allen_cahn(False).ansatz.messages


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize(
    ("u0", "smooth"),
    [
        (lambda x: torch.sin(pi * x), True),
        (lambda x: torch.exp(torch.cos(3 * pi * x)), True),
        (lambda x: torch.cos(20 * pi * x), True),
        (lambda x: torch.exp(-80 * x**2), True),
        (lambda x: 0 * x + 3, True),
        (lambda x: x, False),
        (lambda x: torch.exp(-8 * x**2), False),
        (lambda x: torch.sqrt(1 - x**2), False),  # infinite slopes
        (lambda x: (1 - x**2) ** 2, False),  # the third derivative jumps
    ],
)
def test_smoothness_on_the_circle(u0, smooth, scale):
    conditions = [Periodic("x"), Initial("u", lambda x: scale * u0(x))]
    problem = Problem(Interval(-1, 1) * T, "u", lambda u: u.t - u.xx, conditions)
    assert (len(problem.ansatz.exact) == 2) is smooth and bool(problem.ansatz.messages) is not smooth


def test_smoothness_of_velocities_and_boundary_values():
    strip = Interval(-1, 1) * Interval(0, 1, name="y") * T
    equation = lambda u: u.tt - u.xx - u.yy
    for condition in (
        Initial("u", 0.0, velocity=lambda x: x**2),
        Dirichlet("u", lambda x: x**2, on="y=0"),
    ):
        problem = Problem(strip, "u", equation, [Periodic("x"), condition])
        assert len(problem.ansatz.exact) == 1 and "not smooth across the seam" in str(problem)


@pytest.mark.parametrize(
    ("conditions", "jump", "soft"),
    [
        ([Dirichlet("u", 0.0), Initial("u", lambda x: 1 + x)], "2", "initial value of u"),
        ([Initial("u", 1e-8), Dirichlet("u", 0.0)], "1e-08", "initial value of u"),
        ([Dirichlet("u", lambda t: torch.cos(t)), Initial("u", 0.25)], "0.75", "initial value of u"),
        ([Dirichlet("u", 0.0, hard=True), Initial("u", 1.0)], "1", "initial value of u"),
        ([Dirichlet("u", 0.0), Initial("u", 1.0, hard=True)], "1", "u on x=0, x=1"),
        (
            [Initial("u", lambda x: x - x**2, velocity=1.0), Dirichlet("u", 0.0)],
            "1",
            "initial value and velocity of u",
        ),
        ([Dirichlet("u", 0.0, on="x=0"), Dirichlet("u", 1.0, on="x=0")], "1", "u on x=0 (2)"),
    ],
)
def test_contradictions_warn_with_the_size_of_the_jump(conditions, jump, soft):
    with pytest.warns(
        UserWarning, match=f"contradictory conditions: (the velocity of )?u .* by {jump}\\b.* weighted term"
    ) as record:
        problem = Problem(X * T, "u", lambda u: u.tt - u.xx, conditions)
    (told,) = (w for w in record if w.category is not IllPosed)
    assert told.filename == __file__
    assert [term.name for term in problem.terms] == ["equation", soft]
    assert str(told.message) in str(problem)
    assert ("the velocity of u on t=0" in str(told.message)) is ("velocity" in soft)


def test_contradictions_elsewhere():
    with pytest.warns(UserWarning, match="u on sphere and on t=0 differ by 1 where they meet"):
        problem = Problem(
            Ball((0, 0), 1) * T, "u", lambda u: u.t - u.xx - u.yy, [Dirichlet("u", 1.0), Initial("u", 0.0)]
        )
    assert [term.name for term in problem.terms] == ["equation", "initial value of u"]
    cavity = [Dirichlet("u", 0.0, on=["x", "y=0"]), Dirichlet("u", 1.0, on="y=1")]
    with pytest.warns(
        UserWarning, match="u on x=[01] and on y=1 differ by 1 where they meet; u on y=1 is a weighted"
    ):
        Problem(SQUARE, "u", laplace, cavity)
    with pytest.warns(UserWarning, match="differ by 1 where they meet$"):  # a term anyway: nothing to decide
        problem = Problem(L_SHAPE * T, "u", heat, [Dirichlet("u", 1.0), Initial("u", 0.0)])
    assert len(problem.ansatz.exact) == 1


def test_data_over_many_faces_are_not_blended():
    """The interpolant of data on the faces of d coordinates evaluates them 3^d times."""
    names = ("a", "b", "c", "e")
    equation = lambda u: u.aa + u.bb + u.cc + u.ee
    for dim, value, exact in ((3, lambda a: torch.exp(a), 1), (4, lambda a: torch.exp(a), 0), (4, 2.0, 1)):
        laplace = equation if dim == 4 else (lambda u: u.aa + u.bb + u.cc)
        problem = Problem(Box([0] * dim, [1] * dim, names[:dim]), "u", laplace, [Dirichlet("u", value)])
        assert len(problem.ansatz.exact) == exact
        assert ("varies over the faces of 4 coordinates" in str(problem)) is (exact == 0)


def test_no_contradiction_between_different_unknowns():
    Problem(
        X * T,
        ("u", "v"),
        lambda u, v: (u.t - v.x, v.t - u.x),
        [Dirichlet("u", 1.0), Initial("v", 5.0), Initial("u", 1.0)],
    )


@pytest.mark.parametrize(
    ("domain", "condition", "what"),
    [
        (L_SHAPE, Dirichlet("u", 0.0, hard=True), "u on 6 faces"),
        (SQUARE, Neumann("u", 1.0, hard=True), "normal derivative of u on x=0, x=1, y=0, y=1"),
        (SQUARE, Robin("u", 1.0, on="x", hard=True), "Robin condition of u on x=0, x=1"),
        (Ball((0, 0), 1), Dirichlet("u", lambda x: x, hard=True), "u on sphere"),
    ],
)
def test_hard_without_a_construction(domain, condition, what):
    with pytest.raises(
        ValueError, match=f"^{what}: hard=True, but there is no exact construction for it on .*; leave"
    ):
        Problem(domain, "u", laplace, [condition])


def test_print():
    problem = Problem(
        Interval(-1, 1) * T,
        ("h", "v"),
        lambda h, v, nu: (h.t + v.x, v.t + h.x - nu * v.xx),
        [
            Dirichlet("v", 0.0),
            Neumann("h", 0.0),
            Initial("h", lambda x: torch.cos(pi * x)),
            Initial("v", 0.0, hard=False, weight=3),
            Observations("h", {"x": np.zeros(2), "t": np.ones(2)}, np.ones(2)),
            Observations("h", {"x": np.ones(2), "t": np.ones(2)}, np.ones(2)),
        ],
        [Coefficient("nu", 0.1)],
        name="shallow",
    )
    assert str(problem).split("\n") == [
        "shallow: h, v on Interval(-1, 1, name='x') * Time(0, 1, name='t')",
        "  equations   2, derivatives up to order 2",
        "  condition   v on x=-1, x=1: exact, by construction",
        "  condition   normal derivative of h on x=-1, x=1: exact, by construction",
        "  condition   initial value of h: exact, by construction",
        "  condition   initial value of v: weighted term, weight 3",
        "  condition   2 observations of h (1): weighted term, weight 10",
        "  condition   2 observations of h (2): weighted term, weight 10",
        "  symmetry    x about the middle: h even, v odd",
        "  symmetry    x about both ends: h even, v odd",
        "  coefficient nu, starting from 0.1",
        "  network of  cos of x, symmetric about ends and middle; t",
        f"  scales      {problem.natural}",
    ]
    assert [term.name for term in problem.terms][1:] == [
        "initial value of v",
        "2 observations of h (1)",
        "2 observations of h (2)",
    ]
    assert problem.terms[-1].fixed == 2 and problem.terms[0].fixed is None
