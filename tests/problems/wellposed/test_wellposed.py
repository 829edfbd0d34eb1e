"""What is missing is said, and of well-posed problems nothing."""

import math

import pytest
import torch

from sapts_pinn.geometry import Ball, Box, Interval
from sapts_pinn.problems import (
    ZOO,
    BoundaryEquation,
    Coefficient,
    Dirichlet,
    Initial,
    Neumann,
    Observations,
    Periodic,
    Problem,
)
from sapts_pinn.problems.wellposed.findings import IllPosed
from stated_problems import (
    BAR,
    DRIVEN,
    PIN,
    RADIUS,
    SQUARE,
    T,
    X,
    bump,
    check_told,
    elastic,
    flow,
    heat,
    plate,
    poisson_nernst_planck,
    unsteady,
)

WALLS = [Dirichlet(name, 0.0, on="y") for name in "uv"]
INLET = [Dirichlet("u", lambda y: y * (1 - y), on="x=0"), Dirichlet("v", 0.0, on="x=0")]


WRONG = {
    "one end of a rod": (
        X,
        "u",
        lambda u: u.xx + 1,
        [Dirichlet("u", 0.0, on="x=0")],
        "only 1 condition .* 2",
    ),
    "heat without a start": (BAR, "u", heat, [Dirichlet("u", 0.0)], "u has no initial value"),
    "heat with one end": (BAR, "u", heat, [Dirichlet("u", 0.0, on="x=0"), bump()], "nothing is given on x=1"),
    "wave without velocity": (
        BAR,
        "u",
        lambda u: u.tt - u.xx,
        [Dirichlet("u", 0.0), bump()],
        "u lacks the initial velocity",
    ),
    "wave from start to end": (
        BAR,
        "u",
        lambda u: u.tt - u.xx,
        [Dirichlet("u", 0.0), bump(), Dirichlet("u", bump().value, on="t=1")],
        "velocity=.*t=1 does not replace it",
    ),
    "backward heat": (BAR, "u", lambda u: u.t + u.xx, [Dirichlet("u", 0.0), bump()], "short waves in x grow"),
    "backward heat in a system": (
        BAR,
        ("u", "v"),
        lambda u, v: (u.t - u.xx - v, v.t + 0.1 * v.xx - u),
        [Dirichlet("u", 0.0), Dirichlet("v", 0.0), bump(), Initial("v", 0.0)],
        "short waves in x grow",
    ),
    "heat from its end": (
        BAR,
        "u",
        heat,
        [Dirichlet("u", 0.0, on="x"), Dirichlet("u", bump().value, on="t=1")],
        "u has no initial value.*t=1 does not replace",
    ),
    "heat, start and end": (
        BAR,
        "u",
        heat,
        [Neumann("u", 0.0), bump(), Dirichlet("u", 1.0, on="t=1")],
        "drop that on t=1",
    ),
    "advection without inflow": (BAR, "u", lambda u: u.t + 2 * u.x, [bump()], "nothing is given on x=0"),
    "advection, wrong end": (
        BAR,
        "u",
        lambda u: u.t - 2 * u.x,
        [bump(), Dirichlet("u", 0.0, on="x=0")],
        "nothing is given on x=1",
    ),
    "advection in the plane": (
        SQUARE * T,
        "u",
        lambda u: u.t + u.x + 2 * u.y,
        [Initial("u", 1.0), Dirichlet("u", 1.0, on="x=0")],
        "nothing is given on y=0 ",
    ),
    "hole forgotten": (
        SQUARE - Ball((0.5, 0.5), 0.2, tag="hole"),
        "u",
        lambda u: u.xx + u.yy + 1,
        [Dirichlet("u", 0.0, on=SQUARE.faces)],
        "nothing is given on hole",
    ),
    "outlet with a pressure": (
        SQUARE,
        ("u", "v", "p"),
        flow,
        [*INLET, *WALLS, Dirichlet("p", 0.0, on="x=1")],
        "only 1 condition is given on x=1 where the equation needs 2",
    ),
    "v forgotten": (SQUARE, ("u", "v", "p"), flow, [DRIVEN[0], PIN], "v is not determined"),
    "start of v forgotten": (
        SQUARE * T,
        ("u", "v", "p"),
        unsteady,
        [*DRIVEN, Initial("u", lambda y: y), Observations("p", {"x": 0.0, "y": 0.0, "t": 0.5}, 0.0)],
        "v has no initial value",
    ),
    "one equation, two unknowns": (
        X,
        ("u", "f"),
        lambda u, f: u.xx + f.value,
        [Dirichlet("u", 0.0)],
        "1 equation for 2 unknowns",
    ),
    "clamped plate, once": (SQUARE, "u", plate, [Dirichlet("u", 0.0)], "only 1 condition .* needs 2"),
    "free edges": (
        SQUARE,
        ("u", "v"),
        elastic,
        [Dirichlet(name, 0.0, on="x=0") for name in "uv"],
        "nothing is given on x=1, y=0, y=1 where the equation needs 2",
    ),
    "KdV, the wrong slope": (
        BAR,
        "u",
        lambda u: u.t + u * u.x + u.xxx,
        [Dirichlet("u", 0.0), Neumann("u", 0.0, on="x=0"), bump()],
        "only 1 condition is given on x=1 where the equation needs 2",
    ),
    "electrodes": (
        BAR,
        ("c", "f"),
        poisson_nernst_planck,
        [Dirichlet("f", 0.0, on="x=0"), Neumann("c", 0.0), Initial("c", 1.0)],
        "only 3 conditions",
    ),
    "ODE without a start": (T, "u", lambda u: u.t + u - 1, [], "u has no initial value"),
    "ODE system": (
        T,
        ("x", "v"),
        lambda x, v: (x.t - v, v.t + x),
        [Initial("x", 1.0)],
        "v has no initial value",
    ),
    "nothing at all": (
        SQUARE,
        "u",
        lambda u, x: u.x + u.y + u - x,
        [],
        "nothing but the equation speaks of u",
    ),
    "periodic and prescribed": (
        X,
        "u",
        lambda u, x: u.xx + torch.sin(2 * math.pi * x),
        [Periodic("x"), Dirichlet("u", 0.0)],
        "periodic across x=0 and prescribed",
    ),
}

