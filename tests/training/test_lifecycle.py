"""The folder of a run, its resumption, and its result."""

import json
import math
from pathlib import Path

import pytest
import torch

from sapts_pinn import solve
from sapts_pinn.errors import InputError
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.problems.zoo import build
from sapts_pinn.runs.checkpoint import checkpoint_name, load_checkpoint, save_checkpoint
from sapts_pinn.training.lifecycle import Session

CONFIG = {"method": "tr", "problem": "p", "versions": {"sapts_pinn": "0"}}


def session(out: Path | None, resume: Path | None = None, overwrite: bool = False, sharded: bool = False):
    return Session(out, resume, overwrite, SingleProcess(), sharded)


def test_a_folder_is_opened_once_and_holds_the_configuration(tmp_path):
    run = session(tmp_path / "run")
    run.check_folder()
    assert not (tmp_path / "run").exists() and not run.opened
    run.open(CONFIG)
    (tmp_path / "run" / "history.csv").write_text("iteration\n")
    run.open(CONFIG)
    assert (tmp_path / "run" / "history.csv").is_file(), "the second time changes nothing"
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["files"] == ["checkpoint.pt", "history.csv", "result.json"]
    run.write_result({"loss": math.inf})
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == {"loss": None}
    with pytest.raises(InputError, match="already holds a run"):
        session(tmp_path / "run").check_folder()
    session(tmp_path / "run", overwrite=True).check_folder()


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = session(None)
    run.open(CONFIG)
    run.write_result({})
    run.write_whole({}, {})
    assert not run.writes and run.writers(CONFIG, {}) == [] and not list(tmp_path.iterdir())


def test_a_run_goes_on_in_its_own_folder_unless_another_is_given(tmp_path):
    old = tmp_path / "old"
    session(old).open(CONFIG)
    save_checkpoint(old / "checkpoint.pt", {"world_size": 1, "trainer": {}})
    run = session(None, resume=old)
    assert run.folder == old and run.earlier is not None and run.earlier.path == old / "checkpoint.pt"
    run.check_folder()  # it may be overwritten: it is the run's own
    run.open(CONFIG)
    assert (old / "checkpoint.pt").is_file()
    other = session(tmp_path / "new", resume=old)
    other.open(CONFIG)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"config.json"}


def test_stages_of_other_ranks_are_joined(tmp_path):
    def save(rank: int) -> None:
        model = {f"layer{rank}": torch.ones(rank + 1)}
        trainer = {"iteration": 3, "model": model, "optimizer": {"rank": rank}}
        save_checkpoint(tmp_path / checkpoint_name(rank), {"world_size": 2, "trainer": trainer})

    save(0)
    assert session(None, resume=tmp_path).earlier is not None
    with pytest.raises(InputError, match=r"there is no checkpoint .*checkpoint-rank1\.pt"):
        session(None, resume=tmp_path, sharded=True)
    save(1)
    found = session(None, resume=tmp_path, sharded=True).earlier
    assert found is not None and found.state["trainer"]["model"].keys() == {"layer0", "layer1"}
    assert found.state["trainer"]["optimizer"] == {"shards": [{"rank": 0}, {"rank": 1}]}


def test_a_full_disk_takes_no_result_away(tmp_path):
    run = session(tmp_path / "run")
    run.open(CONFIG)
    (tmp_path / "run" / "result.json").mkdir()
    with pytest.warns(UserWarning, match="could not be written"):
        run.write_result({})


def test_a_checkpoint_knows_its_run(tmp_path):
    solve(build("poisson-1d"), budget="1 iteration", network=(4,), points=16, out=tmp_path, seed=5)
    state = load_checkpoint(tmp_path / "checkpoint.pt")
    assert state["config"]["seed"] == 5 and state["config"]["problem"] == "poisson-1d"
    assert state["settings"] == {
        "points": 16, "condition_points": 1024, "sampler": "sobol", "adaptive": 0.5, "resample": None,
        "options": {}, "own_points": None,
    }  # fmt: skip
    assert state["world_size"] == 1 and torch.is_tensor(next(iter(state["trainer"]["model"].values())))
