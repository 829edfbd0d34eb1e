"""A run in stages goes on with another number of ranks, as if it had had them from the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sapts_pinn import solve
from sapts_pinn.parallel.communicator import Communicator, SingleProcess
from sapts_pinn.parallel.torchrun import connect
from sapts_pinn.problems import build

CURVATURES = ("ssbroyden", "lbfgs")
EACH = 5  # steps of a session
SESSIONS = (1, 2, 4, 1)  # ranks


def first(curvature: str) -> dict[str, Any]:
    """Settings of the first session, which later ones keep."""
    return {"parts": 4, "options": {"curvature": curvature}}


def session(number: int, curvature: str, folder: str, ranks: Communicator) -> list[float]:
    """Run one session, and return the losses of all steps so far."""
    if number:
        return run(ranks, number + 1, resume=folder)
    return run(ranks, 1, out=folder, **first(curvature))


def run(ranks: Communicator, sessions: int, **more: Any) -> list[float]:
    """A run of so many sessions in all."""
    torch.set_num_threads(1)
    solution = solve(
        build("burgers"),
        method="sapts-ip",
        network=(6, 6, 6),
        points=60,
        resample=0,
        budget=f"{EACH * sessions} iterations",
        communicator=ranks,
        **more,
    )
    assert solution.result["parts"] == 4
    return [row["loss"] for row in solution.history]


def each(number: int, folder: str) -> dict[str, list[float]]:
    """In a rank: the session of this number of each run."""
    ranks = connect()
    return {name: session(number, name, f"{folder}/{name}", ranks) for name in CURVATURES}


@pytest.mark.slow
def test_ranks_one_two_four_and_one_again(run_ranks: Callable[..., list[Any]], tmp_path: Path) -> None:
    alone = SingleProcess()
    found: dict[str, list[float]] = {}
    for number, size in enumerate(SESSIONS):
        if size == 1:
            found = {name: session(number, name, f"{tmp_path}/{name}", alone) for name in CURVATURES}
        else:
            found, *others = run_ranks(each, size, number, str(tmp_path), timeout=200.0)
            assert all(other == found for other in others)
    for name in CURVATURES:
        expected = run(alone, len(SESSIONS), out=str(tmp_path / f"whole-{name}"), **first(name))
        assert found[name] == pytest.approx(expected, rel=1e-7), name
        assert expected[-1] < 0.9 * expected[0]


def uneven(folder: str) -> tuple[int, list[float]]:
    """In a rank: a run of three stages goes on with one for each of two ranks."""
    solution = solve(
        build("burgers"), network=(6, 6, 6), points=60, budget="6 iterations", communicator=connect(),
        method="sapts-ip", resume=folder,
    )  # fmt: skip
    return solution.result["parts"], [row["loss"] for row in solution.history]


def test_stages_that_ranks_cannot_share_evenly_become_one_each(
    run_ranks: Callable[..., list[Any]], tmp_path: Path
) -> None:
    more: dict[str, Any] = {"network": (6, 6, 6), "points": 60, "budget": "3 iterations"}
    solve(build("burgers"), method="sapts-ip", parts=3, out=tmp_path, **more)
    low, high = run_ranks(uneven, 2, str(tmp_path))
    assert low == high and low[0] == 2
    assert len(low[1]) == 6 and low[1][-1] < low[1][0]
