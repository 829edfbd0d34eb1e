"""Natural units of a problem: those of a saved network are kept where they name its unknowns and terms."""

from dataclasses import replace

from sapts_pinn import Dirichlet, Problem
from sapts_pinn.geometry import Interval


def test_units_found_earlier():
    problem = Problem(Interval(0, 1), "u", lambda u: u.xx + 1, [Dirichlet("u", 0.0, hard=False)])
    saved = replace(problem.natural, unknowns={"u": 5.0})
    again = problem.with_natural(saved)
    assert again is not problem and again.natural is saved and problem.natural.unknowns["u"] != 5.0
    other = replace(saved, unknowns={"v": 5.0})
    assert problem.with_natural(other) is problem
