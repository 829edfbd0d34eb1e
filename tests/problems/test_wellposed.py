"""What is missing is said, and of well-posed problems nothing."""

import math
import warnings

import pytest
import torch

from sapts_pinn.geometry import Ball, Box, Interval, Time
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
from sapts_pinn.problems.findings import IllPosed

X, T, SQUARE = Interval(0, 1), Time(0, 1), Box((0, 0), (1, 1))
BAR, RADIUS = X * T, Interval(0, 1, "r") * T
SPHERE = Box((0, 0), (math.pi, 2 * math.pi), ("th", "ph"))
PIN = Observations("p", {"x": 0.0, "y": 0.0}, 0.0)


def bump(**velocity):
    return Initial("u", lambda x: torch.sin(math.pi * x), **velocity)


def heat(u, x):
    return u.t - u.xx - x


def flow(u, v, p):
    return (
        u * u.x + v * u.y + p.x - 0.01 * (u.xx + u.yy),
        u * v.x + v * v.y + p.y - 0.01 * (v.xx + v.yy),
        u.x + v.y,
    )


def unsteady(u, v, p):
    along, across, mass = flow(u, v, p)
    return u.t + along, v.t + across, mass


def elastic(u, v):
    return 3 * u.xx + u.yy + 2 * v.xy, 3 * v.yy + v.xx + 2 * u.xy + 1


def traction(u, v, n_x, n_y, x):
    shear = u.y + v.x
    return (3 * u.x + v.y) * n_x + shear * n_y, shear * n_x + (3 * v.y + u.x) * n_y - x + 0.5


def plate(u):
    return u.xxxx + 2 * u.xxyy + u.yyyy - 1


def beltrami(u, th, ph):
    sine = torch.sin(th)
    return u.thth + u.th * torch.cos(th) / sine + u.phph / sine**2 + torch.cos(th)


def poisson_nernst_planck(c, f):
    return c.t - c.xx - (c * f.xx + c.x * f.x), f.xx + c


