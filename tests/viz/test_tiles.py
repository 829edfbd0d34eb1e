"""Tiles of a contact sheet."""

from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from PIL import Image

from pictured import colours_in, overlaps, untrained
from sapts_pinn.errors import InputError
from sapts_pinn.problems import build
from sapts_pinn.viz import tiles
from sapts_pinn.viz.style import STYLE


@pytest.mark.parametrize(
    "name", ["mesh in time", "flow on a mesh", "mesh in space", "space and time", "clipped"]
)
def test_a_tile_shows_what_no_problem_of_the_zoo_has(solutions, name, small_pictures):
    image = tiles.tile(solutions[name], "relative error 1.0e-03, 10 s") / 255
    body = image[: int(0.8 * len(image))]
    assert (body < 0.9).any(-1).mean() > 0.02 and colours_in(body) > 20
    for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
        assert (edge > 0.99).all(), "nothing is clipped"


@pytest.mark.parametrize("name", ["kirsch", "cylinder", "poisson-3d", "schroedinger"])
def test_the_layout_of_a_tile_has_settled(name, small_pictures):
    """Another pass would move nothing, as it does while ticks lie on each other."""
    with matplotlib.rc_context({**STYLE, **tiles.SMALL}):
        figure = tiles.filled(untrained(build(name)), "relative error 1.0e-03, 10 s", name)
        placed = []
        for _ in range(2):
            figure.canvas.draw()
            placed.append(np.array([axis.get_position().bounds for axis in figure.axes]))
        assert overlaps(figure) == []
        assert np.abs(placed[1] - placed[0]).max() < 0.004


def test_the_legend_of_a_profile_hides_no_curve(small_pictures):
    solution = untrained(build("diffusion-inverse"))
    solution.uncertainty = SimpleNamespace(of=lambda name, points: 0.01 + 0 * points[:, 0])
    with matplotlib.rc_context({**STYLE, **tiles.SMALL}):
        figure = tiles.filled(solution, "relative error 1.0e-03, 10 s", "k")
        figure.canvas.draw()
    axis = next(a for a in figure.axes if a.get_legend() is not None)
    box = axis.get_legend().get_window_extent()
    (band,) = (patch.vertices for collection in axis.collections for patch in collection.get_paths())
    for points in (band, *(line.get_xydata() for line in axis.lines)):
        assert not box.count_contains(axis.transData.transform(points))


def test_a_mark_is_green_amber_or_red_by_the_error():
    def colour(error, drag=None):
        quantities = {"drag": {"relative_error": drag}}
        return tiles.mark_of({"relative_l2_error": error, "quantities": quantities})

    green, amber = (found for _, found in tiles.MARKS)
    assert (colour(0.01), colour(0.05), colour(0.2)) == (green, amber, tiles.RED)
    assert colour(None, 0.005) == green, "that of a quantity, where there is no other"
    assert colour(None) == tiles.GREY


def test_a_sheet_is_filled_with_white(tmp_path):
    grey = [np.full((4, 5, 3), value, np.uint8) for value in (10, 20, 30)]
    drawn = np.asarray(Image.open(tiles.write_sheet(grey, tmp_path / "s.png", columns=2)))
    assert drawn.shape == (8, 10, 3)
    assert (drawn[:4, :5] == 10).all() and (drawn[:4, 5:] == 20).all()
    assert (drawn[4:, :5] == 30).all() and (drawn[4:, 5:] == 255).all()
    with pytest.raises(InputError, match=r"cannot draw the gallery into 's.pdf': use .png"):
        tiles.write_sheet(grey, tmp_path / "s.pdf")


def test_a_solution_without_reference_is_described_by_what_is_known():
    known = {"drag": {"relative_error": None}, "lift": {"relative_error": 0.02}}
    assert (
        tiles.describe({"relative_l2_error": None, "quantities": known, "loss": 1}) == "error of lift 2.0e-02"
    )
    assert tiles.describe({"relative_l2_error": None, "loss": 0.5}) == "loss 5.0e-01"
    assert (
        tiles.describe({"relative_l2_error": 1e-3, "quantities": known, "loss": 1})
        == "relative error 1.0e-03"
    )
