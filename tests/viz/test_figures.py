"""Figures and their files."""

import pytest

from sapts_pinn.viz.figures import DPI, new_figure, pixels


def test_other_formats_are_pictures_too_and_others_are_refused(solutions, tmp_path):
    assert solutions["curve"].plot(tmp_path / "a.svg").read_text().lstrip().startswith("<?xml")
    with pytest.raises(ValueError, match=r"cannot draw 'a.docx': use .png"):
        solutions["curve"].plot(tmp_path / "a.docx")
    assert [p.name for p in tmp_path.iterdir()] == ["a.svg"]


def test_pixels_are_those_of_the_figure():
    figure = new_figure(1.0, 0.5)
    figure.set_facecolor("#ff0000")
    drawn = pixels(figure)
    assert drawn.shape == (DPI // 2, DPI, 3) and (drawn == (255, 0, 0)).all()
