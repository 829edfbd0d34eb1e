"""Picture of several runs."""

import numpy as np

from sapts_pinn.viz import comparison

ROWS = [
    {"seconds": 0.5, "gradient_evaluations": 2, "error": 1.0, "loss": 3.0},
    {"seconds": 1.0, "gradient_evaluations": 4, "error": None, "loss": 2.0},
    {"seconds": 1.5, "gradient_evaluations": 9, "error": 0.1, "loss": 1.0},
]


def test_every_run_is_a_line_against_time_and_work(monkeypatch, tmp_path):
    figures = []
    monkeypatch.setattr(comparison, "save_figure", lambda figure, path: figures.append(figure) or path)
    path = tmp_path / "a.png"
    assert (
        comparison.plot_comparison({"tr": [ROWS, ROWS[1:]], "adam": [ROWS]}, "error", "error of u", path)
        == path
    )
    time, work = figures[0].axes
    assert [len(axis.lines) for axis in (time, work)] == [3, 3]
    np.testing.assert_array_equal(time.lines[0].get_xydata(), [[0.5, 1.0], [1.5, 0.1]])
    np.testing.assert_array_equal(work.lines[2].get_xydata(), [[2, 1.0], [9, 0.1]])
    assert [text.get_text() for text in time.get_legend().get_texts()] == ["tr", "adam"]
    assert time.get_ylabel() == "error of u" and work.get_xlabel() == "gradient evaluations"
    colours = [line.get_color() for line in time.lines]
    assert colours[0] == colours[1] != colours[2]
    names = {str(i): [ROWS] for i in range(len(comparison.COLOURS) + 1)}
    comparison.plot_comparison(names, "loss", "loss", path)
    first, last = figures[1].axes[0].lines[0], figures[1].axes[0].lines[-1]
    assert first.get_color() == last.get_color() and first.get_linestyle() != last.get_linestyle()
