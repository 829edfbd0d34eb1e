"""Ranks weigh the terms of the loss alike, whatever each of them measures."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from heat import weighted
from sapts_pinn import solve
from sapts_pinn.parallel.communicator import Communicator
from sapts_pinn.parallel.torchrun import connect
from sapts_pinn.pipeline.sharded_model import ShardedModel
from sapts_pinn.training import balancing

FIRST = 10  # steps until the weights are set again
STEPS = FIRST + 4
METHODS = "tr", "sapts-d", "sapts-ip"


def run(method: str, ranks: Communicator | None, steps: int = STEPS) -> tuple[list[dict[str, float]], float]:
    """The weights in every row of the history, and the loss."""
    settings: dict[str, Any] = {"network": (6, 6), "points": 96, "condition_points": 16}
    if method.startswith("sapts"):
        settings["parts"] = 2
    found = solve(weighted(), method=method, budget=f"{steps} iterations", communicator=ranks, **settings)
    rows = [{k: v for k, v in row.items() if k.startswith("weight_")} for row in found.history]
    return rows, found.result["loss"]


def train() -> dict[str, Any]:
    ranks = connect()
    balancing.FIRST, balancing.CHANGE = FIRST, 1.01
    measure = balancing.typical_rate

    def own(model: Any, *arguments: Any) -> float:
        """Other processors round otherwise; here by more than two digits hide."""
        power = 1.0 if isinstance(model, ShardedModel) else 1.0 + 0.3 * ranks.rank
        return measure(model, *arguments) ** power

    balancing.typical_rate = own  # type: ignore[assignment]
    return {method: run(method, ranks) for method in METHODS}


def test_all_ranks_have_the_weights_of_rank_0(run_ranks: Callable[..., list[Any]]) -> None:
    first, second = run_ranks(train, 2, timeout=200.0)
    assert first == second
    for method, (rows, loss) in first.items():
        assert rows[0] != rows[-1], f"{method}: no weight has changed"
        assert 0 < loss < math.inf
        alone, _ = run(method, None, steps=2)
        assert rows[0] == alone[0], method
