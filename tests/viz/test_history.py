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
        "accepted": accepted,
    }
    for seconds, count, loss, error, radius, rho, accepted in [
        (0.0, 1, 4.0, 0.5, 1.0, None, None),
        (1.0, 3, 1.0, None, 2.0, -7, 0),
        (2.0, 4, 0.5, None, 2.0, 0.9, 1),
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
    top, other, radius, _, rho, last = drawn[0].axes
    assert lines(top) == {"loss": ([0, 1, 2], [4, 1, 0.5]), "relative L2 error": ([0], [0.5])}
    assert lines(other)["loss"][0] == [1, 3, 4] and last.get_xlabel() == "gradient evaluations"
    assert radius.get_ylabel() == "radius" and radius.get_yscale() == "log"
    found = lines(rho)
    assert found["accepted"] == ([2], [0.9]), "on axes of their own"
    assert found["rejected"] == ([1], [-1]), "cut off"
    assert rho.get_yscale() == "linear" and rho.get_ylabel() == "rho"


def test_a_method_without_a_radius_has_its_loss_alone(drawn, tmp_path):
    history.plot_history([{"seconds": 0, "gradient_evaluations": 1, "loss": 2.0}], tmp_path / "h.png")
    assert len(drawn[0].axes) == 2


def test_balanced_weights_and_parts_of_the_loss_are_drawn_by_term(drawn, tmp_path):
    rows = [{"seconds": i, "weight_a": 1.0 + i, "loss_a": 1.0, "loss_equation": 2.0} for i in (0, 1)]
    assert history.plot_weights(rows, tmp_path / "w.png") == tmp_path / "w.png"
    losses, weights = drawn[0].axes
    assert lines(losses) == {"a": ([0, 1], [1, 1]), "equation": ([0, 1], [2, 2])}
    assert lines(weights) == {"a": ([0, 1], [1, 2])}
    assert lines(weights).keys() and losses.lines[0].get_color() == weights.lines[0].get_color()
    assert history.plot_weights(ROWS, tmp_path / "w.png") is None and len(drawn) == 1


def test_the_gains_of_each_part_are_drawn_and_summed(drawn, tmp_path):
    names = ("gain", "radius", "steps", "accepted")
    visits = [(1, (0.5, 1.0, 4, 3)), (2, (0.2, 2.0, 5, 5)), (1, (0.1, 0.5, 4, 1))]
    rows = [
        {"iteration": i}
        | {f"part{n}_{name}": None for n in (1, 2) for name in names}
        | {f"part{n}_{name}": v for name, v in zip(names, values, strict=True)}
        for i, (n, values) in enumerate(visits)
    ]
    assert history.plot_parts(rows, tmp_path / "p.png") == tmp_path / "p.png"
    gains, _, sums, steps = drawn[0].axes
    assert lines(gains) == {"part 1": ([0, 2], [0.5, 0.1]), "part 2": ([1], [0.2])}
    assert [bar.get_height() for bar in sums.patches] == pytest.approx([0.6, 0.2])
    assert [bar.get_height() for bar in steps.patches] == [8, 5, 4, 5], "all, and in front the accepted"
    assert history.plot_parts(ROWS, tmp_path / "p.png") is None


def test_sweeps_are_split_into_taken_and_undone(drawn, tmp_path):
    assert history.plot_sweeps(SWEEPS, tmp_path / "s.png") == tmp_path / "s.png"
    top, bottom, twin = drawn[0].axes
    assert lines(top)["taken"] == ([0], [0.9]) and lines(top)["undone"] == ([1], [-1.0]), "cut off at -1"
    assert np.asarray(bottom.lines[0].get_ydata()).tolist() == [4, 4, 0]
    assert np.nanmax(twin.lines[0].get_ydata()) <= 1


def test_a_run_without_sweeps_has_no_picture_of_them(drawn, tmp_path):
    assert history.plot_sweeps(ROWS, tmp_path / "s.png") is None and not drawn
