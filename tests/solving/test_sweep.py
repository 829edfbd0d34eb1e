"""A sweep over a parameter in processes, whose problem consists of functions written on the spot."""

from __future__ import annotations

import pytest
from joblib import Parallel, delayed

from sapts_pinn import Dirichlet, Problem, solve
from sapts_pinn.geometry import Interval


def middle(load: float) -> float:
    """u(1/2) of u'' + load = 0 with u = 0 at the ends, which is load / 8."""
    problem = Problem(
        domain=Interval(0, 1, name="x"),
        unknowns="u",
        equation=lambda u: u.xx + load,
        conditions=[Dirichlet("u", 0.0)],
    )
    solution = solve(problem, budget="30 iterations", network=(6,), points=32, threads=1)
    return float(solution.predict(x=0.5))


def test_processes_solve_a_sweep() -> None:
    square = lambda load: middle(load**2)
    found = Parallel(n_jobs=2)(delayed(square)(load) for load in (1.0, 2.0))
    assert found == pytest.approx([1 / 8, 4 / 8], rel=1e-3)
