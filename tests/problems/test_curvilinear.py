"""Round coordinates: operators against derivatives written out, regularity at the centre, what is refused."""

import math

import pytest
import torch

from known_solutions import fields_of
from sapts_pinn import (
    Dirichlet,
    Initial,
    Neumann,
    Observations,
    Periodic,
    Problem,
    Unknown,
    curl,
    div,
    grad,
    laplace,
    solve,
)
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Angle, Interval, Radius, Time
from sapts_pinn.problems import build
from sapts_pinn.problems.zoo.round import ZERO

CYLINDER = Radius(0, 2) * Interval(0, 1, name="z")
RING = Radius(1, 2) * Angle()
BALL = Radius(0, 1, around="point")


def rows(domain, equation, known, points=None, conditions=(), unknowns="u"):
    problem = Problem(domain, unknowns, equation, conditions)
    if points is None:
        points = domain.interior(30, torch.Generator().manual_seed(4))
    return points, torch.stack(problem.evaluate(fields_of(problem, known, points), points, {}))


def column(points, domain, name):
    return points[:, domain.names.index(name)]


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_operators_are_those_of_the_coordinates():
    even = {"u": lambda p: torch.cos(p[:, 0] ** 2) * torch.exp(p[:, 1])}
    points, found = rows(CYLINDER, lambda u: (laplace(u), div(grad(u))), even)
    points, by_hand = rows(CYLINDER, lambda u, r: u.rr + u.r / r + u.zz, even, points)
    assert torch.allclose(found, by_hand.expand(2, -1), rtol=1e-10)
    ball = {"u": lambda p: torch.cos(p[:, 0] ** 2)}
    points, found = rows(BALL, lambda u, r: laplace(u), ball)
    points, by_hand = rows(BALL, lambda u, r: u.rr + 2 * u.r / r, ball, points)
    assert torch.allclose(found, by_hand, rtol=1e-10)
    polar = {"u": lambda p: p[:, 0] ** 3 * torch.cos(2 * p[:, 1])}
    ends = [Periodic("theta")]
    points, found = rows(RING, lambda u: (laplace(u), *grad(u)), polar, conditions=ends)
    r, theta = points.unbind(1)
    assert torch.allclose(found[0], 5 * r * torch.cos(2 * theta), atol=1e-9)
    assert torch.allclose(found[2], -2 * r**2 * torch.sin(2 * theta), atol=1e-9)
    points, found = rows(CYLINDER, lambda u, r: div(((1 + r**2) * u.r, u.z)), even)
    points, by_hand = rows(
        CYLINDER, lambda u, r: (1 + r**2) * (u.rr + u.r / r) + 2 * r * u.r + u.zz, even, points
    )
    assert torch.allclose(found, by_hand, rtol=1e-9)


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_the_centre_has_its_limit():
    at = torch.tensor([[0.0, 0.3], [1e-9, 0.3]], dtype=torch.float64)
    even = {"u": lambda p: torch.cos(p[:, 0]) * p[:, 1]}
    _, found = rows(CYLINDER, lambda u: laplace(u), even, at)
    assert torch.allclose(found, torch.full((1, 2), -0.6, dtype=torch.float64))
    _, found = rows(BALL, lambda u: laplace(u), {"u": lambda p: torch.cos(p[:, 0])}, at[:, :1])
    assert torch.allclose(found, torch.full((1, 2), -3.0, dtype=torch.float64))


def heat(domain, start, rate, **options):
    def exact(r, t):
        return start(r) * torch.exp(-rate * t)

    return Problem(
        domain * Time(0, 0.2), "u", lambda u: u.t - laplace(u), [Dirichlet("u", 0.0), Initial("u", start)],
        reference=exact, **options,
    )  # fmt: skip


def test_heat_in_a_ball_with_its_centre():
    sine = lambda r: torch.special.spherical_bessel_j0(math.pi * r)
    problem = heat(BALL, sine, math.pi**2)
    assert not problem.findings and "u on r=1: exact" in str(problem) and "square of r" in str(problem)
    solution = solve(problem, budget="150 iterations", points=512, network=(12, 12), method="tr", threads=1)
    assert solution.error() < 1e-3
    print(solution)
    assert solution.error() / 10 < solution.error_estimate.relative < 30 * solution.error()
    assert "audit              passed" in str(solution)
    assert solution.derivative({"r": 0.0, "t": 0.1}, "r") == 0
    assert math.isfinite(solution.residual({"r": 0.0, "t": 0.1}))


