"""Summary of a run."""

from sapts_pinn import Dirichlet, Problem, solve
from sapts_pinn.geometry import Interval
from sapts_pinn.results.summary import summary, title_line


def test_a_summary_tells_error_estimate_audit_and_work():
    problem = Problem(
        Interval(0, 1), "u", lambda u: u.xx + 1, [Dirichlet("u", 0.0)], reference=lambda x: x * (1 - x) / 2
    )
    solution = solve(problem, budget="5 iterations", network=(4,), points=64)
    lines = summary(solution.problem, solution.result)
    assert str(solution) == "\n".join(lines)
    for words in ("relative L2 error", "error estimate", "audit", "limited by", "work", "network"):
        assert sum(line.startswith(f"  {words}") for line in lines) == 1, words
    assert f"{solution.result['relative_l2_error']:.3e}" in "\n".join(lines) and "given function" in str(
        solution
    )


def test_a_title_is_short_whatever_is_known():
    known = {"problem": "heat", "method": "tr", "iterations": 20, "loss": 1e-3, "relative_l2_error": 0.02}
    assert title_line(known) == "heat, tr, 20 steps, relative L2 error 2.0e-02"
    assert title_line({**known, "relative_l2_error": None}) == "heat, tr, 20 steps, loss 1.0e-03"
    assert title_line({**known, "relative_l2_error": None, "loss": None}) == "heat, tr, 20 steps"
