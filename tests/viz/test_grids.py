"""Solutions on regular grids."""

import numpy as np
import pytest
from matplotlib.path import Path

from sapts_pinn.geometry import Ball, Box, Time
from sapts_pinn.viz import figures
from sapts_pinn.viz.grids import Cut, Section, _continued, columns_for, curves, draw_image, in_rows


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
    ],
)
def test_the_label_says_where_the_plane_lies(fixed, label):
    assert Section("x", "y", fixed).label == label


def test_unknown_values_are_continued_from_the_nearest():
    field = np.array([[1.0, np.nan, np.nan, 4.0]])
    assert _continued(field).tolist() == [[1, 1, 4, 4]]
    assert _continued(np.full((2, 2), np.nan)).tolist() == [[0, 0], [0, 0]]


def test_an_image_puts_its_points_in_the_middle_of_pixels_and_is_cut_at_the_boundary():
    domain, section = Ball((0, 0), 1), Section("x", "y", {})
    axis = figures.new_figure(3, 3).subplots()
    grid = section.grid(domain, 21)
    inside = np.hypot(grid["x"], grid["y"]) <= 1
    exchange = draw_image(axis, section, grid, inside, grid["x"], "u", (-1.0, 1.0), domain, True)
    (image,) = axis.images
    assert image.get_extent() == pytest.approx([-1.05, 1.05, -1.05, 1.05])
    path, _ = image.get_clip_path().get_transformed_path_and_affine()
    edge = path.vertices[path.codes != Path.CLOSEPOLY]
    assert np.allclose(np.hypot(*edge.T), 1, atol=0.02), "the circle"
    exchange(2 * grid["x"])
    assert np.allclose(image.get_array(), 2 * grid["x"])


def test_panels_stand_row_by_row_with_common_labels():
    assert (columns_for(3, compared=True), columns_for(4, False), columns_for(5, False)) == (3, 2, 3)
    order = []
    figure = in_rows([order.append] * 3, 2, 2.0, 2.0, "x", "y")
    assert order == figure.axes[:3] and not figure.axes[3].get_visible()
    assert [axis.get_xlabel() for axis in figure.axes] == ["", "x", "x", ""]
    assert [axis.get_ylabel() for axis in figure.axes] == ["y", "", "y", ""]


def test_a_curve_has_its_reference_and_its_error_below(solutions):
    top, bottom = curves(solutions["curve"]).axes
    network, reference = (line.get_ydata() for line in top.lines)
    x = np.asarray(top.lines[0].get_xdata())
    assert np.allclose(reference, x * (1 - x) / 2)
    assert np.allclose(network, solutions["curve"].predict({"x": x}))
    assert np.allclose(bottom.lines[0].get_ydata(), np.maximum(np.abs(network - reference), 1e-300))


def test_a_plane_with_time_is_not_drawn_to_scale(solutions):
    cut = Cut(solutions["system"], Section("t", "x", {}), 5)
    axis = figures.new_figure(3, 3).subplots()
    cut.image(axis, cut.values.found["u"], "u", (0.0, 1.0))
    assert axis.get_aspect() == "auto" and axis.get_xlim() == (0, 1) and axis.get_ylim() == (-1, 1)
