"""Pictures of the way to a solution."""

import numpy as np
import pytest

from sapts_pinn.viz import history

ROWS = [
    {
        "seconds": seconds,
        "gradient_evaluations": count,
        "loss": loss,
        "relative_l2_error": error,
        "radius": radius,
        "rho": rho,
    }
    for seconds, count, loss, error, radius, rho in [
        (0.0, 1, 4.0, 0.5, 1.0, None),
        (1.0, 3, 1.0, None, 2.0, -1),
    ]
]
SWEEPS = [
    {"iteration": i, "sweep_rho": rho, "sweep_accepted": taken, "local_steps": m}
    for i, (rho, taken, m) in enumerate([(0.9, 1, 4), (-7.0, 0, 4), (None, None, 0)])
]


@pytest.fixture
def drawn(monkeypatch) -> list:
    figures = []
    monkeypatch.setattr(history, "save_figure", lambda figure, path: figures.append(figure) or path)
    return figures


def lines(axis) -> dict[str, tuple[list[float], list[float]]]:
    return {
        line.get_label(): (np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist())
        for line in axis.lines
    }


def test_a_column_is_nan_where_a_row_has_nothing():
    found = history.column(ROWS, "relative_l2_error")
    assert found[0] == 0.5 and np.isnan(found[1])
    assert np.isnan(history.column(ROWS, "rho")[0]) and np.isnan(history.column(ROWS, "absent")).all()


def test_a_history_is_drawn_against_seconds_and_evaluations(drawn, tmp_path):
    history.plot_history(ROWS, tmp_path / "h.png")
    top, other, bottom, _ = drawn[0].axes
    assert lines(top) == {"loss": ([0, 1], [4, 1]), "relative L2 error": ([0], [0.5])}
    assert lines(other)["loss"] == ([1, 3], [4, 1])
    found = lines(bottom)
    assert found["radius"] == ([0, 1], [1, 2]) and bottom.get_xlabel() == "seconds"
    assert found["rho (negative: at the bottom)"][1][1] == 1e-3


def test_sweeps_are_split_into_taken_and_undone(drawn, tmp_path):
    assert history.plot_sweeps(SWEEPS, tmp_path / "s.png") == tmp_path / "s.png"
    top, bottom, twin = drawn[0].axes
    assert lines(top)["taken"] == ([0], [0.9]) and lines(top)["undone"] == ([1], [-1.0]), "cut off at -1"
    assert np.asarray(bottom.lines[0].get_ydata()).tolist() == [4, 4, 0]
    assert np.nanmax(twin.lines[0].get_ydata()) <= 1


def test_a_run_without_sweeps_has_no_picture_of_them(drawn, tmp_path):
    assert history.plot_sweeps(ROWS, tmp_path / "s.png") is None and not drawn
