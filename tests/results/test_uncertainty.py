"""Standard errors: against closed forms of linear least squares, and against the spread of repeated data."""

import json
import math

import numpy as np
import pytest
import torch

from sapts_pinn import Coefficient, Dirichlet, Observations, Problem, Solution, Unknown, solve
from sapts_pinn.geometry import Interval
from sapts_pinn.problems.zoo import build
from sapts_pinn.problems.zoo.inverse import source_inverse
from sapts_pinn.results.uncertainty import estimate

RNG = np.random.default_rng(3)
X = RNG.uniform(0, 2, 30)
Y = 0.7 + 0.3 * X + 0.05 * RNG.standard_normal(30)
EACH = RNG.uniform(0.02, 0.1, 30)


SLOPE = Coefficient("c", 1.0)


def line(equation=lambda u, c: u.x - c, coefficients=(SLOPE,), **observed):
    """A straight line of slope c: the network is one affine layer, so that all is linear."""
    return Problem(
        domain=Interval(0, 2),
        unknowns="u",
        equation=equation,
        conditions=[Observations("u", {"x": X}, Y, **observed)],
        coefficients=coefficients,
        name="line",
    )


def fit(problem, **options):
    return solve(problem, network=(), points=16, budget="60 iterations", **options)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("noise", [None, 0.05, EACH], ids=["unknown", "common", "each"])
def test_the_slope_of_a_line_is_that_of_weighted_least_squares(noise, positive):
    sigma = np.ones(30) if noise is None else noise * np.ones(30)
    design = np.stack([np.ones(30), X], 1) / sigma[:, None]
    best, rss = np.linalg.lstsq(design, Y / sigma, rcond=None)[:2]
    variance = rss[0] / 28 if noise is None else 1.0
    exact = math.sqrt(variance * np.linalg.inv(design.T @ design)[1, 1])
    solution = fit(line(noise=noise, coefficients=[Coefficient("c", 1.0, positive=positive)]))
    assert solution.coefficients["c"] == pytest.approx(best[1], rel=1e-6)
    assert solution.standard_errors["c"] == pytest.approx(exact, rel=1e-6)
    assert solution.result["remarks"] == []
    # and the band around the line
    at = np.array([0.0, 1.0, 2.0])
    rows = np.stack([np.ones(3), at], 1)
    band = np.sqrt(variance * np.einsum("ij,jk,ik->i", rows, np.linalg.inv(design.T @ design), rows))
    np.testing.assert_allclose(solution.standard_error({"x": at}), band, rtol=1e-6)


def test_sets_of_observations_count_by_their_information():
    """Two sets of different noise are one set with the noise of each."""
    first, second = slice(0, 10), slice(10, 30)
    problem = line(noise=0.1)
    sets = [Observations("u", {"x": X[s]}, Y[s], noise=n) for s, n in ((first, 0.1), (second, 0.02))]
    whole = Observations("u", {"x": X}, Y, noise=np.r_[np.full(10, 0.1), np.full(20, 0.02)])
    found = []
    for conditions in (sets, [whole]):
        solution = fit(Problem(problem.domain, "u", problem.equation, conditions, problem.coefficients))
        found.append([solution.coefficients["c"], solution.standard_errors["c"]])
    np.testing.assert_allclose(*found, rtol=1e-6)


@pytest.mark.parametrize("weight", [0.1, 30.0])
def test_the_weight_of_the_equation_is_that_of_a_penalty(weight):
    """A direct measurement of c contradicts the slope; the estimate lies between, by the weights.

    Its spread, for a linear estimate, is that of the weights applied to the noise of the data.
    """
    n, s, s_c = 30, 0.05, 0.01
    direct = Observations(lambda u, c: c, {"x": [1.0]}, [0.4], noise=s_c, weight=weight)
    problem = Problem(
        Interval(0, 2),
        "u",
        lambda u, c: u.x - c,
        [Observations("u", {"x": X}, Y, noise=s, weight=weight), direct],
        [Coefficient("c", 1.0)],
    )
    solution = fit(problem)
    # in a + b x and c: the equation, the values, the measurement, each in its natural unit
    rows = np.array([[0, 1, -1.0], *([[1, x, 0.0] for x in X]), [0, 0, 1.0]])
    (r_e,), (r_u,), (r_c,) = (term.units for term in problem.terms)
    weights = np.array([1 / r_e, *[np.sqrt(weight / n) / r_u] * n, np.sqrt(weight) / r_c])
    rows *= weights[:, None]
    right = weights * np.array([0, *Y, 0.4])
    pseudo = np.linalg.pinv(rows)
    assert solution.coefficients["c"] == pytest.approx((pseudo @ right)[2], rel=1e-6)
    scaled = weights * np.array([0, *[s] * n, s_c])
    spread = math.sqrt(((pseudo[2] * scaled) ** 2).sum())
    assert solution.standard_errors["c"] == pytest.approx(spread, rel=1e-6)


def test_what_the_data_do_not_determine_is_said():
    product = fit(line(lambda u, a, b: u.x - a * b, [Coefficient("a"), Coefficient("b")], noise=0.05))
    assert all(math.isinf(e) for e in product.standard_errors.values())
    assert "a is not determined by the data: other values fit them as well" in str(product)
    assert product.result["standard_errors"] == {"a": None, "b": None}
    json.dumps(product.result, allow_nan=False)
    other = fit(line(lambda u, a, b: u.x - a - 0 * b, [Coefficient("a"), Coefficient("b")], noise=0.05))
    assert math.isinf(other.standard_errors["b"])
    alone = fit(line(noise=0.05)).standard_errors["c"]
    assert other.standard_errors["a"] == pytest.approx(alone, rel=1e-6)
    vague = fit(line(noise=50.0))
    assert "c is not determined by the data: its standard error is larger" in str(vague)


