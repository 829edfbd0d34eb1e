"""Scenes as pages: what can be shown has its slider, and what cannot is refused."""

import re

import numpy as np
import pytest

from pictured import SMALL, ring
from sapts_pinn import Dirichlet, Initial, Problem, solve
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Ball, Box, Interval, Time
from sapts_pinn.viz import scene_page
from sapts_pinn.viz.scene_page import MOMENTS, can_export, export_scene
from small_runs import rod

pytestmark = pytest.mark.skipif(not can_export(), reason="trame-vtk is not installed")


def solved(domain, equation, conditions):
    return solve(Problem(domain, "u", equation, conditions, name="<b>body</b>"), **SMALL)


@pytest.mark.parametrize(
    ("domain", "equation", "conditions", "slider"),
    [
        (
            Interval(0, 2) * Time(0, 1),
            lambda u: u.t - u.xx - 1,
            [Dirichlet("u", 0.0), Initial("u", 0.0)],
            "t",
        ),
        (Box((0, 0), (1, 3)), lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)], "y"),
        (
            Ball((0, 0), 1) * Time(0, 2),
            lambda u: u.t - u.xx - u.yy - 1,
            [Dirichlet("u", 0.0), Initial("u", 0.0)],
            "t",
        ),
        (Box((0, 0, 0), (1, 1, 1)), lambda u: u.xx + u.yy + u.zz + 1, [Dirichlet("u", 0.0)], "z"),
    ],
)
def test_a_scene_has_a_slider_through_time_or_a_coordinate(tmp_path, domain, equation, conditions, slider):
    solution = solved(domain, equation, conditions)
    text = export_scene(solution, tmp_path / "scene.html").read_text()
    assert f'name = "{slider}", values = [' in text and "<title>u of &lt;b&gt;body&lt;/b&gt;</title>" in text
    (values,) = re.findall(r"values = \[([^\]]*)\]", text)
    ends = domain.bounds[:, domain.names.index(slider)].tolist()
    assert np.allclose(np.fromstring(values, sep=","), np.linspace(*ends, MOMENTS))
    assert text.count("vtkActor") > 1 and len(text) < 10 * 2**20
    assert not re.search(r"""(?:src|href)=["']https?://""", text), "nothing is loaded"


def test_a_scene_needs_two_coordinates_and_its_package(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"rod has one coordinate"):
        export_scene(solve(rod(), **SMALL), tmp_path / "scene.html")
    monkeypatch.setattr(scene_page, "can_export", lambda: False)
    with pytest.raises(InputError, match=r"pip install 'sapts-pinn\[view\]'"):
        export_scene(solve(ring(), **SMALL), tmp_path / "scene.html")
