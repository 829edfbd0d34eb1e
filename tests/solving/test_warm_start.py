"""Start of a run from an earlier solution."""

import json
import math
from functools import cache

import pytest
import torch

from sapts_pinn import Coefficient, Dirichlet, Observations, Problem, Solution, solve
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval
from sapts_pinn.problems.zoo import build
from sapts_pinn.solving import warm_start as module
from small_runs import rod

SMALL = {"points": 48, "condition_points": 8, "method": "tr"}
X = torch.linspace(0, 1, 21, dtype=torch.float64)


def wave(u, x):
    return u.xx + torch.sin(5 * x)


@cache
def earlier() -> Solution:
    return solve(rod(wave), network=(8,), budget="60 iterations", **SMALL)


def walled(a, b) -> Problem:
    return Problem(Interval(a, b), "u", wave, [Dirichlet("u", 0.01)])


def state(solution: Solution) -> list[torch.Tensor]:
    return [p.detach().clone() for p in solution.model.parameters()]


@pytest.mark.parametrize(
    ("equation", "given"),
    [
        (wave, {}),
        (wave, {"points": 31, "seed": 4}),
        (lambda u, x: u.xx + 2 * u + torch.sin(5 * x), {}),
        (wave, {"network": (8,), "dtype": torch.float32}),
    ],
    ids=["same", "points", "equation", "precision"],
)
def test_parameters_that_mean_the_same_are_taken_over(equation, given):
    before = state(earlier())
    other = rod(equation, scales={"u": earlier().problem.natural.unknowns["u"]})
    found = solve(other, init=earlier(), budget="1 iteration", **{**SMALL, **given})
    start = found.result["init"]
    assert start["how"] == "parameters taken over" and start["steps"] == 0 and start["misfit"] < 1e-6
    assert all(torch.equal(a, b) for a, b in zip(before, state(earlier()), strict=True)), "the source stays"
    assert "start              solution of rod: parameters taken over" in str(found)


def test_a_run_goes_on_as_if_it_had_not_been_left():
    cold = solve(rod(wave), network=(8,), budget="3 iterations", **SMALL)
    warm = solve(rod(wave), init=earlier(), budget="3 iterations", **SMALL)
    assert warm.result["loss"] <= earlier().result["loss"] < 1e-3 * cold.result["loss"]
    assert warm.config["network"] == [8], "that of the earlier solution, where none is given"


@pytest.mark.parametrize(
    ("build", "given"),
    [
        (lambda: rod(wave), {"network": (6, 6)}),
        (lambda: rod(wave), {"network": (8,), "activation": "sin"}),
        (lambda: rod(wave), {"network": (6, 6), "method": "sapts-ip"}),
        (lambda: walled(0, 1), {}),
        (lambda: walled(0.1, 0.9), {}),
        (lambda: walled(0, 1.5), {}),
    ],
    ids=["widths", "activation", "stages", "condition", "inside", "larger"],
)
def test_another_model_is_fitted_to_values_and_derivatives(build, given):
    problem = build()
    cold = solve(problem, budget="1 iteration", **{"network": (8,), **SMALL, **given})
    warm = solve(problem, init=earlier(), budget="1 iteration", **{**SMALL, **given})
    start = warm.result["init"]
    assert start["how"] == "fitted to its values" and 0 < start["steps"] <= module.STEPS
    assert start["misfit"] < 0.3 and warm.result["seconds"] >= start["seconds"], "its time counts"
    if problem.name == "rod":  # whose solution it is; under other conditions the first step leads away
        far, near = ((s.predict({"x": X}) - earlier().predict({"x": X})).abs().max() for s in (cold, warm))
        assert near < 0.2 * far
    assert f"solution of rod: fitted to its values and derivatives in {start['steps']} steps" in str(warm)


def test_windows_start_from_one_network_and_one_network_from_windows():
    settings = {**SMALL, "network": (8,)}
    one = solve(build("heat"), budget="80 iterations", **settings)
    two = solve(build("heat"), init=one, windows=2, budget="2 iterations", **settings)
    assert two.error() < 3 * one.error() < 1
    back = solve(build("heat"), init=two, budget="1 iteration", **SMALL)
    assert back.result["init"]["how"] == "fitted to its values" and back.error() < 3 * one.error()


def test_coefficients_start_from_the_estimates():
    data = Observations("u", {"x": X}, torch.sin(math.pi * X))

    def problem(positive):
        return Problem(
            Interval(0, 1), "u", lambda u, x, k: k * u.xx + torch.sin(math.pi * x),
            [Dirichlet("u"), data], [Coefficient("k", init=0.5, positive=positive)],
        )  # fmt: skip

    first = solve(problem(False), network=(6,), budget="60 iterations", **SMALL)
    value = first.coefficients["k"]
    second = solve(problem(True), init=first, budget="1 iteration", **SMALL)
    assert abs(value - 0.5) > 0.1 and second.coefficients["k"] == pytest.approx(value, rel=0.1)


def test_a_resumed_run_knows_how_it_started(tmp_path):
    first = solve(rod(wave), init=earlier(), budget="1 iteration", out=tmp_path, **SMALL)
    assert json.loads((tmp_path / "config.json").read_text())["init"] == first.result["init"]
    again = solve(rod(wave), budget="2 iterations", resume=tmp_path)
    assert again.result["init"] == first.result["init"] == again.config["init"]
    with pytest.raises(InputError, match="goes on from where it is: drop init"):
        solve(rod(wave), init=earlier(), budget="3 iterations", resume=tmp_path)


OTHERS = {
    "a solution in the coordinates x, and heat has x, t": lambda: build("heat"),
    "a solution for u, and rod has the unknowns v": lambda: Problem(
        Interval(0, 1), "v", lambda v: v.xx + 1, [Dirichlet("v")], name="rod"
    ),
    "which has no points in common": lambda: walled(2, 3),
}


@pytest.mark.parametrize("sentence", OTHERS)
def test_another_kind_of_solution_is_refused(sentence):
    with pytest.raises(InputError, match=sentence):
        solve(OTHERS[sentence](), init=earlier(), budget="1 iteration", **SMALL)


@pytest.mark.parametrize("given", ["runs/a", 3, torch.nn.Linear(1, 1)])
def test_what_is_no_solution_is_refused(given):
    with pytest.raises(InputError, match="init must be a Solution, as solve returns it"):
        solve(rod(), init=given, **SMALL)


def test_a_solution_that_is_not_finite_is_refused():
    broken = solve(rod(), network=(4,), budget="1 iteration", **SMALL)
    with torch.no_grad():
        next(iter(broken.model.parameters())).fill_(math.nan)
    with pytest.raises(InputError, match="the solution given as init is not finite"):
        solve(rod(), init=broken, budget="1 iteration", **SMALL)
