"""The audit as a whole, and what a run makes of it."""

import json

import pytest

from audited_models import SMALL, untrained
from sapts_pinn import Solution, solve
from sapts_pinn.audit import audit, audited
from sapts_pinn.geometry import Interval
from sapts_pinn.problems import Dirichlet, Problem
from sapts_pinn.problems.zoo import build

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")


def test_a_solved_problem_passes_in_one_line(tmp_path):
    solution = solve(build("poisson-1d"), network=(12, 12), points=512, budget="150 iterations", out=tmp_path)
    assert solution.result["audit"]["passed"] and solution.result["audit"]["objections"] == []
    line = next(line for line in str(solution).splitlines() if line.startswith("  audit"))
    assert "passed: the residual is" in line
    stored = json.loads((tmp_path / "result.json").read_text())["audit"]
    assert stored == solution.result["audit"] and line in str(Solution.load(tmp_path))


def test_success_is_not_said_when_the_audit_objects(monkeypatch):
    from sapts_pinn.runs.status import Status, StopReason
    from sapts_pinn.training.clock import Clock
    from sapts_pinn.training.trainer import Trainer

    monkeypatch.setattr(Trainer, "_reached", lambda self: StopReason.CONVERGED.status())
    zero = Problem(Interval(0, 1), "u", lambda u: u.xx - u, [Dirichlet("u", 0.0)])
    assert solve(zero, **SMALL).result["status"] == "stopped: no step lowers the loss, but the audit objects"
    smooth = Problem(Interval(0, 1), "u", lambda u: u.x - 1, [Dirichlet("u", 0.0, "x=0")])
    monkeypatch.undo()
    monkeypatch.setattr(
        Clock,
        "_budget_spent",
        lambda self, n: StopReason.CONVERGED.status() if self.used(n) >= 1 else Status(),
    )
    assert solve(smooth, **SMALL).result["status"] == "converged to working precision"


def test_a_run_is_not_lost_because_the_audit_fails(monkeypatch):
    from sapts_pinn.audit import run

    def broken(state):
        raise RuntimeError("nothing works")

    monkeypatch.setattr(run.derivatives, "check", broken)
    result = solve(build("poisson-1d"), **SMALL).result
    assert result["audit"] is None
    assert "the solution could not be audited (RuntimeError: nothing works)" in result["remarks"]
    assert audited(*untrained(build("poisson-1d")))[0] is None


def test_it_is_in_the_report(tmp_path):
    from sapts_pinn.results.report import write_report

    zero = Problem(Interval(0, 1), "u", lambda u: u.xx - u, [Dirichlet("u", 0.0)])
    solve(zero, **SMALL, out=tmp_path / "run")
    assert "<p>Audit: trivial: u = 0 satisfies" in write_report(tmp_path / "run").read_text()


def test_the_audit_says_the_same_again():
    model, sites = untrained(build("burgers"))
    assert audit(model, sites) == audit(model, sites)
