"""Unknowns along a line."""

import numpy as np
import pytest

from pictured import disk_in_time, untrained, waves
from sapts_pinn.errors import InputError
from sapts_pinn.viz import lines


@pytest.fixture
def drawn(monkeypatch) -> list:
    figures = []
    monkeypatch.setattr(lines, "save_figure", lambda figure, path: figures.append(figure) or path)
    return figures


def test_a_line_is_along_the_coordinate_that_is_left_out(drawn, tmp_path):
    solution = untrained(waves())
    lines.plot_line(solution, tmp_path / "l.png", None, None, {"t": 0.25}, "title")
    top, *_, bottom = drawn[0].axes
    x = np.asarray(top.lines[0].get_xdata())
    assert np.allclose(top.lines[0].get_ydata(), solution.predict({"x": x, "t": 0.25})["u"])
    assert bottom.get_xlabel() == "x" and (x[0], x[-1]) == (-1, 1)


def test_several_times_give_several_curves(drawn, tmp_path):
    solution = untrained(waves())
    lines.plot_line(solution, tmp_path / "l.png", None, None, {"t": [0.0, 0.5, 1.0]})
    top, bottom = drawn[0].axes
    curves = [line for line in top.lines if not line.get_label().startswith("_")]
    assert [line.get_label() for line in curves] == ["t = 0", "t = 0.5", "t = 1"]
    x = np.asarray(curves[1].get_xdata())
    assert np.allclose(curves[1].get_ydata(), solution.predict({"x": x, "t": 0.5})["u"])
    assert bottom.get_ylabel() == "v, reference dashed"


def test_a_line_joins_two_points(drawn, tmp_path):
    solution = untrained(disk_in_time())
    lines.plot_line(solution, tmp_path / "l.png", {"x": -0.6, "y": 0}, {"x": 0, "y": 0.8}, {"t": 0.5})
    top, bottom = drawn[0].axes
    s = np.asarray(top.lines[0].get_xdata())
    assert s[-1] == pytest.approx(1.0) and bottom.get_xlabel() == "distance from the start in x, y"
    found = solution.predict({"x": -0.6 + 0.6 * s, "y": 0.8 * s, "t": 0.5})
    assert np.allclose(top.lines[0].get_ydata(), found, equal_nan=True)


@pytest.mark.parametrize(
    ("start", "end", "at", "words"),
    [
        (None, None, {}, r"one coordinate that varies, and here 3 do: give y=... and t=..."),
        (None, None, {"z": 1}, r"has no coordinate 'z'; it has x, y, t"),
        (None, None, {"y": [0, 1], "t": [0, 1]}, r"several values of one coordinate, not of y and t"),
        ({"x": 0}, None, {"t": 0}, r"start and end with the same coordinates"),
        ({"x": 0}, {"x": 1}, {"t": 0}, r"give 'y' either in start and end, or by y="),
        ({"x": 0, "y": 0}, {"x": 0, "y": 0}, {"t": 0}, r"must differ"),
        ({"x": 5, "y": 0}, {"x": 6, "y": 0}, {"t": 0}, r"no point of the line lies in the domain"),
    ],
)
def test_what_is_no_line_is_told(start, end, at, words, tmp_path):
    with pytest.raises(InputError, match=words):
        lines.plot_line(untrained(disk_in_time()), tmp_path / "l.png", start, end, at)
