"""Errors near places where prescribed values jump: exact solutions of the equation that come too late."""

import math

import pytest
import torch
from torch import Tensor

from sapts_pinn.audit import jumps
from sapts_pinn.audit.run import audit
from sapts_pinn.audit.state import State
from sapts_pinn.estimation.error_estimate import estimate_error
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Dirichlet, Initial, Problem
from sapts_pinn.solving.run import solve
from wrong_solutions import estimated, given, soft, unit, zero_on

RATE = 0.1


def warmed(x: Tensor, t: Tensor) -> Tensor:
    """Heat between walls at 1 that starts at 0, by images (Carslaw and Jaeger, 1959, section 12.5)."""
    width = 2 * torch.sqrt(RATE * t).clamp_min(1e-300)
    terms = [(-1) ** k * (torch.erfc((k + x) / width) + torch.erfc((k + 1 - x) / width)) for k in range(12)]
    return torch.stack(terms).sum(0)


def heat() -> Problem:
    walls = Dirichlet("u", 1.0, on="x", hard=False)
    domain = Interval(0, 1, name="x") * Time(0, 1)
    with pytest.warns(UserWarning, match="contradictory"):
        return soft(domain, lambda u: u.t - RATE * u.xx, walls, Initial("u", 0.0, hard=False))


def late(problem: Problem, by: float):  # type: ignore[no-untyped-def]
    """The solution of a start that was earlier, and its relative L2 error."""

    def function(x: Tensor, t: Tensor) -> Tensor:
        return warmed(unit(x), unit(t) + by)

    # Points that are dense where x and t are small; the solution is even about x = 1/2.
    x, t = (10 ** (-8 * torch.rand(200_000, dtype=torch.float64)) for _ in range(2))
    x = x / 2
    true, wrong = warmed(x, t), warmed(x, t + by)
    weight = x * t
    return function, float(((weight * (wrong - true) ** 2).sum() / (weight * true**2).sum()).sqrt())


@pytest.mark.parametrize("by", [1e-2, 1e-3, 1e-4])
def test_a_solution_that_smooths_the_jump_is_told_about_right(by: float) -> None:
    problem = heat()
    function, error = late(problem, by)
    assert 1 / 3 < estimated(problem, function).relative / error < 10


def test_the_residual_of_the_jump_is_no_spike_between_points() -> None:
    """A network of the usual kind, trained briefly: its error sits at the jump."""
    with pytest.warns(UserWarning, match="contradictory"):
        problem = Problem(
            Interval(0, 1, name="x") * Time(0, 1),
            "u",
            lambda u: u.t - RATE * u.xx,
            [Dirichlet("u", 1.0, on="x"), Initial("u", 0.0)],
            reference=warmed,
        )
    found = solve(problem, budget="150 evaluations", points=1024, method="tr", seed=0).result
    assert found["error_estimate"] is not None and found["audit"] is not None
    assert not {f["topic"] for f in found["audit"]["objections"]} & {"sampling", "layer"}
    ratio = found["error_estimate"]["relative"] / found["relative_l2_error"]
    assert 1 / 3 < ratio < 30
    assert found["audit"]["figures"]["around_jumps"] > 0
    assert found["error_estimate"]["max"]["u"] >= 0.5  # a continuous function misses 0 or 1 by that


def test_a_wrong_solution_is_told_in_spite_of_the_jump() -> None:
    """Frozen at the start but for a thin layer at the walls."""
    problem = heat()
    layer = estimated(problem, lambda x, t: torch.exp(-(1 - x.abs()) / 1e-3))
    assert layer.relative > 0.3
    frozen = estimated(problem, lambda x, t: 0 * x)
    assert frozen.relative > 0.3


def test_without_jumps_there_is_no_such_figure() -> None:
    problem = soft(
        Interval(0, 1, name="x") * Time(0, 1),
        lambda u: u.t - RATE * u.xx,
        zero_on("x"),
        Initial("u", lambda x: torch.sin(math.pi * x), hard=False),
    )
    model = given(problem, lambda x, t: torch.cos(math.pi * x / 2))
    sites = {t.name: t.sites(200, torch.Generator().manual_seed(0), "uniform") for t in problem.terms}
    assert "around_jumps" not in audit(model, sites).figures
    assert estimate_error(model)[0].reliable


def test_a_residual_beyond_terms_that_cancel_at_the_jump_is_not_taken_for_one_of_the_jump() -> None:
    """The exact solution with a bump beside the jump, and a solution that smooths the jump."""

    def bumped(x: Tensor, t: Tensor) -> Tensor:
        near = (1 - x.abs()) / 2 + unit(t)  # 0 at the jump
        return warmed(unit(x), unit(t)) + 1e-4 * (near / 0.01) ** 4 * torch.exp(-4 * near / 0.01)

    problem = heat()
    exact = jumps.check(State(given(problem, bumped)))["around_jumps"]
    smooth = jumps.check(State(given(problem, late(problem, 1e-4)[0])))["around_jumps"]
    assert exact < 1e-4
    assert smooth > 1e-3
