"""Start from an earlier solution on several ranks: all begin with the same network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from sapts_pinn import Dirichlet, Problem, Solution, solve
from sapts_pinn.geometry import Interval
from sapts_pinn.objectives.flat import gather

POINTS = {"points": 96, "condition_points": 16}
CASES: dict[str, dict[str, Any]] = {
    "tr": {"method": "tr"},
    "points": {"method": "sapts-d"},
    "parameters": {"method": "sapts-p"},
    "stages": {"method": "sapts-ip"},
    "own stages": {"method": "sapts-ip", "options": {"pipeline": True}},
    "wider": {"method": "sapts-d", "network": (9, 9, 9)},
    "wider own stages": {"method": "sapts-ip", "network": (9, 9, 9), "options": {"pipeline": True}},
}


def rod(right: float = 0.0) -> Problem:
    """With an end value, so that another one is another ansatz."""
    return Problem(
        Interval(0, 1),
        "u",
        lambda u, x: u.xx + torch.sin(5 * x),
        [Dirichlet("u", 0.0, on="x=0"), Dirichlet("u", right, on="x=1")],
        name="rod",
        scales={"u": 1.0},
    )


def warm(folder: str) -> dict[str, Any]:
    """What a rank has at the end of each case: the start, the values, the parameters, the loss."""
    torch.set_num_threads(1)
    start = Solution.load(folder, rod())
    found = {}
    x = torch.linspace(0, 1, 11, dtype=torch.float64)
    for name, settings in CASES.items():
        solution = solve(rod(), init=start, budget="2 iterations", **POINTS, **settings)
        theta = gather([*solution.model.parameters()])
        found[name] = solution.result["init"], solution.predict(x=x), theta, solution.result["loss"]
    return found


@pytest.mark.parametrize("torchrun", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_all_ranks_start_from_the_same_network(
    run_ranks: Callable[..., list[Any]], tmp_path: Any, torchrun: bool
) -> None:
    earlier = solve(
        rod(), network=(8, 8, 8), budget="60 iterations", method="tr", out=tmp_path / "run", **POINTS
    )
    ranks = run_ranks(warm, 2, str(tmp_path / "run"), timeout=300.0, torchrun=torchrun)
    for name, settings in CASES.items():
        (start, values, theta, loss), (other, its_values, its_theta, its_loss) = (
            rank[name] for rank in ranks
        )
        assert start == other, name
        assert torch.equal(values, its_values) and torch.equal(theta, its_theta) and loss == its_loss, name
        taken = "network" not in settings
        assert start["how"] == ("parameters taken over" if taken else "fitted to its values"), name
        assert start["misfit"] < (1e-6 if taken else 0.02), name
        if taken:
            assert loss <= earlier.result["loss"], name