WALLS = [Dirichlet(name, 0.0, on="y") for name in "uv"]
INLET = [Dirichlet("u", lambda y: y * (1 - y), on="x=0"), Dirichlet("v", 0.0, on="x=0")]
DRIVEN = [Dirichlet("u", lambda y: y), Dirichlet("v", 0.0)]

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
    "all Neumann": (
        SQUARE,
        "u",
        lambda u, x: u.xx + u.yy + torch.cos(math.pi * x),
        [Neumann("u", 0.0)],
        "u is determined up to a constant",
    ),
    "periodic, no level": (
        X,
        "u",
        lambda u, x: u.xx + torch.sin(2 * math.pi * x),
        [Periodic("x")],
        "up to a constant",
    ),
    "no pressure level": (SQUARE, ("u", "v", "p"), flow, DRIVEN, "p is determined up to a constant"),
    "no pressure level in time": (
        SQUARE * T,
        ("u", "v", "p"),
        unsteady,
        [*DRIVEN, Initial("u", lambda y: y), Initial("v", 0.0)],
        "p is determined up to a function of t",
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
    "steady Fokker-Planck": (
        Interval(-3, 3),
        "p",
        lambda p, x: p.xx + x * p.x + p,
        [Dirichlet("p", 0.0)],
        "p = 0 solves",
    ),
    "clamped plate, once": (SQUARE, "u", plate, [Dirichlet("u", 0.0)], "only 1 condition .* needs 2"),
    "free edges": (
        SQUARE,
        ("u", "v"),
        elastic,
        [Dirichlet(name, 0.0, on="x=0") for name in "uv"],
        "nothing is given on x=1, y=0, y=1 where the equation needs 2",
    ),
    "rigid motions": (
        SQUARE,
        ("u", "v"),
        elastic,
        [BoundaryEquation(traction)],
        "multiples of 1 in u; of y in u with -1 x in v",
    ),
    "free beam": (
        X,
        "u",
        lambda u: u.xxxx - 1,
        [BoundaryEquation(lambda u: (u.xx, u.xxx))],
        "multiples of 1 in u; of x in u",
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
    "poles of the sphere": (
        SPHERE,
        "u",
        beltrami,
        [Periodic("ph"), Dirichlet("u", 1.0, on="th")],
        "infinite at th=",
    ),
    "axis": (
        RADIUS,
        "u",
        lambda u, r: u.t - u.rr - u.r / r,
        [Dirichlet("u", 0.0, on="r=1"), Neumann("u", 0.0, on="r=0"), Initial("u", lambda r: 1 - r**2)],
        "infinite at r=0:",
    ),
    "pole inside": (
        X,
        "u",
        lambda u, x: u.xx - u / (x - 0.3) ** 2 - 1,
        [Dirichlet("u", 0.0)],
        "infinite at x=0.3:",
    ),
    "pole at a point": (
        SQUARE,
        "u",
        lambda u, x, y: u.xx + u.yy - u / ((x - 0.3) ** 2 + (y - 0.7) ** 2) - 1,
        [Dirichlet("u", 0.0)],
        "infinite at x=0.3, y=0.7:",
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
    domain, unknowns, equation, conditions, sentence = WRONG[name]
    with pytest.warns(IllPosed, match=sentence) as record:
        problem = Problem(domain, unknowns, equation, conditions)
    assert all(w.filename == __file__ for w in record)
    for told in record:
        assert str(told.message) in str(problem)


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_said_of_a_well_posed_problem(name):
    assert Problem(*RIGHT[name]).findings == ()  # warnings are errors here


@pytest.mark.parametrize("name", ZOO)
def test_nothing_is_said_of_the_zoo(name):
    assert all(finding.severity == "note" for finding in ZOO[name].build().findings)


def test_both_poles_of_the_sphere_are_named():
    with pytest.warns(IllPosed) as record:
        Problem(SPHERE, "u", beltrami, [Periodic("ph"), Dirichlet("u", 1.0, on="th")])
    assert len(record) == 2
    assert {word in str(w.message) for w in record for word in ("th=0:", "th=3.142:")} == {True, False}


def test_an_eigenfunction_needs_a_size():
    conditions, unknown = [Dirichlet("u", 0.0)], [Coefficient("k", 9.0)]
    with pytest.warns(IllPosed, match="u = 0 solves"):
        Problem(X, "u", lambda u, k: u.xx + k * u, conditions, unknown)
    Problem(X, "u", lambda u, k: u.xx + k * u, [*conditions, Observations("u", {"x": 0.5}, 1.0)], unknown)


def test_data_make_up_for_conditions():
    x = torch.linspace(0, 1, 12, dtype=torch.float64)
    data = Observations("u", {"x": x, "t": x}, x)
    problem = Problem(BAR, "u", lambda u, k: u.t - k * u.xx, [data], [Coefficient("k", 1.0)])
    assert {finding.severity for finding in problem.findings} == {"note"}


@pytest.mark.parametrize(
    ("equation", "conditions", "what"),
    [
        (lambda u: u.t - u.xx + u.value.mean(), [bump()], "the equation"),
        (lambda u, x: u.t - u.xx + x.max(), [bump()], "the equation"),
        (lambda u: u.t - u.xx, [BoundaryEquation(lambda u: u - u.value.mean())], "boundary equation"),
        (lambda u: u.t - u.xx, [Dirichlet("u", lambda t: t / t.sum())], "u on x=0, x=1"),
        (lambda u: u.t - u.xx, [Periodic("x"), Initial("u", lambda x: x - x.mean())], "initial value of u"),
    ],
)
def test_a_mean_over_the_points_is_refused(equation, conditions, what):
    with pytest.raises(ValueError, match=f"{what}.*: the value at a point depends on the other points"):
        Problem(BAR, "u", equation, conditions)


@pytest.mark.parametrize(
    ("equation", "conditions"),
    [
        (lambda u: u.t + 1j * u.xx, [bump()]),
        (lambda u: 1j, [bump()]),
        (lambda u: u.t - u.xx, [Initial("u", lambda x: torch.exp(1j * x))]),
        (lambda u: u.t - u.xx, [Dirichlet("u", lambda t: 2j)]),
    ],
)
def test_complex_numbers_are_refused(equation, conditions):
    with pytest.raises(ValueError, match="returned complex numbers; write the real and the imaginary part"):
        Problem(BAR, "u", equation, conditions)


def test_complex_data_are_refused():
    for values in ([1 + 2j], torch.tensor([1j])):
        with pytest.raises(ValueError, match="Observations hold complex numbers"):
            Observations("u", {"x": [0.5]}, values)
    with warnings.catch_warnings(), pytest.raises(ValueError, match="must be a finite number"):
        Dirichlet("u", 1j)


MAXWELL = lambda e, h: (e.t + h.x, h.t + e.x)
FIELDS = [Initial("e", lambda x: torch.sin(math.pi * x)), Initial("h", 0.0)]
EXCESS = {
    "advection": (BAR, "u", lambda u: u.t + u.x, [Dirichlet("u"), bump()], "x=1 .* the equation takes none"),
    "waves of first order": (
        BAR, ("e", "h"), MAXWELL, [Dirichlet("e"), Dirichlet("h"), *FIELDS],
        "2 conditions .* x=1 each .* takes 1",
    ),
    "an algebraic equation": (
        T, ("a", "c"), lambda a, c: (a.t + a, a + c - 1), [Initial("a", 1.0), Initial("c", 1.0)],
        "2 conditions are given at the ends of t where the equation takes 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXCESS)
def test_a_condition_too_many_is_said(name):
    domain, unknowns, equation, conditions, sentence = EXCESS[name]
    with pytest.warns(IllPosed, match=sentence):
        Problem(domain, unknowns, equation, conditions)


def test_a_velocity_that_changes_sign_along_a_face_asks_for_nothing():
    swirl = lambda u, y: u.t + (y - 0.9) * u.x - 1
    walls = [Dirichlet("u", 0.0, on="x"), Initial("u", 0.0)]
    assert Problem(SQUARE * T, "u", swirl, walls).findings == ()


def test_a_condition_at_the_centre_of_polar_coordinates_is_none_too_many():
    disc = lambda u, r: r * u.d("r", "r") + u.d("r") + r
    conditions = [Neumann("u", 0.0, on="r=0"), Dirichlet("u", 0.0, on="r=1")]
    assert Problem(Interval(0, 1, "r"), "u", disc, conditions).findings == ()


def test_a_coefficient_that_vanishes_up_to_rounding_asks_for_no_condition():
    def regular(u, th):  # sin(pi)^2 is 1.5e-32
        s = torch.sin(th)
        return s**2 * u.d("th", "th") + torch.cos(th) * s * u.d("th") + u.d("ph", "ph") - s**2 * (u - th)

    assert Problem(SPHERE, "u", regular, [Periodic("ph")]).findings == ()
    tiny = lambda u: 1e-22 * u.t - 1e-31 * u.xx - 1e-22  # in units in which all numbers are small
    with pytest.warns(IllPosed, match="nothing is given on x=0, x=1"):
        Problem(BAR, "u", tiny, [Initial("u", 0.0)])


def test_a_coefficient_needs_data_or_a_condition_more():
    diffusion = [Coefficient("k", 0.5)]
    equation = lambda u, k: u.t - k * u.xx
    with pytest.warns(IllPosed, match="nothing determines k: there are no observations"):
        Problem(BAR, "u", equation, [Dirichlet("u"), bump()], diffusion)
    flux = Neumann("u", 1.0, on="x=0")
    assert Problem(BAR, "u", equation, [Dirichlet("u"), bump(), flux], diffusion).findings == ()
