"""Which answer of the error equation counts, and how far."""

import pytest
import torch
from torch import Tensor

from sapts_pinn.geometry import Interval
from sapts_pinn.problems import Observations
from wrong_solutions import PI, X, Y, estimated, soft, zero_on

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")


def test_a_missing_condition_is_said() -> None:
    found = estimated(soft(X, lambda u: u.xx + 1, zero_on("x=0")), lambda x: 0.01 * (1 + x))
    assert not found.reliable and "do not determine the solution" in found.words


def test_a_solution_that_is_zero_is_said() -> None:
    line = Interval(-3, 3, name="x")
    found = estimated(soft(line, lambda p, x: p.xx + p + x * p.x, unknowns="p"), lambda x: 1e-7 * x**0)
    assert not found.reliable and "do not determine the solution" in found.words


def test_an_unknown_field_that_was_forced_symmetric_is_seen() -> None:
    x = torch.linspace(0.05, 0.95, 30, dtype=torch.float64)
    data = Observations("u", {"x": x}, x * (1 - x**2))
    problem = soft(X, lambda u, f: u.xx + f, zero_on("x"), data, unknowns=("u", "f"))
    found = estimated(problem, lambda x: 0.375 * (1 - x**2), lambda x: 3 + 0 * x)
    assert not found.reliable or found.relative > 0.3


def test_a_source_that_is_too_small_to_be_resolved_gives_no_low_figure() -> None:
    def source(u, x, y):  # type: ignore[no-untyped-def]
        inside = ((x - 0.23).abs() < 0.05).to(x) * ((y - 0.31).abs() < 0.05).to(x)
        return u.xx + u.yy + 100 * inside

    found = estimated(soft(X * Y, source, zero_on(("x", "y"))), lambda x, y: 0 * x)
    assert found.relative > 0.3


def test_small_waves_of_a_residual_do_not_hide_the_error() -> None:
    """Features see a smooth solution far better than the rough residual of a network."""

    def source(u, x):  # type: ignore[no-untyped-def]
        return u.xx + PI**2 * torch.sin(PI * x)

    def wrong(x: Tensor) -> Tensor:
        rough = torch.cos(300 * x) * torch.cos(PI / 2 * x)
        return torch.cos(PI / 2 * x) * (1 + 1e-4) + 1e-7 * rough

    found = estimated(soft(X, source, zero_on("x")), wrong)
    assert found.reliable and found.relative == pytest.approx(1e-4, rel=0.3)
