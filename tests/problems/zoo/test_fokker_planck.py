"""The density in a double well: the reference satisfies the equation and has mass one."""

import numpy as np

from known_solutions import Sampled
from sapts_pinn import solve
from sapts_pinn.problems.zoo.fokker_planck import fokker_planck


def test_equation_and_mass():
    problem = fokker_planck()
    p = Sampled(problem)
    x = p.points[:, 0]
    written = p("p", "x", "x") + 16 * (x**3 - x) * p("p", "x") + 16 * (3 * x**2 - 1) * p("p")
    p.check(written, p("p", "x", "x"), 1e-6)
    at = np.linspace(-2, 2, 4001)
    values = problem.reference.evaluate({"x": at})["p"]
    assert abs(np.trapezoid(values, at) - 1) < 1e-12  # spectrally accurate: it vanishes at the ends


def test_defaults_solve_it():
    found = solve(fokker_planck(), method="features", budget="8 iterations")
    assert found.result["relative_l2_error"] < 1e-5
