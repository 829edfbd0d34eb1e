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
    """One session of a run: losses of all its steps so far."""
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
