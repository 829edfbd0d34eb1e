"""Files and colours of all pictures."""

import numpy as np
import pytest

from sapts_pinn.viz.figures import DPI, colour_limits, colour_map, log_limits, new_figure, pixels


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