RIGHT = {
    "terminal value": (
        BAR,
        "u",
        lambda u: u.t + u.xx,
        [Dirichlet("u", 0.0, on="x"), Dirichlet("u", bump().value, on="t=1")],
    ),
    "outflow": (BAR, "u", lambda u: u.t + 2 * u.x, [Dirichlet("u", 0.0, on="x=0"), bump()]),
    "rotation": (
        Ball((0, 0), 1) * T,
        "u",
        lambda u, x, y: u.t + y * u.x - x * u.y,
        [Initial("u", lambda x: x)],
    ),
    "shock": (BAR, "u", lambda u: u.t + u * u.x, [bump()]),
    "pinned": (
        SQUARE,
        "u",
        lambda u, x: u.xx + u.yy + torch.cos(math.pi * x),
        [Neumann("u", 0.0), Observations("u", {"x": 0.0, "y": 0.0}, 0.0)],
    ),
    "outlet": (
        SQUARE,
        ("u", "v", "p"),
        flow,
        [*INLET, *WALLS, Dirichlet("p", 0.0, on="x=1"), *(Neumann(n, 0.0, on="x=1") for n in "uv")],
    ),
    "stress-free outlet": (
        SQUARE,
        ("u", "v", "p"),
        flow,
        [*INLET, *WALLS, BoundaryEquation(lambda u, v, p: (0.01 * u.x - p, v.x), on="x=1")],
    ),
    "clamped plate": (SQUARE, "u", plate, [Dirichlet("u", 0.0), Neumann("u", 0.0)]),
    "plate in two equations": (
        SQUARE,
        ("u", "v"),
        lambda u, v: (u.xx + u.yy - v.value, v.xx + v.yy - 1),
        [Dirichlet("u", 0.0), Neumann("u", 0.0)],
    ),
    "Cahn-Hilliard": (
        SQUARE * T,
        ("c", "m"),
        lambda c, m: (c.t - m.xx - m.yy, m - c**3 + c + 0.01 * (c.xx + c.yy)),
        [Neumann("c", 0.0), Neumann("m", 0.0), Initial("c", lambda x: 0.1 * x)],
    ),
    "KdV": (
        BAR,
        "u",
        lambda u: u.t + u * u.x + u.xxx,
        [Dirichlet("u", 0.0), Neumann("u", 0.0, on="x=1"), bump()],
    ),
    "acoustics": (
        BAR,
        ("p", "v"),
        lambda p, v: (p.t + v.x, v.t + p.x),
        [Dirichlet("p", 1.0), Initial("p", 1.0), Initial("v", 0.0)],
    ),
    "shallow water": (
        BAR,
        ("h", "q"),
        lambda h, q: (h.t + q.x, q.t + 2 * q * q.x / h - q**2 * h.x / h**2 + 9.8 * h * h.x),
        [Dirichlet("q", 0.0), Initial("h", lambda x: 1 + 0.1 * x), Initial("q", 0.0)],
    ),
    "Black-Scholes": (
        Interval(0, 200, "s") * T,
        "u",
        lambda u, s: u.t + 0.02 * s**2 * u.ss + 0.05 * s * u.s - 0.05 * u,
        [Dirichlet("u", 100.0, on="s=200"), Dirichlet("u", lambda s: 0.5 * s, on="t=1")],
    ),
    "axis, multiplied": (
        RADIUS,
        "u",
        lambda u, r: r * u.t - r * u.rr - u.r,
        [Dirichlet("u", 0.0, on="r=1"), Initial("u", lambda r: 1 - r**2)],
    ),
    "electrodes": (
        BAR,
        ("c", "f"),
        poisson_nernst_planck,
        [Dirichlet("f", 0.0), Neumann("c", 0.0), Initial("c", 1.0)],
    ),
    "steel in pascals": (
        Box((0, 0), (0.1, 0.01)),
        ("u", "v"),
        lambda u, v: tuple(2e11 * e + 1e5 for e in elastic(u, v)),
        [Dirichlet("u", 0.0), Dirichlet("v", 0.0)],
    ),
    "short waves": (SQUARE, "u", lambda u, x: u.xx + u.yy + 300**2 * u - x, [Dirichlet("u", 0.0)]),
    "thin layers": (SQUARE, "u", lambda u: 1e4 * u.x - u.xx - u.yy - 1, [Dirichlet("u", 0.0)]),
    "narrow source": (
        SQUARE,
        "u",
        lambda u, x, y: u.xx + u.yy + 1e4 * torch.exp(-((x - 0.3) ** 2 + (y - 0.7) ** 2) / 1e-5),
        [Dirichlet("u", 0.0)],
    ),
    "time as an interval": (
        Box((0, 0), (1, 1), ("x", "t")),
        "u",
        heat,
        [Dirichlet("u", 0.0, on="x"), Dirichlet("u", 0.0, on="t=0")],
    ),
    "parameter": (
        BAR * Interval(0.1, 1, "nu"),
        "u",
        lambda u, nu: u.t - nu * u.xx,
        [Dirichlet("u", 0.0, on="x"), bump()],
    ),
    "minimal surface": (
        SQUARE,
        "u",
        lambda u: (1 + u.y**2) * u.xx - 2 * u.x * u.y * u.xy + (1 + u.x**2) * u.yy,
        [Dirichlet("u", lambda x, y: x * y)],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_missing_is_said(name):
    check_told(*WRONG[name])


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_said_of_a_well_posed_problem(name):
    assert Problem(*RIGHT[name]).findings == ()  # warnings are errors here


@pytest.mark.parametrize("name", ZOO)
def test_nothing_is_said_of_the_zoo(name):
    assert all(finding.severity == "note" for finding in ZOO[name].build().findings)


def test_data_make_up_for_conditions():
    x = torch.linspace(0, 1, 12, dtype=torch.float64)
    data = Observations("u", {"x": x, "t": x}, x)
    problem = Problem(BAR, "u", lambda u, k: u.t - k * u.xx, [data], [Coefficient("k", 1.0)])
    assert {finding.severity for finding in problem.findings} == {"note"}


def test_a_coefficient_needs_data_or_a_condition_more():
    diffusion = [Coefficient("k", 0.5)]
    equation = lambda u, k: u.t - k * u.xx
    with pytest.warns(IllPosed, match="nothing determines k: there are no observations"):
        Problem(BAR, "u", equation, [Dirichlet("u"), bump()], diffusion)
    flux = Neumann("u", 1.0, on="x=0")
    assert Problem(BAR, "u", equation, [Dirichlet("u"), bump(), flux], diffusion).findings == ()
