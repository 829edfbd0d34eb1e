"""Reflections: found where they are, not found where they are not."""

from math import pi

import numpy as np
import pytest
import torch

from sapts_pinn.bench.trust import symmetry as trust_symmetry
from sapts_pinn.geometry import Ball, Box, Interval, Time
from sapts_pinn.problems import (
    BoundaryEquation,
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
from sapts_pinn.problems.symmetry.symmetry import Symmetry

# Problems of one condition, or none: what a test is about, not what a user would solve.
pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")

T = Time(0, 1)
X = Interval(0, 1)
LINE = Interval(-1, 1)
EVEN, ODD = (1,), (-1,)


def found(equation, conditions=(), domain=X, unknowns="u", **options):
    return Problem(domain, unknowns, equation, conditions, **options).symmetries


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("poisson-1d", {"x": Symmetry(EVEN, ODD)}),
        ("poisson-multiscale", {"x": Symmetry(ODD, ODD)}),
        ("poisson-2d-k4", {"x": Symmetry(ODD, ODD), "y": Symmetry(ODD, ODD)}),
        ("poisson-3d", {c: Symmetry(EVEN, ODD) for c in "xyz"}),
        ("poisson-5d", {}),
        ("poisson-lshape", {}),
        ("burgers", {"x": Symmetry(ODD, ODD)}),
        ("allen-cahn", {"x": Symmetry(EVEN, None)}),
        ("allen-cahn-dirichlet", {"x": Symmetry(EVEN, None)}),
        ("allen-cahn-steady", {"x": Symmetry(ODD, None)}),
    ],
)
def test_zoo(name, expected):
    assert build(name).symmetries == expected


