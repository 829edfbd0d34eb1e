"""Curves, phase portraits and unknowns of one coordinate."""

from types import SimpleNamespace

import numpy as np

from pictured import untrained
from sapts_pinn.problems.zoo import build
from sapts_pinn.viz.curves import curve_rows, curves_of, draw_profile
from sapts_pinn.viz.fields import Values
from sapts_pinn.viz.figures import new_figure


def test_a_curve_has_its_reference_and_its_error_below(solutions):
    top, bottom = curves_of(solutions["curve"]).axes
    network, reference = (line.get_ydata() for line in top.lines)
    x = np.asarray(top.lines[0].get_xdata())
    assert np.allclose(reference, x * (1 - x) / 2)
    assert np.allclose(network, solutions["curve"].predict({"x": x}))
    assert np.allclose(bottom.lines[0].get_ydata(), np.maximum(np.abs(network - reference), 1e-300))


def test_unknowns_of_different_sizes_have_axes_of_their_own():
    def values(*sizes):
        return Values({f"u{i}": np.full(3, s) for i, s in enumerate(sizes)}, None, None, np.ones(3, bool))

    assert curve_rows(values(1.0, 5.0)) == [["u0", "u1"]]
    assert curve_rows(values(1.0, 50.0)) == [["u0"], ["u1"]]


def test_a_system_in_time_has_a_phase_portrait_and_its_data():
    orbit, top, bottom = curves_of(untrained(build("lorenz-inverse"))).axes
    assert orbit.name == "3d" and orbit.get_title(loc="left") == "phase portrait"
    assert (orbit.get_xlabel(), orbit.get_ylabel(), orbit.get_zlabel()) == ("x", "y", "z")
    dots = [line for line in top.lines if line.get_marker() == "o"]
    assert len(dots) == 3 and all(len(line.get_xdata()) == 25 for line in dots)
    assert len(bottom.lines) == 3, "an error for each unknown"


def test_an_unknown_of_one_coordinate_has_its_band_and_its_reference():
    solution = untrained(build("diffusion-inverse"))
    seen = SimpleNamespace(
        problem=solution.problem, predict=solution.predict, reference=solution.reference,
        residual=solution.residual, uncertainty=object(),
        standard_error=lambda at: {"u": np.zeros(at["x"].shape), "k": np.full(at["x"].shape, 0.01)},
    )  # fmt: skip
    axis = new_figure(3, 3).subplots()
    draw_profile(axis, seen, "k", "x")
    network, reference = axis.lines
    x = np.asarray(network.get_xdata())
    assert np.allclose(reference.get_ydata(), 0.1 * np.exp(0.5 * np.sin(2 * np.pi * x)))
    heights = axis.collections[0].get_paths()[0].vertices
    middle = heights[np.isclose(heights[:, 0], x[50])][:, 1]
    assert np.isclose(np.ptp(middle), 0.04), "two standard errors on either side"
