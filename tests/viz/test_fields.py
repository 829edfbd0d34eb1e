"""A solution on the points of a picture."""

import math

import numpy as np

from sapts_pinn.geometry import Ball, Box, Interval, Mesh, Time, example_mesh
from sapts_pinn.viz.fields import Values, ends, evaluate, mesh_of, middle_of, time_name


def test_values_outside_the_domain_are_unknown(solutions):
    x, y = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21))
    values = evaluate(solutions["clipped"], {"x": x, "y": y})
    r = np.hypot(x, y)
    inside = (r <= 1) & (r >= 0.4)
    assert (
        np.isfinite(values.found["u"]) == inside
    ).mean() > 0.99  # the boundary itself is a matter of rounding
    assert (
        np.isnan(values.residual[r < 0.3]).all() and np.isfinite(values.residual[(r > 0.5) & (r < 0.9)]).all()
    )


def test_ends_time_and_mesh_of_a_domain():
    domain = Mesh(example_mesh("l-shape")) * Time(0, 3)
    assert ends(domain, "t") == (0, 3) and ends(domain, "x") == (-1, 1)
    assert time_name(domain) == "t" and mesh_of(domain) is domain.factors()[0]
    assert time_name(Box((0, 0), (1, 1))) is None and mesh_of(Box((0, 0), (1, 1)) * Time(0, 1)) is None


def test_the_middle_lies_inside_and_reads_well():
    assert middle_of(Box((0, 0), (1, 3))) == {"x": 0.5, "y": 1.5}
    assert middle_of(Interval(0, 1 / 3)) == {"x": 0.167}
    ring = Ball((0, 0), 1) - Ball((0, 0), 0.4, tag="hole")
    assert 0.6 < math.hypot(*middle_of(ring).values()) < 0.8, "halfway between both circles"


def test_values_are_those_of_the_solution_and_its_reference(solutions):
    x = np.linspace(0, 1, 7)
    values = evaluate(solutions["curve"], {"x": x}, residual=True)
    assert np.allclose(values.found["u"], solutions["curve"].predict({"x": x}))
    assert values.compared(["u"]) and np.allclose(values.exact["u"], x * (1 - x) / 2)
    assert np.allclose(values.residual, np.abs(solutions["curve"].residual({"x": x})).reshape(-1))
    assert evaluate(solutions["curve"], {"x": x}).residual is None


def test_a_reference_known_at_few_points_is_not_drawn(solutions):
    inside = np.ones(100, bool)
    table = np.full(100, np.nan)
    table[:4] = 1.0
    assert not Values({"u": table}, {"u": table}, None, inside).compared(["u"])
    table[:5] = 1.0
    values = Values({"u": table}, {"u": table}, [np.ones(100), 2 * np.ones(100)], inside)
    assert values.compared(["u"]) and not values.compared(["u", "p"])
    assert (values.residual == 2).all(), "the largest of both equations"


def test_residuals_are_those_of_each_equation(solutions):
    x, y = np.linspace(0.1, 0.9, 5), np.full(5, 0.4)
    values = evaluate(solutions["flow"], {"x": x, "y": y})
    found = solutions["flow"].residual({"x": x, "y": y})
    assert values.exact is None and np.allclose(values.residuals, np.abs(found)) and len(found) == 2