def test_a_run_that_ended_too_early_is_told():
    early = solve(line(noise=1e-4), network=(), points=16, budget="3 iterations")
    assert "c has not settled: a Gauss-Newton step would still move it by" in str(early)


def test_the_result_is_told_and_read_again(tmp_path):
    problem = line(noise=0.05)
    solution = fit(problem, out=tmp_path / "run")
    error = solution.standard_errors["c"]
    assert f"+- {error:.1e}" in str(solution)
    assert json.loads((tmp_path / "run" / "result.json").read_text())["standard_errors"] == {"c": error}
    loaded = Solution.load(tmp_path / "run", problem)
    assert loaded.standard_errors == {"c": error} and str(loaded) == str(solution)
    with pytest.raises(ValueError, match=r"^line has no standard errors of its unknowns: they need"):
        loaded.standard_error({"x": 0.0})
    solution.save(tmp_path / "saved")
    assert Solution.load(tmp_path / "saved", problem).standard_errors == {"c": error}


def test_numbers_are_written_to_the_digits_they_have():
    assert estimate(3.18309e-3, 2.1e-6) == "3.1831e-03 +- 2.1e-06"
    assert estimate(-12.3456, 0.5) == "-1.235e+01 +- 5.0e-01"
    assert estimate(1.0, 3.0) == "1.0e+00 +- 3.0e+00"
    assert estimate(2.5, None) == "2.5" and estimate(2.5, math.inf) == "2.5 +- inf"


def decay(seed, equation=lambda u, k: u.t + k * u):
    """u' = -k u from 1, with k = 1.5; 40 values with noise 0.02."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 2, 40)
    return Problem(
        domain=Interval(0, 2),
        unknowns="u",
        equation=lambda u, k: u.x + k * u,
        conditions=[
            Dirichlet("u", 1.0, on="x=0"),
            Observations("u", {"x": x}, np.exp(-1.5 * x) + 0.02 * rng.standard_normal(40), noise=0.02),
        ],
        coefficients=[Coefficient("k", init=1.0, positive=True)],
    )


@pytest.mark.slow
def test_the_standard_error_covers_the_truth():
    """100 repetitions of the noise: about 68 of the estimates within one standard error, 95 within two."""
    deviations = []
    for seed in range(100):
        solution = solve(decay(seed), network=(8,), points=64, budget="250 iterations")
        deviations.append((solution.coefficients["k"] - 1.5) / solution.standard_errors["k"])
    within = [np.mean(np.abs(deviations) < width) for width in (1, 2)]
    print(f"within one and two standard errors: {within}, mean {np.mean(deviations):.2f}")
    assert 0.54 <= within[0] <= 0.82 and within[1] >= 0.88  # three standard deviations of a count
    assert abs(np.mean(deviations)) < 0.3


def test_a_band_is_asked_of_fields_too():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, 40)
    problem = Problem(
        Interval(0, 1),
        ("u", Unknown("k", positive=True)),
        lambda u, k: k * u.x - 1,
        [Dirichlet("u", 0.0, on="x=0"), Observations("u", {"x": x}, x + 0.01 * rng.standard_normal(40))],
    )
    solution = solve(problem, network=(5,), points=32, budget="60 iterations")
    band = solution.standard_error({"x": torch.linspace(0, 1, 5)})
    assert set(band) == {"u", "k"} and band["k"].shape == (5,) and (band["k"] > 0).all()
    assert band["u"][0] == 0 < band["u"][1]  # u(0) is known
    assert 0.003 < solution.result["noise"]["40 observations of u"] < 0.03


# -- without noise -------------------------------------------------------------------------------------------


def test_noise_does_not_move_a_steep_solution_at_will_between_the_points() -> None:
    problem = build("burgers-inverse-noise-1")
    found = solve(problem, budget="40 iterations", points=256, network=(20, 20, 20))
    points = problem.domain.interior(2000, torch.Generator().manual_seed(1), "sobol")
    assert found.uncertainty is not None
    spread = found.uncertainty.of("u", points)
    noise = found.uncertainty.noise["2000 observations of u"]
    assert 1e-3 * noise < float(spread.median()) < noise
    assert float(spread.max()) < 10 * noise


@pytest.mark.slow
def test_a_source_lies_inside_its_band_at_most_points():
    """Eight draws of the noise; a mean over them of 95 % is meant, and each is correlated along the line."""
    at = {"x": np.linspace(0, 1, 101)}
    inside = []
    for seed in range(8):
        problem = source_inverse(seed=seed)
        found = solve(problem, method="tr", network=(20, 20), points=256, budget="150 iterations", seed=seed)
        error = np.abs(found.predict(at)["s"] - problem.reference.evaluate(at)["s"])
        band = np.asarray(found.standard_error(at)["s"])
        inside.append(np.mean(error <= 2 * band))
        assert band.max() < 5  # a quarter of the largest source: a band that says something
    print(f"inside two standard errors: {inside}")
    assert 0.88 <= np.mean(inside) <= 1
