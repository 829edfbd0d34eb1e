"""Stages of a small network under real ranks: every rank holds the network, and they share the points."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sapts_pinn import solve
from sapts_pinn.errors import InputError
from sapts_pinn.parallel.communicator import Communicator, SingleProcess
from sapts_pinn.parallel.torchrun import connect
from sapts_pinn.problems import build
from sapts_pinn.solving import making

STEPS = 12
SWEEPS = {"adaptive": False, "local_steps": 3}  # a sweep at every step


def run(ranks: Communicator, steps: int = STEPS, **more: Any) -> dict[str, Any]:
    """A run with two stages: losses by step, sweeps taken, and what ranks have held and sent."""
    solution = solve(
        build("klein-gordon"), method="sapts-ip", parts=2, network=(6, 6, 6), points=60, resample=0,
        budget=f"{steps} iterations", communicator=ranks, **more,
    )  # fmt: skip
    result = solution.result
    return {
        "losses": [row["loss"] for row in solution.history],
        "swept": sum(row["local_steps"] > 0 for row in solution.history),
        "bytes": result["bytes_sent"],
        "held": result["parameter_bytes"],
        "estimate": result["error_estimate"]["relative"],
    }


def in_ranks(folder: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """In a rank: a run, one in two sessions, and one whose stages are divided."""
    ranks = connect()
    whole = run(ranks, options=SWEEPS)
    run(ranks, STEPS // 2, options=SWEEPS, out=folder)
    halves = run(ranks, resume=folder)
    return whole, halves, run(ranks, options={**SWEEPS, "pipeline": True})


def test_ranks_take_the_steps_of_one_process_and_go_on(
    run_ranks: Callable[..., list[Any]], tmp_path: Path
) -> None:
    low, high = run_ranks(in_ranks, 2, str(tmp_path / "two"), timeout=200.0)
    for (whole, halves, divided), other in zip([low, high], [high, low], strict=True):
        assert whole["losses"] == other[0]["losses"]
        assert halves["losses"] == whole["losses"]
        assert whole["held"]["largest_rank"] == whole["held"]["all"] == divided["held"]["all"]
        assert divided["held"]["largest_rank"] < divided["held"]["all"]
        assert 3 * whole["bytes"] < divided["bytes"]
    alone = run(SingleProcess(), options=SWEEPS)
    assert alone["swept"] >= STEPS // 2
    assert low[0]["losses"] == pytest.approx(alone["losses"], rel=1e-9)
    assert not (tmp_path / "two" / "checkpoint-1.pt").exists()
    later = run(SingleProcess(), 2 * STEPS, resume=tmp_path / "two")
    assert later["losses"][:STEPS] == low[0]["losses"] and later["losses"][-1] < later["losses"][STEPS]


@pytest.mark.parametrize(
    ("network", "ranks", "options", "pipeline"),
    [
        ((30, 30, 30), 2, {}, False),
        ((30, 30, 30), 2, {"pipeline": True}, True),
        ((30, 30, 30), 1, {}, True),
        ((300, 300, 300), 2, {}, True),
        (lambda inputs, outputs: None, 2, {}, True),
    ],
)
def test_large_networks_are_divided(
    network: Any, ranks: int, options: dict[str, object], pipeline: bool
) -> None:
    settings = making.RunSettings(method="sapts-ip", network=network, options=options)
    found = making.with_pipeline(build("burgers"), settings, ranks)
    assert making.is_pipeline(found) is pipeline


def test_the_choice_is_one_of_stages_only() -> None:
    with pytest.raises(InputError, match="pipeline"):
        solve(build("burgers"), method="sapts-p", options={"pipeline": False}, budget="1 iterations")