def test_conditions_are_counted_without_the_centre():
    bare = Problem(Radius(1, 2), "u", lambda u: laplace(u) - 1, [Dirichlet("u", 0.0)])
    assert not bare.findings
    with pytest.warns(UserWarning, match="only 1 condition is given"):
        Problem(Radius(1, 2), "u", lambda u: laplace(u) - 1, [Dirichlet("u", 0.0, on="r=2")])
    rod = Problem(CYLINDER, "u", lambda u: laplace(u) - 1, [Dirichlet("u", 0.0)])
    assert not rod.findings and rod.conditions[0].faces(rod.domain) == ("r=2", "z=0", "z=1")
    with pytest.warns(UserWarning, match="nothing is given on r=2"):
        Problem(CYLINDER, "u", lambda u: laplace(u) - 1, [Dirichlet("u", 0.0, on="z")])
    with pytest.warns(UserWarning, match="infinite at r=0"):  # a source, not the coordinates
        Problem(CYLINDER, "u", lambda u, r: laplace(u) - 1 / r, [Dirichlet("u", 0.0)])


def test_components_of_vectors_are_odd():
    pipe = Problem(
        Radius(0, 1), Unknown("v", odd="r"), lambda v, r: (v.r + v / r).r + 8 * r, [Dirichlet("v", 2.0)],
    )  # fmt: skip
    assert "unknown     v, odd in r" in str(pipe) and "v on r=1: exact" in str(pipe)
    solution = solve(pipe, budget="20 iterations", points=64, network=(6,), threads=1)
    assert solution.predict({"r": [0.0, 1.0]}) == pytest.approx([0.0, 2.0])
    assert solution.predict({"r": 0.5}) == pytest.approx(3 * 0.5 - 0.125, abs=1e-2)


def test_a_ring_and_its_normal_derivative():
    problem = Problem(
        RING,
        "u",
        lambda u: laplace(u),
        [
            Dirichlet("u", lambda theta: torch.cos(theta), on="r=2"),
            Neumann("u", 0.0, on="r=1"),
            Periodic("theta"),
        ],
    )
    assert RING.spatial_faces == ("r=1", "r=2") and not problem.findings
    quarter = Radius(1, 2) * Angle(0, 1)
    flux = Neumann("u", 0.0, on="theta=1")
    sites = flux.sites(quarter, 5, torch.Generator().manual_seed(0), "uniform")
    known = Problem(quarter, "u", lambda u: laplace(u) - 1, [Dirichlet("u")])
    field = fields_of(known, {"u": lambda p: p[:, 0] * p[:, 1]}, sites.points)
    assert torch.allclose(flux.residual(field, sites, quarter, {})[0], torch.ones(5).double())


def in_a_cylinder(p):
    r, z, t = p.unbind(1)
    across = torch.special.bessel_j0(ZERO * r)
    return across * torch.sin(math.pi * z) * torch.exp(-(ZERO**2 + math.pi**2) * t)


def in_a_ball(p):
    r, t = p.unbind(1)
    return torch.special.spherical_bessel_j0(math.pi * r) * torch.exp(-(math.pi**2) * t)


@pytest.mark.parametrize(("name", "exact"), [("heat-cylinder", in_a_cylinder), ("heat-ball", in_a_ball)])
def test_zoo(name, exact):
    problem = build(name)
    assert not problem.findings
    points = problem.domain.interior(50, torch.Generator().manual_seed(0))
    told = problem.reference.evaluate({n: points[:, i].numpy() for i, n in enumerate(problem.domain.names)})
    assert torch.allclose(torch.as_tensor(told["u"]), exact(points), atol=1e-14)
    from sapts_pinn.problems.functions.special import differentiable

    with differentiable():
        (row,) = problem.evaluate(fields_of(problem, {"u": exact}, points), points, {})
    assert row.abs().max() < 1e-10


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Radius(-1, 1), "a radius is not negative"),
        (lambda: Radius(0, 1, around="line"), "around an 'axis' or a 'point', not 'line'"),
        (lambda: Angle(0, 7), "makes more than a full turn"),
        (lambda: Problem(Radius(0, 1) * Angle(), "u", laplace_of), "take a Ball in x and y"),
        (lambda: Problem(RING, "u", laplace_of, [Dirichlet("u")]), r"add Periodic\('theta'\)"),
        (lambda: Problem(Interval(0, 1) * Angle(0, 1), "u", laplace_of), "0 radii and 1 angles"),
        (
            lambda: Problem(Radius(1, 2, around="point") * Angle(0, 1), "u", laplace_of),
            "turns around an axis: drop around='point'",
        ),
        (
            lambda: Problem(Radius(0, 1), "u", laplace_of, [Neumann("u", on="r=0")]),
            "lies inside the body and is no boundary",
        ),
        (
            lambda: Problem(Radius(1, 2), Unknown("u", odd="r"), laplace_of, [Dirichlet("u")]),
            "needs a Radius from 0 on: drop odd",
        ),
        (
            lambda: Problem(CYLINDER, ("u", "v"), lambda u, v: (curl((u, v)), u.r), [Dirichlet("u")]),
            "curl is for straight coordinates",
        ),
    ],
)
def test_refusals(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


def laplace_of(u):
    return laplace(u)


def test_observations_at_the_centre():
    seen = Observations("u", {"r": [0.0]}, [1.0])
    problem = Problem(Radius(0, 1), "u", laplace_of, [seen])
    assert problem.terms[-1].fixed == 1
