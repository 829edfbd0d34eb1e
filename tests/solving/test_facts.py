"""Facts of a run that has ended."""

import json

from heat import SHORT, weighted
from sapts_pinn import Dirichlet, Problem, solve
from sapts_pinn.geometry import Interval
from sapts_pinn.problems import Coefficient, Observations
from small_runs import SMALL


def test_weights_are_those_at_the_end_of_the_run():
    found = solve(weighted(), budget="3 iterations", **SHORT)
    assert set(found.result["weights"]) == {term.name for term in found.problem.terms}
    assert found.result["weights"]["equation"] == 1.0
    assert found.result["points"] >= SHORT["points"] and found.result["relative_l2_error"] is None
    assert json.loads(json.dumps(found.result)) == found.result


def test_estimates_of_coefficients_are_facts():
    data = Observations("u", {"x": [0.25, 0.5]}, [0.1, 0.125])
    conditions, unknown = [Dirichlet("u", 0.0), data], [Coefficient("k", 0.5)]
    problem = Problem(Interval(0, 1), "u", lambda u, k: k * u.xx + 1, conditions, unknown, name="rod")
    found = solve(problem, budget="2 iterations", **SMALL).result
    assert set(found["coefficients"]) == {"k"} and found["problem"] == "rod" and found["chosen"]
