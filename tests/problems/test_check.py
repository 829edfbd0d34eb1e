"""The report before training, in Python and on the command line."""

import json
import math

import numpy as np
import pytest
import torch

from sapts_pinn.cli import main
from sapts_pinn.geometry import Box, Interval, Mesh, Time
from sapts_pinn.geometry.mesh import example_mesh
from sapts_pinn.geometry.quality import quality_of
from sapts_pinn.problems import Dirichlet, Initial, Problem, build
from sapts_pinn.problems.findings import IllPosed

FILE = """
import torch
from sapts_pinn import Dirichlet, Problem
from sapts_pinn.geometry import Interval
print("hello")
rod = Problem(Interval(0, 1), "u", lambda u: u.xx + 1, [Dirichlet("u", 0.0{on})])
"""


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


def test_resolution_grows_with_the_points():
    def problem(width, points):
        return Problem(
            Box((0, 0), (1, 1)),
            "u",
            lambda u, x, y: u.xx + u.yy + torch.exp(-(((x - 0.3) / width) ** 2)),
            [Dirichlet("u", 0.0)],
            options={"points": points},
        )

    assert problem(0.1, 1024).check().ok
    assert not problem(0.003, 1024).check().ok
    assert problem(0.003, 1 << 20).check().ok


def test_quality_of_cells():
    mesh = Mesh(example_mesh("l-shape"))
    found = quality_of(mesh)
    assert found.cells == len(mesh.cells) and 0 < found.smallest_angle <= 60 and found.aspect >= 1
    # Angles from the law of cosines, the inscribed circle from Heron's formula.
    a, b, c = (
        np.linalg.norm(mesh.points[mesh.cells[:, i]] - mesh.points[mesh.cells[:, j]], axis=1)
        for i, j in ((1, 2), (2, 0), (0, 1))
    )
    angles = [np.arccos((p**2 + q**2 - r**2) / (2 * p * q)) for p, q, r in ((a, b, c), (b, c, a), (c, a, b))]
    assert found.smallest_angle == pytest.approx(math.degrees(np.min(angles)))
    s = (a + b + c) / 2
    radius = np.sqrt(s * (s - a) * (s - b) * (s - c)) / s
    assert found.aspect == pytest.approx((np.max([a, b, c], axis=0) / (2 * math.sqrt(3) * radius)).max())
    assert f"{len(mesh.cells)} cells" in str(found)


def test_a_mesh_is_in_the_report():
    report = Problem(
        Mesh(example_mesh("l-shape")), "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)]
    ).check()
    assert report.ok and "smallest angle" in str(report)


def test_command(tmp_path, capsys):
    path = tmp_path / "rod.py"
    path.write_text(FILE.format(on=""))
    assert main(["check", str(path)]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("problem: nothing speaks against it") and told.err == "hello\n"
    path.write_text(FILE.format(on=', on="x=0"'))
    assert main(["check", f"{path}:rod", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False and report["findings"][0]["topic"] == "conditions"
    path.write_text(FILE.format(on=', on="left"'))
    assert main(["check", str(path)]) == 2
    assert "no face 'left'" in capsys.readouterr().err
    assert main(["check", "heat"]) == 0


def test_the_page_shows_scales_and_what_a_symmetry_rests_on():
    page = str(build("burgers").check())
    assert "scales             u " in page and "; equation " in page
    assert "agrees with its mirror image to 1e-09 at 4096 points" in page
    facts = dict(Problem(Interval(0, 1), "u", lambda u, x: u.xx + x, [Dirichlet("u")]).check().facts)
    assert "evidence" not in facts and "scales" in facts


def test_a_pole_is_told_once():
    with pytest.warns(IllPosed, match="infinite at r=0"):
        disc = Problem(
            Interval(0, 1, "r") * Time(0, 1),
            "u",
            lambda u, r: u.t - u.d("r", "r") - u.d("r") / r,
            [Dirichlet("u", 0.0, on="r=1"), Initial("u", lambda r: 1 - r**2)],
        )
    assert [finding.topic for finding in disc.check().findings] == ["singular coefficient"]
