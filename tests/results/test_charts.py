"""Curves in a page: every point has its place, and the axes have round numbers."""

import math

from sapts_pinn.results.charts import BOTTOM, HEIGHT, LEFT, MOST, RIGHT, TOP, WIDTH, Chart, Curve


def test_points_lie_between_the_margins_and_grow_upwards():
    chart = Chart("loss", "seconds", [Curve("loss", [0, 1, 2, 3], [1.0, 1e-2, None, 1e-4])])
    ((_, path),) = chart.paths
    places = [tuple(map(float, point.split(","))) for point in path.split()]
    assert places == [(LEFT, TOP), places[1], (WIDTH - RIGHT, HEIGHT - BOTTOM)]
    assert places[0][1] < places[1][1] < places[2][1]
    assert [label for _, label in chart.rows] == ["1e-04", "1e-03", "1e-02", "1e-01", "1e+00"]
    assert [label for _, label in chart.columns] == ["0", "0.5", "1", "1.5", "2", "2.5", "3"]
    assert chart.data[0]["points"][1][2:] == ["1", "0.01"]


def test_what_cannot_be_drawn_is_left_out():
    bad = Curve("rho", [0, 1, 2], [-1.0, math.nan, math.inf])
    assert not Chart("rho", "seconds", [bad, Curve("one", [0], [1.0])])
    assert Chart("both", "s", [bad, Curve("two", [0, 1], [1.0, 2.0])]).drawn[0].name == "two"


def test_long_curves_are_thinned_and_keep_their_last_point():
    curve = Curve("loss", range(10 * MOST + 3), [1.0] * (10 * MOST + 3))
    assert len(curve.points) <= MOST + 1 and curve.points[-1][0] == 10 * MOST + 2


def test_equal_values_and_a_narrow_range_have_axes():
    same = Chart("loss", "s", [Curve("loss", [1, 1], [0.5, 0.5])])
    assert same.rows and same.columns
    assert len(Chart("loss", "s", [Curve("loss", [0, 1], [0.50, 0.51])]).rows) == 3
