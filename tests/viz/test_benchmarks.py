"""Pictures of measurements."""

import math

import numpy as np
import pytest

from sapts_pinn.viz import benchmarks


def test_a_profile_is_the_share_of_problems_solved_within_a_factor():
    taus, shares = benchmarks.performance({"a": [1.0, 4.0, math.inf], "b": [2.0, 2.0, math.inf]})
    assert taus.tolist() == [1, 2, 2.1]
    assert shares["a"] == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert shares["b"] == pytest.approx([1 / 3, 2 / 3, 2 / 3]), "the last is solved by none"


def test_errors_and_profiles_are_drawn(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(benchmarks, "save_figure", lambda figure, path: drawn.append(figure) or path)
    run = ([0.0, 1.0], [1.0, 0.0])
    benchmarks.plot_errors(
        {"heat": {"tr": [run, run], "adam": [run]}, "wave": {"tr": [run]}}, tmp_path / "e.png"
    )
    heat, wave = drawn[0].axes
    assert [line.get_label() for line in heat.lines][::2] == ["tr", "adam"] and len(heat.lines) == 3
    assert heat.lines[0].get_color() == wave.lines[0].get_color() != heat.lines[2].get_color()
    assert (np.asarray(heat.lines[0].get_ydata()) > 0).all(), "for axes of decades"
    benchmarks.plot_profile({"tr": [1.0, 2.0], "adam": [3.0, 1.0]}, tmp_path / "p.png")
    assert [line.get_label() for line in drawn[1].axes[0].lines] == ["tr", "adam"]
