"""Panels that a solution of two coordinates or more is shown by."""

import pytest

from pictured import panels_of, untrained
from sapts_pinn.problems.zoo import build
from sapts_pinn.viz.overview import main_panels, overview_of

TITLES = {
    "kirsch": [
        "von Mises stress", "|(u, v)|", "|(u, v)|, reference", "|error of (u, v)|", "|misfit of conditions|",
        "largest |residual|",
    ],
    "cylinder": [
        "|(u, v)|", "p", "|residual 1|", "|residual 2|", "|residual 3|", "|misfit of conditions|",
    ],
    "diffusion-inverse": ["u", "u, reference", "|error of u|", "k(x)"],
    "navier-stokes-inverse": [
        f"{name} at t = 1"
        for f in ("|(u, v)|", "p") for name in (f, f"{f}, reference", f"|error of {f.strip('|')}|")
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", TITLES)
def test_panels_tell_what_matters_of_a_problem(name, small_pictures):
    titles = [a.get_title(loc="left") for a in panels_of(overview_of(untrained(build(name))))]
    titles = [t.removeprefix("log$_{10}$ ").replace("\n", " ") for t in titles]
    assert [t.partition(", displaced")[0] for t in titles] == TITLES[name]


def test_the_points_of_measurements_are_drawn_where_they_lie(small_pictures):
    axis = panels_of(overview_of(untrained(build("diffusion-inverse"))))[0]
    (points,) = (line for line in axis.lines if line.get_marker() == ".")
    assert len(points.get_xdata()) == 1000


def test_the_main_panels_are_a_field_and_its_reference(small_pictures):
    panels, aspect = main_panels(untrained(build("kovasznay")))
    assert len(panels) == 2 and aspect == pytest.approx(4 / 3)
    panels, _ = main_panels(untrained(build("diffusion-inverse")))
    assert [panel.kind.value for panel in panels] == ["curve", "plane"], "k(x), and u"
