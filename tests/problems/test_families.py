"""Families of problems in a parameter: their statement, solutions, references and pictures."""

import math

import numpy as np
import pytest
import torch

from pictured import PROBLEMS, untrained
from sapts_pinn import Dirichlet, Initial, Neumann, Observations, Periodic, Problem, grad, laplace, solve
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Box, Interval, Mesh, Parameter, Time, example_mesh
from sapts_pinn.problems import build, family, references
from sapts_pinn.viz import draw_solution, space

HEAT = Interval(0, 1) * Time(0, 1)
SINE = [Dirichlet("u", 0.0), Initial("u", lambda x: torch.sin(math.pi * x))]


def heat(nu=None, **options):
    return Problem(
        HEAT * (nu or Parameter("nu", 0.01, 1)),
        "u",
        lambda u, nu: u.t - nu * u.xx,
        SINE,
        reference=lambda x, t, nu: torch.exp(-nu * math.pi**2 * t) * torch.sin(math.pi * x),
        **options,
    )


def test_one_network_solves_a_family_over_two_decades():
    solution = solve(heat(), budget="300 iterations", points=1024, network=(16, 16), method="tr", threads=1)
    assert solution.error() < 1e-3
    assert solution.predict({"x": 0.5, "t": 1.0, "nu": 0.1}) == pytest.approx(0.3727, abs=1e-3)
    assert solution.error() / 3 < solution.error_estimate.relative < 1e-2


def test_a_parameter_is_no_place():
    problem = heat()
    assert "u on x=0, x=1: exact" in str(problem) and "logarithm of nu" in str(problem)
    assert problem.symmetry_words == {"x": "about the middle: u even; about both ends: u odd"}
    assert not problem.findings
    plate = Problem(
        Box((0, 0), (1, 1)) * Parameter("k", 1, 2), "u", lambda u, k: k * laplace(u) + grad(u)[0] - 1,
        [Dirichlet("u", 0.0)],
    )  # fmt: skip
    assert len(plate.domain.spatial_faces) == 4 and not plate.findings
    decay = Problem(Time(0, 1) * Parameter("k", 1, 2), "u", lambda u, k: u.t + k * u, [Initial("u", 1.0)])
    assert not decay.findings


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_what_is_missing_is_missing_in_a_family_too():
    bar = Problem(
        Interval(0, 1) * Parameter("k", 1, 2), "u", lambda u, k: k * u.xx + 1, [Dirichlet("u", on="x=0")]
    )
    assert "u is not determined" in bar.findings[0].sentence
    free = Problem(Interval(0, 1) * Parameter("k", 1, 2), "u", lambda u, k: k * u.xx, [Neumann("u")])
    assert "up to a function of k only" in free.findings[0].sentence
    decay = Problem(Time(0, 1) * Parameter("k", 1, 2), "u", lambda u, k: u.t + k * u, [Observations(
        "u", {"t": [0.5], "k": [1.5]}, [1.0])])  # fmt: skip
    assert decay.equation_term.rows == 1


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: heat(Parameter("nu", -1, 1, log=True)), "nu from -1 on has no logarithm: drop log=True"),
        (lambda: Parameter(0.01, 0.1, "nu"), r"begins with its name: Parameter\('nu', 0.01, 0.1\)"),
        (
            lambda: Problem(HEAT * Parameter("nu", 1, 2), "u", lambda u, nu: u.t - nu * u.d("nu"), SINE),
            "equation has a derivative of u by nu, which is a parameter",
        ),
        (
            lambda: Problem(
                HEAT * Parameter("nu", 1, 2), "u", lambda u, nu: u.t - nu * u.xx, [Dirichlet("u", on="nu")]
            ),
            "nu is a parameter, at whose ends nothing can be prescribed",
        ),
        (
            lambda: Problem(HEAT * Parameter("k", 1, 2), "u", lambda u, k: u.t - k * u.x, [Periodic("k")]),
            "k is a parameter, at whose ends",
        ),
        (
            lambda: Problem(Parameter("k", 1, 2), "u", lambda u, k: u - k),
            "has parameters and no coordinates",
        ),
        (lambda: Time(0, 1, log=2.0), "log is the length that matters near t=0"),
        (lambda: Time(0, 1e4, log=True), "shorter than the interval, not True"),
        (lambda: family("nu", references.burgers, []), "needs at least one value"),
    ],
)
def test_refusals(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


def test_a_reference_is_known_at_chosen_values():
    known = family("nu", references.burgers, [0.01, 0.1])
    at = {"x": np.array([0.3, 0.3, 0.3]), "t": np.array(0.5), "nu": np.array([0.01, 0.05, 0.1])}
    found = known.evaluate(at)["u"]
    assert np.isnan(found[1]) and np.isfinite(found[[0, 2]]).all()
    one = references.burgers(0.1).evaluate({"x": np.array([0.3]), "t": np.array([0.5])})["u"]
    assert found[2] == one[0]
    points = known.test_points()
    assert {*np.unique(points["nu"])} == {0.01, 0.1} and np.isfinite(known.evaluate(points)["u"]).all()
    assert "at 2 values of nu" in known.source


def test_pictures_show_three_members():
    problem = build("burgers-family")
    cuts = space.cuts_of(problem.domain)
    assert [(c.across, c.up) for c in cuts] == [("t", "x")] * 3
    assert [c.fixed["nu"] for c in cuts] == pytest.approx(np.geomspace(0.01, 0.1, 3) / math.pi)
    titles = [a.get_title(loc="left") for a in draw_solution(untrained(problem)).axes]
    assert sum("error of u" in title for title in titles) == 3  # the reference is known there


@pytest.mark.parametrize("name", ["snapshots", "mesh in time", "space and time", "curve"])
def test_every_kind_of_picture_and_file(name, tmp_path):
    plain = PROBLEMS[name]()
    solution = untrained(
        Problem(
            plain.domain * Parameter("mu", 1, 2),
            plain.unknowns,
            lambda u, mu, of=plain.equation: mu * of(u),
            plain.conditions,
        )
    )
    draw_solution(solution)
    assert solution.export(tmp_path / "u.vtu").stat().st_size > 0
    assert solution.to_pyvista(mu=1.5).n_points > 0


def test_windows_and_meshes_keep_the_parameter():
    from sapts_pinn.networks.time_windows import window

    part = window(heat(), [0.5], 0, None)
    assert part.domain.names == ("x", "t", "nu") and part.domain.factors()[1].upper == 0.5
    assert Mesh(example_mesh("l-shape")).is_parameter is False
