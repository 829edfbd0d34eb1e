"""Solutions on regular grids."""

import numpy as np
import pytest
from matplotlib.path import Path

from pictured import untrained
from sapts_pinn import Dirichlet, Problem
from sapts_pinn.geometry import Ball, Box, Time
from sapts_pinn.viz import figures
from sapts_pinn.viz.grids import Cut, Section, _continued
from sapts_pinn.viz.planes import MOVED
from sapts_pinn.viz.style import Meaning


def test_a_section_holds_the_points_of_its_plane():
    domain = Box((0, 1), (2, 5)) * Time(0, 1)
    grid = Section("y", "t", {"x": 0.5}).grid(domain, 3)
    assert (grid["x"] == 0.5).all() and grid["y"].tolist() == [[1, 3, 5]] * 3
    assert grid["t"].T.tolist() == [[0, 0.5, 1]] * 3


@pytest.mark.parametrize(
    ("fixed", "label"),
    [
        ({"z": 0.25}, "z = 0.25"),
        ({"z": 0.5, "t": 1.0}, "z = 0.5, t = 1"),
        ({"z": 0.5, "t": 0.5}, "z = t = 0.5"),
        ({}, ""),
    ],
)
def test_the_label_says_where_the_plane_lies(fixed, label):
    assert Section("x", "y", fixed).label == label


def test_unknown_values_are_continued_from_the_nearest():
    field = np.array([[1.0, np.nan, np.nan, 4.0]])
    assert _continued(field).tolist() == [[1, 1, 4, 4]]
    assert _continued(np.full((2, 2), np.nan)).tolist() == [[0, 0], [0, 0]]


def test_an_image_puts_its_points_in_the_middle_of_pixels_and_is_cut_at_the_boundary():
    disk = Problem(Ball((0, 0), 1), "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)])
    cut = Cut(untrained(disk), Section("x", "y", {}), 21)
    axis = figures.new_figure(3, 3).subplots()
    painted = cut.paint(axis, cut.grid["x"], (-1.0, 1.0), "RdBu_r")
    (image,) = axis.images
    assert image.get_extent() == pytest.approx([-1.05, 1.05, -1.05, 1.05])
    path, _ = image.get_clip_path().get_transformed_path_and_affine()
    edge = path.vertices[path.codes != Path.CLOSEPOLY]
    assert np.allclose(np.hypot(*edge.T), 1, atol=0.02), "the circle"
    assert not axis.patches[0].get_clip_on(), "its line is whole at the ends of the axes"
    painted.exchange(2 * cut.grid["x"])
    assert np.allclose(image.get_array(), 2 * cut.grid["x"])


def test_a_plane_with_time_is_not_drawn_to_scale(solutions):
    cut = Cut(solutions["system"], Section("t", "x", {}), 5)
    axis = figures.new_figure(3, 3).subplots()
    cut.image(axis, cut.values.found["u"], "u", (0.0, 1.0), Meaning.LEVEL)
    assert axis.get_aspect() == "auto" and axis.get_xlim() == (0, 1) and axis.get_ylim() == (-1, 1)
    assert axis.get_xlabel() == "t" and axis.get_ylabel() == "x"


def test_a_deformed_body_is_moved_by_its_displacement_and_cut_at_its_moved_boundary():
    solution = untrained(ring_in_motion())
    cut = Cut(solution, Section("x", "y", {}), 41)
    axis = figures.new_figure(3, 3).subplots()
    cut.moved(axis, cut.grid["x"], ("u", "v"), (-1.0, 1.0), "viridis")
    factor = cut.factor(cut.values.found, ("u", "v"))
    moved, rest = (patch.get_path().vertices for patch in axis.patches)
    at = solution.predict({"x": rest[:, 0], "y": rest[:, 1]}, extrapolate=True)
    assert np.allclose(moved, rest + factor * np.stack([at["u"], at["v"]], 1))
    largest = max(np.nanmax(np.abs(cut.values.found[n])) for n in "uv")
    assert 0.5 * MOVED * 2 <= factor * largest <= MOVED * 2, "a share of the extent"


def ring_in_motion() -> Problem:
    return Problem(
        Ball((0, 0), 1) - Ball((0, 0), 0.4, tag="hole"),
        ("u", "v"),
        lambda u, v: (u.xx + u.yy, v.xx + v.yy),
        [Dirichlet("u", lambda x, y: x), Dirichlet("v", lambda x, y: -y)],
        displacement=("u", "v"),
    )
