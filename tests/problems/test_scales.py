"""Natural units: sizes that follow every unit of measurement, against exact solutions, and what they buy."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from sapts_pinn import Solution, solve
from sapts_pinn.bench.trust.scales import in_units, random_units, run
from sapts_pinn.geometry import Ball, Box, Interval, Time
from sapts_pinn.problems import (
    BoundaryEquation,
    Coefficient,
    Dirichlet,
    Initial,
    Observations,
    Periodic,
    Problem,
)
from sapts_pinn.problems.zoo import build
from sapts_pinn.results.reference_error import reference_values

ZOO = (
    "poisson-1d",
    "poisson-lshape",
    "burgers",
    "allen-cahn",
    "wave",
    "kovasznay",
    "lorenz",
    "diffusion-inverse",
)


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_sizes_follow_the_units(name, seed):
    problem = replace(build(name), symmetry=False)
    units = random_units(problem, seed)
    here, there = problem.natural, in_units(problem, units).natural
    for unknown, size in here.unknowns.items():
        factor = 1.0 if unknown in problem.ansatz.positive else units.unknowns[unknown]
        assert there.unknowns[unknown] == pytest.approx(factor * size, rel=1e-6)
    for row, other, factor in zip(
        here.rows["equation"], there.rows["equation"], units.equations, strict=True
    ):
        assert other == pytest.approx(factor * row, rel=1e-6)


@pytest.mark.parametrize(
    "name", ["poisson-1d", "poisson-multiscale", "poisson-2d-k4", "poisson-lshape", "poisson-boltzmann",
             "allen-cahn-steady", "helmholtz", "helmholtz-6-6", "heat", "burgers", "convection", "wave",
             "klein-gordon", "kdv", "kirsch", "kovasznay", "burgers-inverse"]
)  # fmt: skip
def test_they_are_about_what_the_network_has_to_add(name):
    problem = build(name)
    points = problem.domain.interior(2000, torch.Generator().manual_seed(0))
    exact = reference_values(problem, points)
    for j, unknown in enumerate(problem.unknown_names):
        g, factor = problem.ansatz.extension[unknown], problem.ansatz.factor[unknown]
        added = exact[:, j] if g is None else exact[:, j] - g(points)
        here = torch.isfinite(added)
        weight = torch.ones(len(points)) if factor is None else factor(points)
        true = float(added[here].norm() / weight[here].norm())
        assert true / 3 < problem.natural.unknowns[unknown] < 3 * true


def test_a_source_in_a_small_window_is_seen():
    def source(x, y):
        return torch.where((abs(x - 0.31) < 0.02) & (abs(y - 0.7) < 0.02), 1e5, 0.0)

    problem = Problem(
        Box((0, 0), (1, 1)), "u", lambda u, x, y: u.xx + u.yy + source(x, y), [Dirichlet("u", 0.0)]
    )
    # A point load of 160 gives about 160 / (2 pi) log(distance) around it.
    assert 1 < problem.natural.unknowns["u"] < 200
    assert 2e3 < problem.natural.rows["equation"][0] < 1e5


def test_an_offset_is_no_size():
    """Temperatures of 293 and 294 kelvin at the ends, and a source that adds about one."""
    problem = Problem(
        Interval(0, 1),
        "T",
        lambda T: T.xx + 8.0,
        [Dirichlet("T", 293.0, on="x=0"), Dirichlet("T", 294.0, on="x=1")],
    )
    assert 0.5 < problem.natural.unknowns["T"] < 8


@pytest.mark.parametrize("start", [0.05, 0.3, 1e-9])
def test_rounding_is_no_size(start):
    stays = Problem(Time(0, 3), "u", lambda u: u.t, [Initial("u", start)])
    assert 0.1 * start < stays.natural.unknowns["u"] < 10 * start


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_what_no_data_tell_is_said():
    problem = Problem(Interval(0, 1), "u", lambda u: u.xx, [Dirichlet("u", 0.0)])
    assert problem.natural.unknowns == {"u": 1.0}
    assert "nothing tells how large u is: its scale is taken as 1" in str(problem)


def diffusivity(amplitude=1.0, noise=None, a_on_sides=True) -> Problem:
    """(a u')' + f = 0 with both of them sought: u = amplitude sin(9 x) from values, and a = 3 + x (1 - x)."""
    x = np.random.default_rng(0).uniform(0, 1, 400)
    values = amplitude * np.sin(9 * x) + (noise or 0) * np.random.default_rng(1).standard_normal(400)

    def equation(u, a, x):
        s, c = torch.sin(9 * x), torch.cos(9 * x)
        return (a * u.x).x - amplitude * ((1 - 2 * x) * 9 * c - 81 * (3 + x - x * x) * s)

    sides = [Dirichlet("a", 3.0, hard=False)] if a_on_sides else []
    data = Observations("u", {"x": x}, values, noise=noise)
    return Problem(Interval(0, 1), ("u", "a"), equation, [data, *sides], symmetry=False)


@pytest.mark.parametrize("amplitude", [1.0, 1e-6, 300.0])
def test_measured_values_tell_the_size_of_what_is_measured(amplitude):
    natural = diffusivity(amplitude).natural
    assert 0.6 * amplitude < natural.unknowns["u"] < 3 * amplitude, "its root mean square is 0.7"
    assert 2 < natural.unknowns["a"] < 9, "prescribed as 3, by a weighted condition"


def test_noise_is_no_size():
    """Ten times as much noise as there is signal."""
    assert diffusivity(1.0, noise=10.0).natural.unknowns["u"] < 5


def test_the_sizes_of_a_published_inverse_problem():
    """HInv: u = e^-t s and a = 2 + s, of root mean squares 0.33 and 2.1; they were found as 0.07 and 0.12."""
    sizes = build("pinnacle-hinv").natural.unknowns
    assert 0.2 < sizes["u"] < 0.7 and 1 < sizes["a"] < 4


# -- the examples of the issue -------------------------------------------------------------------------------


def error_of(problem, budget="150 iterations", network=(12, 12), points=200, **settings):
    return solve(problem, budget=budget, network=network, points=points, **settings).error()


@pytest.mark.parametrize("length", [600.0, 6e6, 1e-9])
def test_a_beam_of_any_length(length):
    problem = Problem(
        Interval(0, length),
        "M",
        lambda M: M.xx + 1,
        [Dirichlet("M", 0.0)],
        reference=lambda x: x * (length - x) / 2,
        symmetry=False,
    )
    assert error_of(problem) < 1e-4


@pytest.mark.parametrize("size", [1e-9, 1e9])
def test_any_amplitude(size):
    problem = Problem(
        Interval(0, 1),
        "u",
        lambda u, x: u.xx + size * (math.pi**2 * torch.sin(math.pi * x) - 2),
        [Dirichlet("u", 0.0)],
        reference=lambda x: size * (torch.sin(math.pi * x) + x * (x - 1)),
        symmetry=False,
    )
    assert error_of(problem) < 1e-4


def test_the_orbit_of_the_earth_in_metres_and_seconds():
    GM, R = 1.32712440018e20, 1.495978707e11
    rate = math.sqrt(GM / R**3)

    def pull(x, y):
        r3 = (x**2 + y**2) ** 1.5
        return x.tt + GM * x / r3, y.tt + GM * y / r3

    problem = Problem(
        Time(0, 2 * math.pi / rate),
        ("x", "y"),
        pull,
        [Initial("x", R, velocity=0.0), Initial("y", 0.0, velocity=R * rate)],
        reference=lambda t: {"x": R * torch.cos(rate * t), "y": R * torch.sin(rate * t)},
    )
    assert error_of(problem, "1000 iterations", (20, 20)) < 1e-4


def test_steel_bends():
    """Pure bending of a strip 0.1 m x 0.02 m, with Young's modulus in pascals: u = c x y is exact."""
    E, nu, c = 210e9, 0.3, 1e-3
    a, b = E / (1 - nu**2), E / (2 * (1 + nu))

    def equation(u, v):
        mixed = E / (2 * (1 - nu))
        return a * u.xx + b * u.yy + mixed * v.xy, a * v.yy + b * v.xx + mixed * u.xy

    def traction(u, v, n_x, n_y):
        s_xx, s_yy, s_xy = a * (u.x + nu * v.y), a * (v.y + nu * u.x), b * (u.y + v.x)
        return s_xx * n_x + s_xy * n_y, s_xy * n_x + s_yy * n_y

    def exact(x, y):
        return {"u": c * x * y, "v": -c * (x**2 + nu * y**2) / 2}

    ends = ("x=0", "x=0.1")
    problem = Problem(
        Box((0, -0.01), (0.1, 0.01)),
        ("u", "v"),
        equation,
        [
            Dirichlet("u", lambda x, y: exact(x, y)["u"], on=ends),
            Dirichlet("v", lambda x, y: exact(x, y)["v"], on=ends),
            BoundaryEquation(traction, on="y"),
        ],
        reference=exact,
    )
    assert error_of(problem, "400 iterations", condition_points=64) < 1e-4


def test_equal_work_gives_equal_errors_in_other_units():
    rows = run(["heat"], seeds=[3], budget="120 evaluations", network=(12, 12), points=200)
    assert 1 / 3 < rows[0]["ratio"] < 3 and rows[0]["error"] < 1e-2


def test_a_tiny_coefficient_is_found():
    x = np.linspace(0, 1, 20)
    problem = Problem(
        Interval(0, 1),
        "u",
        lambda u, c, x: u.xx - c * torch.exp(x),
        [Dirichlet("u", 0.0), Observations("u", {"x": x}, 3e-9 * (np.exp(x) - 1 - (np.e - 1) * x))],
        coefficients=[Coefficient("c", init=1e-9)],
        symmetry=False,
    )
    assert problem.initial_parameters["c"] == 1.0
    solution = solve(problem, budget="500 iterations", network=(10,), points=100)
    assert solution.coefficients["c"] == pytest.approx(3e-9, rel=1e-3)


# -- what the user sees --------------------------------------------------------------------------------------


def bar(**given):
    return Problem(Interval(0, 600), "M", lambda M, x: M.xx + 1 + x / 600, [Dirichlet("M", 0.0)], **given)


def test_results_are_in_the_units_of_the_user(tmp_path):
    solution = solve(bar(), budget="20 iterations", network=(8,), points=64, out=tmp_path / "run")
    x = np.linspace(0, 600, 7)
    residual = solution.derivative({"x": x}, "xx") + 1 + x / 600
    np.testing.assert_allclose(solution.residual({"x": x}), residual, rtol=1e-9, atol=1e-12)
    sizes = bar().natural
    for name in ("config", "result"):
        assert json.loads((tmp_path / "run" / f"{name}.json").read_text())["scales"] == sizes.as_json()
    again = Solution.load(tmp_path / "run", bar())
    assert np.array_equal(again.predict({"x": x}), solution.predict({"x": x}))


def test_a_scale_that_is_given_is_taken():
    problem = bar(scales={"M": 2.5e4, "x": 600.0}, symmetry=False)
    assert problem.natural.unknowns == {"M": 2.5e4}
    assert "  scales      M 2.5e+04; equation " in str(problem)
    ends = problem.ansatz.features(torch.tensor([[0.0], [600.0]], dtype=torch.float64))
    assert ends.tolist() == [[-0.5], [0.5]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: bar(scales={"m": 1.0}), "there is no 'm' among M, x"),
        (lambda: bar(scales={"M": 0.0}), "'M' must be a positive number, not 0.0"),
        (lambda: bar(scales={"x": -1.0}), "'x' must be a positive number, not -1.0"),
        (
            lambda: Problem(
                Ball((0, 0), 1), "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)], scales={"x": 2.0}
            ),
            "'x' is no coordinate of an interval",
        ),
        (
            lambda: Problem(
                Interval(0, 1), "u", lambda u, x: u.xx - u + torch.exp(torch.sin(2 * math.pi * x)),
                [Periodic("x")], scales={"x": 2.0},
            ),
            "the coordinate x is periodic",
        ),
    ],
)  # fmt: skip
def test_scales_that_are_none(make, words):
    with pytest.raises(ValueError, match="scales") as error:
        make()
    assert words in str(error.value)
