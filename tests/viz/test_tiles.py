"""Tiles of a contact sheet."""

import numpy as np
import pytest
from PIL import Image

from pictured import colours_in
from sapts_pinn.errors import InputError
from sapts_pinn.viz import tiles


@pytest.mark.parametrize(
    "name", ["mesh in time", "flow on a mesh", "mesh in space", "space and time", "clipped"]
)
def test_a_tile_shows_what_no_problem_of_the_zoo_has(solutions, name, small_pictures):
    image = tiles.tile(solutions[name], "relative error 1.0e-03, 10 s") / 255
    body = image[: int(0.8 * len(image))]
    assert (body < 0.9).any(-1).mean() > 0.02 and colours_in(body) > 20
    for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
        assert (edge > 0.99).all(), "nothing is clipped"


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
