"""Checkpoints while a run goes on: when they are written, and full disks."""

import sys

import pytest

from sapts_pinn import solve
from small_runs import SMALL, rod


def test_a_full_disk_during_the_run_takes_nothing_from_the_solution(tmp_path, monkeypatch):
    module = sys.modules["sapts_pinn.callbacks.checkpoints"]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "save_checkpoint", full)
    with pytest.warns(UserWarning, match="could not be written .*No space left.*; save the solution"):
        solution = solve(rod(), budget="3 iterations", out=tmp_path / "run", **SMALL)
    assert solution.result["iterations"] == 3
