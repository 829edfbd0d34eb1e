"""The error estimate: near the true error of wrong solutions, and not fooled by what the equation cannot see.

Wrong solutions are made directly: a module that gives the function stands in place of the network.
"""

import math

import pytest
import torch
from torch import Generator, Tensor

from sapts_pinn.estimation.error_estimate import CHEAP, estimate_error
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.problems import Dirichlet, Initial, zoo
from sapts_pinn.results.solution import Solution
from sapts_pinn.solving.run import solve
from written_data import hat
from wrong_solutions import PI, T, X, Y, estimated, soft, unit, zero_on

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")


# -- wrong by a known amount ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e-9, 1e-5, 0.1])
def test_the_error_of_a_smooth_solution_is_found(size: float) -> None:
    def source(u, x, y):  # type: ignore[no-untyped-def]
        return u.xx + u.yy + 2 * PI**2 * torch.sin(PI * x) * torch.sin(PI * y)

    def wrong(x: Tensor, y: Tensor) -> Tensor:
        right = torch.cos(PI / 2 * x) * torch.cos(PI / 2 * y)
        return right + size * torch.sin(PI * x) * torch.cos(PI / 2 * y)  # of the same norm, odd in x

    found = estimated(soft(X * Y, source, zero_on(("x", "y"))), wrong)
    assert found.reliable
    assert found.relative == pytest.approx(size / math.sqrt(1 + size**2), rel=0.1)
    assert found.l2["u"] == pytest.approx(0.5 * size, rel=0.15)
    assert found.max["u"] == pytest.approx(size, rel=0.2)


def test_conditions_are_checked_as_they_were_given() -> None:
    problem = soft(X, lambda u: u.xx, Dirichlet("u", 1.0, on="x=1", hard=False), zero_on("x=0"))
    found = estimated(problem, lambda x: 1.1 * unit(x))  # satisfies the equation, misses u(1) = 1 by 0.1
    assert found.relative == pytest.approx(0.1, rel=0.1)


def test_a_value_that_is_missed_by_much_in_a_narrow_place_is_the_largest_error() -> None:
    start = Initial("u", lambda x: torch.sin(PI * x), hard=False)
    problem = soft(X * T, lambda u: u.t - u.xx, zero_on("x"), start)

    def wrong(x: Tensor, t: Tensor) -> Tensor:
        bump = 1e-3 * torch.exp(-(((unit(x) - 0.4) / 0.02) ** 2) - unit(t) / 1e-3)
        return torch.sin(PI * unit(x)) * torch.exp(-(PI**2) * unit(t)) + bump

    assert 0.9e-3 < estimated(problem, wrong).max["u"]


# -- what the equation does not see at points -------------------------------------------------------------


def test_a_frozen_hat_is_seen() -> None:
    start = Initial("u", lambda x: hat(x), hard=False)
    problem = soft(X * Time(0, 0.5), lambda u: u.t - u.xx, zero_on("x"), start)
    found = estimated(problem, lambda x, t: hat(unit(x)))
    assert not found.reliable
    assert "u.xx in the equation does not see" in found.words and "x=0.3" in found.words
    assert found.relative > 0.3


def test_a_frozen_string_is_seen() -> None:
    start = Initial("u", lambda x: hat(x), 0.0, hard=False)
    found = estimated(soft(X * T, lambda u: u.tt - u.xx, zero_on("x"), start), lambda x, t: hat(unit(x)))
    assert not found.reliable and found.relative > 0.3


def test_a_frozen_step_is_seen() -> None:
    start = Initial("u", lambda x: (x < 0.2).to(x), hard=False)
    inflow = Dirichlet("u", 1.0, on="x=0", hard=False)
    problem = soft(X * T, lambda u: u.t + u.x, inflow, start)
    found = estimated(problem, lambda x, t: (unit(x) < 0.2).to(x))
    assert not found.reliable and "u jumps by 1 at x=0.2" in found.words
    assert found.relative > 0.3


def test_a_hat_carried_into_the_square_is_seen() -> None:
    wall = Dirichlet("u", lambda x: hat(x), on="y=0", hard=False)
    problem = soft(X * Y, lambda u: u.xx + u.yy, zero_on(("x", "y=1")), wall)
    found = estimated(problem, lambda x, y: hat(unit(x)) * (1 - unit(y)))
    assert not found.reliable and found.relative > 0.3


def test_derivatives_that_autograd_does_not_know_are_seen() -> None:
    r = Interval(0, 1, name="r")

    def start(r: Tensor) -> Tensor:
        return torch.special.bessel_j0(2.404825557695773 * r.detach())

    conditions = (zero_on("r=1"), Initial("u", start, hard=False))
    problem = soft(r * Time(0, 0.2), lambda u, r: u.t - u.rr - u.r / r, *conditions)
    found = estimated(problem, lambda r, t: start(unit(r)))
    assert not found.reliable and found.relative > 0.3


# -- no answer --------------------------------------------------------------------------------------------


def test_another_equation_is_seen() -> None:
    found = estimated(soft(X, lambda u: u.xx + 5, zero_on("x")), lambda x: 0.33 * (1 - x**2))
    assert found.relative == pytest.approx(1 - 0.33 / 0.625, rel=0.05)


# -- in solutions -----------------------------------------------------------------------------------------


def test_a_run_reports_its_estimate(tmp_path) -> None:  # type: ignore[no-untyped-def]
    solution = solve(
        zoo.build("poisson-2d"), budget="40 iterations", points=200, network=(16, 16), out=tmp_path / "run"
    )
    true = solution.result["relative_l2_error"]
    assert true / 3 < solution.error_estimate.relative < 10 * true
    assert "error estimate" in str(solution)
    again = Solution.load(tmp_path / "run")
    assert again.error_estimate == solution.error_estimate
    x, y = torch.rand(2, 50, generator=Generator().manual_seed(0), dtype=torch.float64)
    exact = torch.sin(PI * x) * torch.sin(PI * y)
    off = exact - solution.predict({"x": x, "y": y})
    assert (off - again.error_field({"x": x, "y": y})).norm() < 0.5 * off.norm()


def test_a_failing_estimate_does_not_lose_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("sapts_pinn.results.solution.estimate_error", fails)
    solution = solve(zoo.build("poisson-1d"), budget="3 iterations", points=50)
    assert solution.result["error_estimate"] is None
    assert any("out of luck" in remark for remark in solution.result["remarks"])


def test_an_estimate_is_the_same_again() -> None:
    problem = zoo.build("heat")
    model = Model(problem, network_of(problem, (8,), Generator().manual_seed(0), torch.float64))
    first, second = (estimate_error(model, (CHEAP,))[0] for _ in range(2))
    assert first.relative == second.relative and first.l2 == second.l2


def test_at_rounding_the_tangent_space_is_not_looked_at(monkeypatch):
    """It costs a dense matrix, and finds nothing in a residual that is rounding."""
    from sapts_pinn import solve
    from sapts_pinn.estimation import error_estimate
    from sapts_pinn.problems import build

    monkeypatch.setattr(error_estimate, "tangent_error", lambda *given: pytest.fail("it was looked at"))
    found = solve(build("poisson-1d"), method="features", budget="1000 iterations", progress=False)
    assert found.error_estimate.relative < 1e-13