ZERO = [Dirichlet("u", 0.0)]
CASES = [
    # f = 1 is even, but its odd continuation jumps
    (lambda u: u.xx + 1, ZERO, {"x": Symmetry(EVEN, None)}),
    (lambda u: u.xx + u, ZERO, {"x": Symmetry(EVEN, ODD)}),
    # coefficients that break it
    (lambda u, x: u.xx + x * u + 1, ZERO, {}),
    (lambda u, x: u.xx + torch.cos(2 * pi * x) * u, ZERO, {"x": Symmetry(EVEN, ODD)}),
    (lambda u, x: u.xx + torch.sin(2 * pi * x) * u, ZERO, {}),
    (lambda u: u.xx + u.x, ZERO, {}),
    (lambda u: u.xx + 1e-5 * u.x, ZERO, {}),
    (lambda u: 1e-12 * (u.xx + u.x), ZERO, {}),
    (lambda u: u.xx + u**2, ZERO, {"x": Symmetry(EVEN, None)}),
    (lambda u: u.xx + u.x**2, ZERO, {"x": Symmetry(EVEN, None)}),
    # boundary conditions
    (lambda u: u.xx + u, [Neumann("u", 0.0)], {"x": Symmetry(EVEN, EVEN)}),
    (lambda u, x: u.xx + torch.cos(pi * x), [Neumann("u", 0.0)], {"x": Symmetry(ODD, EVEN)}),
    (lambda u: u.xx + u**2, [Neumann("u", 0.0)], {"x": Symmetry(EVEN, EVEN)}),
    (lambda u: u.xx + u, [Neumann("u", 1.0)], {"x": Symmetry(EVEN, None)}),
    (lambda u: u.xx + u, [Dirichlet("u", 0.0, on="x=0"), Neumann("u", 0.0, on="x=1")], {}),
    (lambda u: u.xx + u, [Dirichlet("u", 0.0, on="x=0")], {}),
    (
        lambda u: u.xx + u,
        [Dirichlet("u", 1.0, on="x=0"), Dirichlet("u", -1.0, on="x=1")],
        {"x": Symmetry(ODD, None)},
    ),
    (lambda u: u.xx + u, [Dirichlet("u", 1.0, on="x=0"), Dirichlet("u", 2.0, on="x=1")], {}),
    (lambda u: u.xx + u, [Robin("u", 0.0, beta=2.0)], {"x": Symmetry(EVEN, None)}),
    (lambda u: u.xx + u, [Robin("u", 0.0, beta=lambda x: 1 + x)], {}),
    (lambda u: u.xx + u, [Dirichlet("u", 0.0, hard=False)], {"x": Symmetry(EVEN, None)}),
    (lambda u: u.xx + 1, [Dirichlet("u", 0.0, on="x=0", hard=False), Dirichlet("u", 0.0, on="x=1")], {}),
    (lambda u: u.xx + u, [Periodic("x")], {"x": Symmetry(EVEN, None)}),
    (lambda u: u.xx + u, [Periodic("x"), Dirichlet("u", 0.0)], {"x": Symmetry(EVEN, None)}),
    # scaled equations
    (lambda u: 1e-9 * (u.xx + u), ZERO, {"x": Symmetry(EVEN, ODD)}),
    (lambda u: 1e9 * (u.xx + u), ZERO, {"x": Symmetry(EVEN, ODD)}),
    # functions that cannot be evaluated outside the domain
    (lambda u, x: u.xx + torch.sqrt(x * (1 - x)), ZERO, {"x": Symmetry(EVEN, None)}),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_one_dimension(case):
    equation, conditions, expected = CASES[case]
    assert found(equation, conditions) == expected


def test_can_be_turned_off():
    problem = Problem(X, "u", lambda u: u.xx + u, ZERO, symmetry=False)
    assert (
        problem.symmetries == {} and problem.ansatz.feature_names == ("x",) and len(problem.ansatz.exact) == 1
    )


def test_initial_values():
    heat = lambda u: u.t - u.xx
    for start, expected in (
        (Initial("u", lambda x: torch.sin(pi * x)), {"x": Symmetry(ODD, ODD)}),
        (Initial("u", lambda x: 1 - x**2), {"x": Symmetry(EVEN, None)}),
        (Initial("u", lambda x: torch.exp(x) * (1 - x**2)), {}),
        (
            Initial("u", lambda x: torch.sin(pi * x), velocity=lambda x: torch.sin(2 * pi * x)),
            {"x": Symmetry(ODD, ODD)},
        ),
        (Initial("u", lambda x: torch.sin(pi * x), velocity=lambda x: 1 - x**2), {}),
    ):
        equation = heat if start.velocity is None else lambda u: u.tt - u.xx
        assert found(equation, [start, *ZERO], LINE * T) == expected


def test_time_is_not_reflected():
    assert found(lambda u: u.tt - u.xx, [Dirichlet("u", lambda x, t: x + 2 + t)], LINE * T) == {}


def test_several_coordinates():
    square = Box((-1, -1), (1, 1))
    assert found(lambda u, x: u.xx + u.yy + x, ZERO, square) == {
        "x": Symmetry(ODD, None),
        "y": Symmetry(EVEN, None),
    }
    assert found(lambda u: u.xx + u.xy + u.yy + 1, ZERO, square) == {}  # only both together
    cylinder = Ball((0, 0), 1) * Interval(0, 1, name="z")
    laplace = lambda u: u.xx + u.yy + u.zz + 1
    assert found(laplace, ZERO, cylinder) == {"z": Symmetry(EVEN, None)}


def test_systems():
    waves = lambda h, v: (h.t + v.x, v.t + h.x)
    periodic = [Periodic("x"), Initial("h", lambda x: torch.cos(pi * x)), Initial("v", 0.0)]
    assert found(waves, periodic, LINE * T, ("h", "v")) == {"x": Symmetry((1, -1), None)}
    odd = [Periodic("x"), Initial("h", 0.0), Initial("v", lambda x: torch.cos(pi * x))]
    assert found(waves, odd, LINE * T, ("h", "v")) == {"x": Symmetry((-1, 1), None)}
    closed = [Dirichlet("v", 0.0), Neumann("h", 0.0), *periodic[1:]]
    assert found(waves, closed, LINE * T, ("h", "v")) == {"x": Symmetry((1, -1), (1, -1))}
    assert found(lambda h, v: (h.t + v.x + h.x, v.t + h.x), periodic, LINE * T, ("h", "v")) == {}


def test_special_values_of_coefficients():
    """A coefficient that starts from 0 (or 1) hides a term that matters later."""
    for equation, init in (
        (lambda u, a: u.xx + a * u.x + u, 0.0),
        (lambda u, a: u.xx + (a - 1) * u.x + u, 1.0),
    ):
        assert found(equation, ZERO, coefficients=[Coefficient("a", init)]) == {}
    assert found(lambda u, a: u.xx + a * u, ZERO, coefficients=[Coefficient("a", 0.0)]) == {
        "x": Symmetry(EVEN, ODD)
    }


def observed(x, values):
    return Observations("u", {"x": np.asarray(x)}, np.asarray(values))


def test_observations_of_an_open_problem():
    """Without boundary conditions the data decide what the solution is."""
    helmholtz = lambda u: u.xx + u
    x = np.linspace(0, 1, 11)
    assert found(helmholtz, [observed(x, np.cos(x - 0.5))]) == {"x": Symmetry(EVEN, None)}
    assert found(helmholtz, [observed(x[::-1], np.sin(x[::-1] - 0.5))]) == {"x": Symmetry(ODD, None)}
    assert found(helmholtz, [observed(x, np.sin(x))]) == {}
    assert found(helmholtz, [observed(x[:7], np.cos(x[:7] - 0.5))]) == {}
    twice = observed([0.2, 0.2, 0.8, 0.8], [1.0, 2.0, 2.0, 1.0])  # two measurements at each place
    assert found(helmholtz, [twice]) == {"x": Symmetry(EVEN, None)}


def test_observations_of_a_closed_problem():
    """They serve to find the coefficient; the solution is what the conditions make it."""
    data = observed([0.1, 0.7], [1.0, 1.0])
    equation = lambda u, a: a * u.xx + 1
    nu = [Coefficient("a", 0.5)]
    assert found(equation, [*ZERO, data], coefficients=nu) == {"x": Symmetry(EVEN, None)}
    assert found(equation, [Dirichlet("u", 0.0, on="x=0"), data], coefficients=nu) == {}
    start = Initial("u", lambda x: torch.cos(pi * x / 2))
    inside = Observations("u", {"x": [0.3], "t": [0.5]}, [1.0])
    for order, conditions, symmetric in (
        (1, [*ZERO, start], True),
        (1, ZERO, False),
        (2, [*ZERO, start], False),  # the velocity is open
        (2, [*ZERO, Initial("u", lambda x: torch.cos(pi * x / 2), velocity=0.0)], True),
    ):
        time_derivative = (lambda u: u.t) if order == 1 else (lambda u: u.tt)
        pde = lambda u, a, d=time_derivative: d(u) - a * u.xx
        assert bool(found(pde, [*conditions, inside], LINE * T, coefficients=nu)) is symmetric


def box_source(a, b, w):
    return lambda u, x, y: u.xx + u.yy + ((x - a).abs() < w / 2).double() * ((y - b).abs() < w / 2)


@pytest.mark.parametrize("width", [0.1, 0.05, 1e-3])
def test_a_small_square_source_anywhere(width):
    generator = torch.Generator().manual_seed(4)
    for a, b in (width / 2 + (1 - width) * torch.rand(5, 2, generator=generator)).tolist():
        assert found(box_source(a, b, width), ZERO, Box((0, 0), (1, 1))) == {}


def test_two_rectangles_are_symmetric_only_as_mirror_images():
    for other, expected in ((0.7, True), (0.702, False)):

        def equation(u, x, y, other=other):
            here = ((x - 0.3).abs() < 0.02) | ((x - other).abs() < 0.02)
            return u.xx + u.yy + here * ((y - 0.2).abs() < 0.01)

        assert found(equation, ZERO, Box((0, 0), (1, 1))) == ({"x": Symmetry(EVEN, None)} if expected else {})


def test_narrow_things_in_coefficients_initial_values_walls_and_time():
    patch = lambda u, x, y: (1 + (x > 0.8) * (x < 0.81) * (y > 0.3) * (y < 0.31)) * (u.xx + u.yy) + 1
    assert found(patch, ZERO, Box((0, 0), (1, 1))) == {}
    heat = lambda u: u.t - u.xx
    spot = Initial("u", lambda x: x * (1 - x) + ((x - 0.3).abs() < 1e-3), hard=False)
    assert found(heat, [*ZERO, spot], X * T) == {}
    burst = lambda u, x, t: u.t - u.xx - 1 - 1.0 * ((x - 0.3).abs() < 1e-2) * ((t - 0.77).abs() < 1e-3)
    assert found(burst, [*ZERO, Initial("u", 0.0)], X * T) == {}
    peak = lambda u, x, y: u.xx + u.yy + 1 + torch.exp(-((x - 0.3) ** 2 + (y - 0.6) ** 2) / 2e-6)
    assert found(peak, ZERO, Box((0, 0), (1, 1))) == {}
    window = Dirichlet("u", lambda x: torch.where((x - 0.2).abs() < 1e-3, 1.0, 0.0), on="y=0", hard=False)
    walls = [window, Dirichlet("u", 0.0, on="x"), Dirichlet("u", 0.0, on="y=1")]
    assert "x" not in found(lambda u: u.xx + u.yy + 1, walls, Box((0, 0), (1, 1)))


def test_loads_in_si_units():
    rod = Interval(0, 0.1)
    assert found(lambda u, x: 210e9 * u.xx + 7.85e4 * x / 0.1, ZERO, rod) == {}
    strip, young, poisson = Box((0, 0), (0.1, 0.01)), 210e9, 0.3
    stiffness, shear = young / (1 - poisson**2), young / (2 * (1 + poisson))
    sxx = lambda u, v: stiffness * (u.x + poisson * v.y)
    syy = lambda u, v: stiffness * (v.y + poisson * u.x)
    sxy = lambda u, v: shear * (u.y + v.x)
    balance = lambda u, v: (
        stiffness * (u.xx + poisson * v.xy) + shear * (u.yy + v.xy),
        stiffness * (v.yy + poisson * u.xy) + shear * (u.xy + v.xx),
    )

    def conditions(load):
        top = lambda u, v: (sxy(u, v), syy(u, v) + load)
        return [
            Dirichlet("u", 0.0, on="x=0"),
            Dirichlet("v", 0.0, on="x=0"),
            BoundaryEquation(top, on="y=0.01"),
            BoundaryEquation(lambda u, v: (sxy(u, v), syy(u, v)), on="y=0"),
            BoundaryEquation(lambda u, v: (sxx(u, v), sxy(u, v)), on="x=0.1"),
        ]

    assert found(balance, conditions(1e4), strip, ("u", "v")) == {}
    assert found(balance, conditions(0.0), strip, ("u", "v")) == {"y": Symmetry((1, -1), None)}


@pytest.mark.parametrize(("slope", "symmetric"), [(0.0, True), (1e-5, False)])
def test_a_linear_term_that_the_load_or_the_cubic_term_hides_at_every_size(slope, symmetric):
    equation = lambda u, x: u.xx + (1 + slope * x) * u.value - u.value**3 + 7e6
    problem = Problem(Interval(0, 1), "u", equation, [Dirichlet("u", 0.0)])
    assert ("x" in problem.symmetries) is symmetric


def test_an_unknown_field_without_an_equation_is_what_the_data_say():
    x = np.linspace(0.05, 0.95, 10)
    ends = [Dirichlet("u", 0.0), Dirichlet("f", 0.0)]
    for values, expected in ((np.sin(np.pi * x), (1, 1)), (x * np.sin(np.pi * x), None)):
        symmetry = found(lambda u, f: u.xx + f, [*ends, observed(x, values)], unknowns=("u", "f"))
        assert (symmetry["x"].centre if symmetry else None) == expected


def test_observations_choose_among_several_parities():
    """An eigenvalue problem has even and odd solutions."""
    x = np.linspace(0.1, 0.9, 9)
    for values, expected in ((np.sin(np.pi * x), (1,)), (np.sin(2 * np.pi * x), (-1,)), (x, None)):
        symmetry = found(
            lambda u, a: u.xx + a * u, [*ZERO, observed(x, values)], coefficients=[Coefficient("a", 9.0)]
        )
        assert (symmetry["x"].centre if symmetry else None) == expected


@pytest.mark.parametrize("count", [20, pytest.param(60, marks=pytest.mark.slow)])
def test_random_problems(count):
    """No symmetry is claimed that is not there, and most of those that are there are found."""
    result = trust_symmetry.run(count)
    assert result["false_claims"] == []
    assert result["found"] >= 0.9 * result["symmetric"] > 0
