"""A solution: values, derivatives, expressions, errors, and what is printed."""

from math import pi

import numpy as np
import pytest
import torch

from sapts_pinn import Solution, solve
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Coefficient, Dirichlet, Initial, Observations, Problem, Quantity

SMALL = {"budget": "2 iterations", "network": (4,), "points": 32, "condition_points": 8}


@pytest.fixture(scope="module")
def solution() -> Solution:
    """Two unknowns and a coefficient, hardly trained."""
    conditions = [
        Dirichlet("u", 0.0),
        Initial("u", lambda x: torch.sin(pi * x)),
        Initial("v", lambda x: x),
        Observations("v", {"x": [0.5], "t": [0.5]}, [0.4]),
    ]
    equation = lambda u, v, k: (u.t - k * u.xx, v.t + u * v.x)
    problem = Problem(
        Interval(0, 1) * Time(0, 1), ("u", "v"), equation, conditions, [Coefficient("k", 0.3)],
        reference=lambda x, t: {"u": torch.sin(pi * x) * torch.exp(-t)}, name="pair",
        quantities={"middle": Quantity(lambda s: s.predict({"x": 0.5, "t": 0.0})["u"], 1.0, "the start")},
    )  # fmt: skip
    return solve(problem, **SMALL)


X, T = np.linspace(0, 1, 5)[:, None], np.linspace(0, 1, 3)[None]


def test_values_broadcast_and_come_in_the_kind_that_was_given(solution):
    found = solution.predict({"x": X, "t": T})
    assert set(found) == {"u", "v"} and found["u"].shape == (5, 3) and isinstance(found["u"], np.ndarray)
    tensors = solution.predict({"x": torch.from_numpy(X), "t": T})["u"]
    assert isinstance(tensors, torch.Tensor) and np.array_equal(tensors.numpy(), found["u"])
    assert np.abs(found["u"][[0, -1]]).max() < 1e-15, "the walls are built in"
    assert np.allclose(found["u"][:, 0], np.sin(pi * X[:, 0]))
    points = torch.from_numpy(np.stack([c.reshape(-1) for c in np.broadcast_arrays(X, T)], 1))
    with torch.no_grad():
        assert np.allclose(solution.model(points)[:, 0].reshape(5, 3), found["u"])


def test_derivatives_are_slopes_of_the_values(solution):
    x, h = np.array([0.3, 0.6]), 1e-4
    at = lambda dx, dt: solution.predict({"x": x + dx, "t": 0.4 + dt})["v"]
    exact = solution.derivative({"x": x, "t": 0.4}, "xt")["v"]
    assert np.allclose(exact, (at(h, h) - at(h, -h) - at(-h, h) + at(-h, -h)) / (4 * h * h), atol=1e-6)
    flux = solution.evaluate(lambda u, k, x: (k * u.x, x * 0 + 1), {"x": x, "t": 0.4})
    assert np.allclose(
        flux[0], solution.coefficients["k"] * solution.derivative({"x": x, "t": 0.4}, "x")["u"]
    )
    assert flux[1].tolist() == [1, 1]


def test_residuals_are_the_equation_put_together(solution):
    at = {"x": np.array([0.3, 0.6]), "t": np.array([0.2, 0.9])}
    first, second = solution.residual(at)
    k = solution.coefficients["k"]
    u, v = (solution.predict(at)[name] for name in "uv")
    d = lambda which: solution.derivative(at, which)
    assert np.allclose(first, d("t")["u"] - k * d("xx")["u"])
    assert np.allclose(second, d("t")["v"] + u * d("x")["v"]) and v.shape == (2,)


def test_errors_against_the_reference_and_against_data(solution):
    exact = np.sin(pi * X) * np.exp(-T)
    found = solution.predict({"x": X, "t": T})
    data = {"u": exact.copy(), "v": np.full((5, 3), np.nan)}
    data["u"][1, 1] = np.nan
    known = np.isfinite(data["u"])
    expected = np.linalg.norm((found["u"] - exact)[known]) / np.linalg.norm(exact[known])
    assert solution.error({"x": X, "t": T}, data) == pytest.approx(expected)
    assert solution.error() == pytest.approx(solution.result["relative_l2_error"])
    reference = solution.reference({"x": X, "t": T})
    assert np.allclose(reference["u"], exact) and np.isnan(reference["v"]).all()


def test_quantities_and_the_printed_summary(solution):
    found = solution.quantities["middle"]
    assert found["value"] == pytest.approx(1) and found["relative_error"] == pytest.approx(0, abs=1e-12)
    lines = str(solution).splitlines()
    assert lines[0] == "pair by tr: budget spent (2 iterations)"
    assert any(line.startswith("  middle             1   (the start: 1") for line in lines)
    assert any(line.startswith("  relative L2 error") and "given function" in line for line in lines)
    assert lines[-1].endswith("parameters, float64, cpu")


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda s: s.predict([0.5]), "points must be .* x, t in the last axis, not .*1"),
        (lambda s: s.predict({"x": 0.5}), "exactly the coordinates x, t, not x"),
        (lambda s: s.predict({"x": 0.5, "t": 0, "y": 0}), "exactly the coordinates x, t, not x, t, y"),
        (
            lambda s: s.derivative({"x": 0.5, "t": 0}, "y"),
            "given by the coordinates x, t, such as 'xx', not by 'y'",
        ),
        (lambda s: s.evaluate(lambda q: q, {"x": 0.5, "t": 0}), "the expression asks for 'q'"),
    ],
)
def test_mistakes_are_sentences(solution, ask, sentence):
    with pytest.raises(InputError, match=sentence):
        ask(solution)


def test_points_of_every_form_have_one_answer(solution):
    expected = solution.predict({"x": X, "t": T})["u"]
    assert np.array_equal(solution.predict(x=X, t=T)["u"], expected)
    table = np.stack(np.broadcast_arrays(X, T), -1)
    assert np.array_equal(solution.predict(table)["u"], expected)
    assert np.array_equal(solution.predict([*map(tuple, table.reshape(-1, 2))])["u"], expected.ravel())
    slopes = solution.derivative(which="x", x=X, t=T)["u"]
    assert np.array_equal(slopes, solution.derivative(table, "x")["u"])
    assert np.array_equal(solution.evaluate(lambda u: u.x, x=X, t=T), slopes)
    assert np.array_equal(solution.residual(x=X, t=T)[0], solution.residual(table)[0])
    assert solution.error(table, {"u": expected, "v": np.full((5, 3), np.nan)}) == 0
    with pytest.warns(UserWarning, match="1 of 1 points are outside") as caught:
        solution.predict(x=2.0, t=0.5)
    assert caught[0].filename == __file__


def test_it_is_shown_in_a_line_and_in_a_notebook(solution):
    assert "\n" not in repr(solution) and len(repr(solution)) < 100
    assert repr(solution).startswith("Solution(pair, tr, 2 steps, relative L2 error ")
    assert solution._repr_html_().startswith("<div>") and "error estimate" in solution._repr_html_()
    assert solution.cite().startswith("@software{sapts_pinn,")
