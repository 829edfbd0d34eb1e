"""The picture of a solution suits its domain."""

import pytest
from matplotlib.image import imread

from pictured import PROBLEMS, colours_in
from sapts_pinn import viz
from sapts_pinn.viz import figures

# Of every panel, column by column of the figure's making.
RESIDUAL, LARGEST = "|residual|", "largest |residual|"
TITLES = {
    "curve": [],
    "system": ["u", "u, reference", "|error of u|", "v", "v, reference", "|error of v|"],
    "clipped": ["u", RESIDUAL, "|estimated error of u|"],
    "flow": ["u", "v", LARGEST, "|(u, v)|", "(u, v)", "|estimated error of u|"],
    "flow on a mesh": ["u", "v", LARGEST, "|(u, v)|", "(u, v)"],
    "mesh in time": ["u at t = 0", "u at t = 0.5", "u at t = 1", RESIDUAL, RESIDUAL, RESIDUAL],
    "snapshots": [
        "u at t = 0", RESIDUAL, "u at t = 0.5", RESIDUAL, "u at t = 1", RESIDUAL,
        "u along x through the middle", RESIDUAL,
    ],
    "sections": [
        "u at x2 = 0.5", RESIDUAL, "u at x1 = 0.5", RESIDUAL, "u at x0 = 0.5", RESIDUAL,
        "u along x0 through the middle", "surfaces of u",
    ],
    "mesh in space": [
        "u at z = 0", "|error of u|", "u at y = 0", "|error of u|", "u at x = 1", "|error of u|",
        "u, cut open at y = 0", "surfaces of u",
    ],
    "space and time": [
        "u at z = 0, t = 0.5", RESIDUAL, "u at y = 0, t = 0.5", RESIDUAL, "u at x = 0, t = 0.5", RESIDUAL,
        "surfaces of u at t = 0", "surfaces of u at t = 1",
    ],
    "flow in time": [
        "u at t = 0", "u at t = 0.5", "u at t = 1", "u along x through the middle",
        "v at t = 0", LARGEST, "v at t = 0.5", LARGEST, "v at t = 1", LARGEST,
        "v along x through the middle", LARGEST,
        "|(u, v)| at t = 0", "|(u, v)| at t = 0.5", "|(u, v)| at t = 1", "(u, v) at t = 1",
    ],
    "flow in space": [
        "u at z = 0.5", "u at y = 0.5", "u at x = 0.5", "surfaces of u",
        "v at z = 0.5", "v at y = 0.5", "v at x = 0.5", "surfaces of v",
        "w at z = 0.5", LARGEST, "w at y = 0.5", LARGEST, "w at x = 0.5", LARGEST,
        "w along x through the middle", "surfaces of w",
        "|(u, v, w)| at z = 0.5", "|(u, v, w)| at y = 0.5", "|(u, v, w)| at x = 0.5", "(u, v, w)",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_picture_suits_the_domain_and_is_not_blank(
    solutions, tmp_path, name, small_pictures, monkeypatch
):
    drawn, save = [], figures.save_figure
    monkeypatch.setattr(viz, "save_figure", lambda figure, path: drawn.append(figure) or save(figure, path))
    image = imread(solutions[name].plot(tmp_path / "solution.png"))[..., :3]
    assert min(image.shape[:2]) > 140
    white = (image > 0.99).all(-1).mean()
    assert white < 0.97, "there is something in it"
    assert colours_in(image) > 20, "in colours"
    (figure,) = drawn
    panels = [axis for axis in figure.axes if axis.get_visible() and axis.get_label() != "<colorbar>"]
    titles = [axis.get_title(loc="left").removeprefix("log$_{10}$ ") for axis in panels]
    assert [title for title in titles if title] == TITLES[name]
    assert all(axis.has_data() for axis in panels)
