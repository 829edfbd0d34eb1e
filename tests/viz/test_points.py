"""Collocation points in pictures."""

import numpy as np
import pytest

from pictured import cube, line, waves
from sapts_pinn.viz import points


@pytest.fixture
def drawn(monkeypatch) -> list:
    figures = []
    monkeypatch.setattr(points, "save_figure", lambda figure, path: figures.append(figure) or path)
    return figures


def test_points_and_their_density_are_drawn(drawn, tmp_path):
    rng = np.random.default_rng(0)
    equation = np.stack([2 * rng.random(4000) ** 2 - 1, rng.random(4000)], 1)  # denser on the left
    start = np.stack([np.linspace(-1, 1, 9), np.zeros(9)], 1)
    points.plot_points(waves().domain, {"equation": equation, "u at t=0": start}, tmp_path / "p.png")
    left, right, _ = drawn[0].axes
    assert left.get_xlabel() == "t" and left.get_title(loc="left") == "4,000 points of the equation"
    assert [(len(a.get_xdata()), a.get_label()) for a in left.lines] == [(4000, "equation"), (9, "u at t=0")]
    share = np.asarray(right.collections[0].get_array()).reshape(points.BINS, points.BINS)
    assert share[0].mean() > 2 * share[-1].mean(), "x upwards"


def test_parts_have_colours_of_their_own(drawn, tmp_path):
    at = np.random.default_rng(0).random((100, 3))
    parts = (at[:, 0] > 0.5).astype(int)
    points.plot_points(cube(3).domain, {"equation": at}, tmp_path / "p.png", parts)
    left = drawn[0].axes[0]
    assert [a.get_label() for a in left.lines] == ["part 1", "part 2"]
    assert (np.asarray(left.lines[1].get_xdata()) > 0.5).all()


def test_points_on_a_line_have_a_histogram(drawn, tmp_path):
    at = np.linspace(0, 1, 50)[:, None]
    points.plot_points(line().domain, {"equation": at, "u on x=0": at[:1]}, tmp_path / "p.png")
    assert sum(bar.get_height() for bar in drawn[0].axes[1].patches) == 50
