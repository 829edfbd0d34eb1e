"""Quantities of a solution: from the problem to result.json and the summary; expressions of a solution."""

import json

import numpy as np
import pytest
import torch

from sapts_pinn import Dirichlet, Problem, Quantity
from sapts_pinn.geometry import Interval
from sapts_pinn.results.solution import Solution
from sapts_pinn.solving.run import solve

SETTINGS = {"budget": "20 iterations", "network": (5,), "points": 16}


def problem(**quantities):
    return Problem(
        Interval(0, 1), "u", lambda u: u.xx + 2, [Dirichlet("u", 0.0)], quantities=quantities, name="parabola"
    )


def slope(solution):
    return solution.evaluate(lambda u, x: u.x + 0 * x, {"x": 0.0})


def test_from_problem_to_folder(tmp_path):
    tried = problem(
        flux=Quantity(slope, 1.0, "theory"),
        plain=Quantity(lambda s: 2.5),
        zero=Quantity(lambda s: slope(s) - slope(s), 0.0),
    )
    solution = solve(tried, out=tmp_path / "run", **SETTINGS)
    flux = float(slope(solution))
    stored = json.loads((tmp_path / "run" / "result.json").read_text())["quantities"]
    assert stored == solution.quantities
    assert stored["flux"] == {"value": flux, "reference": 1.0, "relative_error": abs(flux - 1)}
    assert stored["plain"] == {"value": 2.5, "reference": None, "relative_error": None}
    assert stored["zero"] == {"value": 0.0, "reference": 0.0, "relative_error": None}
    text = str(solution)
    assert f"{flux:.8g}   (theory: 1, relative error {abs(flux - 1):.1e})" in text
    assert "plain              2.5\n" in text
    again = Solution.load(tmp_path / "run", tried)
    assert again.quantities == stored


def test_a_problem_without_quantities_has_none_in_its_result():
    assert "quantities" not in solve(problem(), **SETTINGS).result


@pytest.mark.parametrize(
    ("quantity", "message"),
    [
        (lambda: Quantity(1.0), "needs a function of the solution, not 1.0"),
        (lambda: Quantity(slope, value=float("nan")), "must be a finite number or None, not nan"),
        (lambda: 3.0, "quantities: 'q' is 3.0; write Quantity"),
        (lambda: Quantity(lambda s: None), "the quantity 'q' returned NoneType; return one number"),
        (lambda: Quantity(lambda s: np.zeros(3)), "the quantity 'q' returned ndarray; return one number"),
        (lambda: Quantity(lambda s: s.drag), "the quantity 'q' failed with AttributeError"),
        (lambda: Quantity(lambda s: s.evaluate(lambda w: w, {"x": 0.0})), "the expression asks for 'w'"),
    ],
)
def test_one_sentence_before_any_training(quantity, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        solve(problem(q=quantity()), out=tmp_path / "run", **SETTINGS)
    assert not (tmp_path / "run").exists()


def test_evaluate():
    solution = solve(problem(), **SETTINGS)
    x = np.linspace(0.1, 0.9, 6).reshape(2, 3)
    residual, product = solution.evaluate(lambda u, x: (u.xx + 2, x * u * u.x), {"x": x})
    np.testing.assert_allclose(residual, solution.residual({"x": x}), atol=1e-14)
    np.testing.assert_allclose(product, x * solution.predict({"x": x}) * solution.derivative({"x": x}, "x"))
    found = solution.evaluate(lambda u: u.x, {"x": torch.tensor([0.5])})
    assert isinstance(found, torch.Tensor) and found.shape == (1,)
    with pytest.raises(ValueError, match=r"asks for u.t"):
        solution.evaluate(lambda u: u.t, {"x": x})
