"""Files and colours of all pictures."""

import numpy as np
import pytest

from sapts_pinn.viz.figures import DPI, colour_bar, colour_limits, colour_map, log_limits, new_figure, pixels


def test_other_formats_are_pictures_too_and_others_are_refused(solutions, tmp_path):
    assert solutions["curve"].plot(tmp_path / "a.svg").read_text().lstrip().startswith("<?xml")
    with pytest.raises(ValueError, match=r"cannot draw 'a.docx': use .png"):
        solutions["curve"].plot(tmp_path / "a.docx")
    assert [p.name for p in tmp_path.iterdir()] == ["a.svg"]


def test_limits_are_symmetric_when_values_change_sign_in_earnest():
    nan = np.nan
    assert colour_limits([np.array([-1.0, nan]), np.array([0.5])]) == (-1, 1)
    assert colour_limits([np.array([-0.1, 1.0])]) == (-0.1, 1)
    assert colour_limits([np.array([2.0, 2.0])]) == (1.5, 2.5)
    assert colour_limits([np.array([nan])]) == (0, 1)
    assert colour_map((-1, 1)) == "RdBu_r" and colour_map((-0.1, 1)) == "viridis"


def test_decades_leave_out_the_zeros_of_an_exact_condition():
    fields = [np.array([0.0] + [1e-2] * 50 + [1.0])]
    assert log_limits(fields) == pytest.approx((-2, 0))
    assert log_limits([np.array([1e-9] * 50 + [1.0])]) == pytest.approx((-4, 0)), "at most four"
    assert log_limits([np.array([1.0, 1.0])]) == pytest.approx((-1, 0)), "at least one"
    assert log_limits([np.array([np.nan])]) == (-1, 0)


def test_pixels_are_those_of_the_figure():
    figure = new_figure(1.0, 0.5)
    figure.set_facecolor("#ff0000")
    drawn = pixels(figure)
    assert drawn.shape == (DPI // 2, DPI, 3) and (drawn == (255, 0, 0)).all()


def test_a_few_extreme_values_do_not_hide_the_field():
    field = np.sin(np.linspace(0, 6, 10_000)) + 2.0
    field[:20] = 2e11  # a pressure in a corner
    low, high = colour_limits([field])
    assert 0.9 < low < 1.1 and 2.9 < high < 3.1
    field[:20] = 3.5  # hardly beyond the others: nothing is left out
    assert colour_limits([field])[1] == 3.5
    assert colour_limits([np.array([0.0, 1.0, np.nan])]) == (0.0, 1.0)


def test_a_bar_says_that_values_lie_beyond_it():
    figure = new_figure(3, 3)
    for values, extend in (([0, 1, 5], "max"), ([-5, 0, 1], "min"), ([0, 1], "neither"), ([-5, 5], "both")):
        axis = figure.add_subplot()
        image = axis.imshow(np.array([values], float), vmin=0, vmax=1)
        colour_bar(axis, image)
        assert image.colorbar.extend == extend
