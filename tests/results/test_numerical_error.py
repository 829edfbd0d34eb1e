"""The numerical error of coefficients."""

import math

import pytest

from sapts_pinn import Coefficient, Dirichlet, Observations, Problem, solve
from sapts_pinn.geometry import Interval


def eigenvalue(observed=True, guess=15.0):
    """The first eigenvalue of the square, 2 pi^2, with u = 1 in the middle."""
    middle = Observations("u", {"x": [0.5], "y": [0.5]}, [1.0])
    return Problem(
        Interval(0, 1, name="x") * Interval(0, 1, name="y"),
        "u",
        lambda u, lam: u.xx + u.yy + lam * u,
        [Dirichlet("u", 0.0), *([middle] if observed else [])],
        [Coefficient("lam", init=guess)],
        name="square",
    )


@pytest.mark.parametrize("steps", [60, 200])
def test_an_eigenvalue_is_given_to_the_digits_that_are_known(steps):
    solution = solve(eigenvalue(), network=(8, 8), points=400, budget=f"{steps} iterations")
    line = next(line for line in str(solution).splitlines() if line.startswith("  lam "))
    value, _, error = line.split()[1:]
    off = abs(float(value) - 2 * math.pi**2)
    assert off <= float(error) < 100 * off, line
    assert solution.standard_errors["lam"] < 1e-3 * float(error), "noise is not what limits it"
    result = solution.result
    assert result["numerical_errors"]["lam"] == pytest.approx(float(error), rel=0.05)
    digits = len(value.partition("e")[0].replace(".", ""))
    assert 10.0 ** (2 - digits) > 0.1 * float(error) / float(value), "no more digits than the error leaves"


def decay_without_data(equation, conditions):
    return Problem(Interval(0, 1), "u", equation, conditions, [Coefficient("k", init=0.3)], name="decay")


def test_a_coefficient_without_data_has_a_numerical_error_only():
    """u' = -k u from 1 to 1/e: both ends are given, which fixes k = 1."""
    problem = decay_without_data(
        lambda u, k: u.x + k * u, [Dirichlet("u", 1.0, "x=0"), Dirichlet("u", math.exp(-1), "x=1")]
    )
    solution = solve(problem, network=(6,), points=64, budget="40 iterations")
    assert solution.standard_errors == {}
    off = abs(solution.coefficients["k"] - 1)
    assert off <= solution.estimate_errors["k"] < 100 * max(off, 1e-13)
    assert f"+- {solution.estimate_errors['k']:.1e}" in str(solution)
    assert f"± {solution.estimate_errors['k']:.1e}" in solution.coefficient_texts["k"]


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_a_coefficient_that_nothing_determines_has_an_infinite_error():
    problem = decay_without_data(lambda u, k: u.x - k, [Dirichlet("u", 0.0, "x=0")])
    solution = solve(problem, network=(), points=16, budget="40 iterations")
    assert solution.estimate_errors["k"] == math.inf and "+- inf" in str(solution)
