"""The reason why compiled code was not used is in the result of a run."""

import json

from torch import nn

from sapts_pinn import Dirichlet, Problem, solve
from sapts_pinn.geometry import Interval
from sapts_pinn.kernels import load


def test_the_result_says_why_a_network_runs_in_pytorch(tmp_path):
    problem = Problem(
        Interval(0, 1, name="x"), "u", lambda u: u.xx + 1, [Dirichlet("u", 0.0)], symmetry=False
    )
    small = {"budget": "2 iterations", "points": 20, "condition_points": 4}
    own = nn.Sequential(nn.Linear(1, 4), nn.Softsign(), nn.Linear(4, 1))
    solve(problem, network=own, out=tmp_path / "own", **small)
    told = json.loads((tmp_path / "own" / "result.json").read_text())["slow_path"]
    assert "does not know layer 1 (Softsign)" in told
    plain = solve(problem, network=(4,), **small)
    assert (plain.result["slow_path"] is None) == (load() is not None)
