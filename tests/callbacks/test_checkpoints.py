"""Checkpoints while a run goes on: when they are written, and full disks."""

import csv
import sys

import pytest

from runs_seen import seen
from sapts_pinn import solve
from sapts_pinn.callbacks.checkpoints import CheckpointWriter
from sapts_pinn.runs.checkpoint import load_checkpoint
from small_runs import SMALL, rod
from thread_ranks import Threads


def test_a_full_disk_during_the_run_takes_nothing_from_the_solution(tmp_path, monkeypatch):
    module = sys.modules["sapts_pinn.callbacks.checkpoints"]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "save_checkpoint", full)
    with pytest.warns(UserWarning, match="could not be written .*No space left.*; save the solution"):
        solution = solve(rod(), budget="3 iterations", out=tmp_path / "run", **SMALL)
    assert solution.result["iterations"] == 3


def test_one_is_written_when_it_is_time_and_at_the_end(tmp_path):
    run = seen(common_seconds=100.0)
    run.state_dict = lambda: {"iteration": run.iteration}
    writer, path = CheckpointWriter(tmp_path, every=30.0), tmp_path / "checkpoint.pt"
    writer.on_start(run)
    found = []
    for run.iteration, run.common_seconds in enumerate([129.9, 130.0, 159.9, 160.0, 165.0]):
        run.history = [{"iteration": run.iteration, "loss": 0.5}]
        writer.on_step(run)
        found.append(load_checkpoint(path)["trainer"]["iteration"] if path.exists() else None)
    assert found == [None, 1, 1, 3, 3], "thirty seconds after the start, and after the one before"
    writer.on_end(run)
    assert load_checkpoint(path)["trainer"]["iteration"] == 4
    with (tmp_path / "history.csv").open() as file:
        assert list(csv.DictReader(file)) == [{"iteration": "4", "loss": "0.5"}]


@pytest.mark.parametrize(("sharded", "files"), [(False, set()), (True, {"checkpoint-rank1.pt"})])
def test_another_rank_writes_its_share_of_a_model_and_nothing_else(tmp_path, sharded, files):
    asked = []
    run = seen(communicator=Threads(1, 2, {}), sharded=sharded, state_dict=lambda: asked.append(1) or {})
    CheckpointWriter(tmp_path).on_end(run)
    assert asked == [1], "the state is of all ranks together"
    assert {path.name for path in tmp_path.iterdir()} == files


def test_after_a_full_disk_it_is_tried_again_later(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    run, writer = seen(common_seconds=40.0), CheckpointWriter(tmp_path, every=30.0)
    with monkeypatch.context() as patched:
        patched.setattr(sys.modules["sapts_pinn.callbacks.checkpoints"], "save_checkpoint", full)
        with pytest.warns(UserWarning, match="could not be written .*No space left.*tries again later"):
            writer.on_step(run)
    run.common_seconds = 69.0
    writer.on_step(run)
    assert not list(tmp_path.iterdir()), "not at once"
    run.common_seconds = 70.0
    writer.on_step(run)
    assert (tmp_path / "checkpoint.pt").exists()
