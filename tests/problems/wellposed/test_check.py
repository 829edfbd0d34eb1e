"""The report before training, in Python and on the command line."""

import math

import pytest
import torch

from sapts_pinn.geometry import Interval, Mesh, Time
from sapts_pinn.geometry.mesh.mesh import example_mesh
from sapts_pinn.problems import Dirichlet, Initial, Problem, build
from sapts_pinn.problems.wellposed.findings import IllPosed


def test_nothing_against_burgers():
    report = build("burgers").check()
    assert report.ok and not report.findings
    page = str(report)
    for line in (
        "burgers: nothing speaks against it",
        "x, t, xx",
        "initial value of u: exact, by construction",
    ):
        assert line in page
    assert "x about the middle: u odd" in page


def test_the_worst_comes_first():
    with pytest.warns(IllPosed):
        problem = Problem(
            Interval(0, 1) * Time(0, 1),
            "u",
            lambda u, x: u.t + u.xx + torch.tanh((x - 0.4) / 1e-4),
            [Dirichlet("u", 0.0), Initial("u", lambda x: torch.sin(math.pi * x))],
        )
    report = problem.check()
    assert not report.ok
    assert [(f.severity, f.topic) for f in report.findings] == [
        ("error", "diffusion"),
        ("warning", "resolution"),
    ]
    assert "near x=0.4" in report.findings[1].sentence


def test_a_mesh_is_in_the_report():
    report = Problem(
        Mesh(example_mesh("l-shape")), "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)]
    ).check()
    assert report.ok and "smallest angle" in str(report)


def test_the_page_shows_scales_and_what_a_symmetry_rests_on():
    page = str(build("burgers").check())
    assert "scales             u " in page and "; equation " in page
    assert "agrees with its mirror image to 1e-09 at 4096 points" in page
    facts = dict(Problem(Interval(0, 1), "u", lambda u, x: u.xx + x, [Dirichlet("u")]).check().facts)
    assert "evidence" not in facts and "scales" in facts
