"""Error estimates take over the findings of an audit."""

import math

import pytest
import torch
from torch import Tensor

from sapts_pinn.estimation.error_equation import Estimator, Solved
from sapts_pinn.estimation.error_estimate import CHEAP, estimate_error
from sapts_pinn.estimation.judgement import Verdict
from sapts_pinn.estimation.seen import AMPLIFIED, Seen
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Initial, Neumann, Problem
from sapts_pinn.runs.content import AuditContent
from wrong_solutions import PI, X, estimated, given, soft, unit, zero_on


def falling() -> Problem:
    """u_t = 0.01 u_xx + 20 u (1 - u)(u - 0.3) from at most 0.3, which falls to 0."""
    domain = Interval(-1, 1, name="x") * Time(0, 1)
    start = Initial("u", lambda x: 0.2 + 0.1 * torch.cos(PI * x), hard=False)
    walls = Neumann("u", 0.0, on="x", hard=False)
    return soft(domain, lambda u: u.t - 0.01 * u.xx - 20 * u * (1 - u) * (u - 0.3), walls, start)


@pytest.mark.parametrize("width", [1e-2, 1e-3, 1e-5])
def test_a_jump_to_another_solution_between_the_points_is_no_small_error(width: float) -> None:
    def wrong(x: Tensor, t: Tensor) -> Tensor:
        return 1 - (0.8 - 0.1 * torch.cos(PI * x)) * torch.exp(-unit(t) / width)

    found = estimated(falling(), wrong)
    assert found.relative > 0.3 and not found.reliable and "layer at t=0" in found.words


def content(*objections: tuple[str, str, dict[str, float]], residual: float = 0.0) -> AuditContent:
    found = [{"topic": topic, "words": words, "figures": figures} for topic, words, figures in objections]
    return {"passed": not found, "objections": found, "figures": {"relative_residual": residual}}


def test_what_an_audit_says_is_taken_over() -> None:
    problem = soft(X, lambda u, x: u.xx + PI**2 * torch.sin(PI * x), zero_on("x"))
    model = given(problem, lambda x: torch.sin(PI * unit(x)) * (1 + 1e-5))
    spike = content(("sampling", "a spike somewhere", {"spike": 0.2}), ("condition", "missed", {}))
    found = estimate_error(model, (CHEAP,), audit=spike)[0]
    assert found.relative == pytest.approx(AMPLIFIED * 0.2, rel=0.1) and found.words == "a spike somewhere"
    corner = content(("sampling", "a spike in a corner", {"spike": 50.0}))
    assert estimate_error(model, (CHEAP,), audit=corner)[0].relative == pytest.approx(1.0, rel=0.1)
    passed = estimate_error(model, (CHEAP,), audit=content(residual=0.5))[0]
    assert passed.relative == pytest.approx(1e-5, rel=0.1) and passed.reliable


@pytest.mark.parametrize(
    ("unexplained", "residual", "least"),
    [(0.95, 0.1, 0.19), (0.95, 0.01, 0), (0.4, 0.1, 0), (0.95, 0.0125 * math.sqrt(8), 0.067 / math.sqrt(30))],
)
def test_where_the_equation_for_the_error_says_nothing_it_is_by_the_residual(
    unexplained: float, residual: float, least: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(estimator: Estimator, best: Solved, *_: object) -> Verdict:
        return Verdict(1e-9 * estimator.u.abs(), best.best.field, 5.0, unexplained, 0.0, [])

    monkeypatch.setattr("sapts_pinn.estimation.judgement._answer", answer)
    problem = soft(X, lambda u, x: u.xx + PI**2 * torch.sin(PI * x), zero_on("x"))
    model = given(problem, lambda x: torch.sin(PI * unit(x)))
    found = estimate_error(model, (CHEAP,), audit=content(residual=residual))[0]
    assert found.relative == pytest.approx(least or 5e-9, rel=0.1) and found.reliable == (unexplained < 0.5)


@pytest.mark.parametrize(("curved", "residual"), [(0.1, 0.5), (0.1, 0.1), (1e-12, 0.5)])
def test_terms_that_do_not_balance_make_only_a_linear_estimate_reliable(
    curved: float, residual: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(estimator: Estimator, best: Solved, *_: object) -> Verdict:
        return Verdict(1e-9 * estimator.u.abs(), best.best.field, 1.0, 0.01, curved, [])

    monkeypatch.setattr("sapts_pinn.estimation.judgement._answer", answer)
    problem = soft(X, lambda u, x: u.xx + PI**2 * torch.sin(PI * x), zero_on("x"))
    model = given(problem, lambda x: torch.sin(PI * unit(x)))
    found = estimate_error(model, (CHEAP,), audit=content(residual=residual))[0]
    assert found.reliable == (curved < 0.05 or residual < 0.3)


def test_without_an_audit_the_model_is_looked_at() -> None:
    problem = soft(X, lambda u, x: u.xx + PI**2 * torch.sin(PI * x), zero_on("x"))
    found = Seen.measured(given(problem, lambda x: torch.sin(PI * unit(x)) * 0.9))
    assert found.words == () and not found.broken and found.hidden == 0
    assert math.isclose(found.residual, 0.1, rel_tol=0.02)
