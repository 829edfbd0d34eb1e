"""Facts of runs: of one that was killed from its checkpoint, and the content of result.json."""

import torch

from sapts_pinn.optim.earnings import Earnings
from sapts_pinn.problems.zoo import build
from sapts_pinn.runs.checkpoint import load_checkpoint
from sapts_pinn.runs.result import RunResult, unfinished
from sapts_pinn.runs.status import Status, StopReason
from sapts_pinn.solving.run import solve
from sapts_pinn.supervised.trained import TrainResult


def test_a_run_that_was_killed_tells_what_its_checkpoint_knows(tmp_path):
    run = solve(
        build("poisson-1d"), method="sapts-d", parts=2, budget="3 iterations", out=tmp_path / "run",
        network=(4,), points=32,
    )  # fmt: skip
    state = load_checkpoint(tmp_path / "run" / "checkpoint.pt")["trainer"]
    found = unfinished(run.config, state, run.model.parameters()).as_json()
    whole = RunResult.__dataclass_fields__.keys()
    assert found.keys() == whole
    differing = {name for name in whole - {"seconds"} if found[name] != run.result[name]}
    assert differing == {"status"} and found["status"] == StopReason.UNFINISHED.status()
    assert 0 < found["seconds"] <= run.result["seconds"], "time went on after the checkpoint"
    assert found["parts"] == 2 and Earnings.of(found["earnings"]).sweeps == 3


def test_the_test_metric_stands_under_its_own_names():
    parameters = [torch.zeros(3)]
    state = {
        "optimizer": {}, "counters": [2.0, 3.0], "iteration": 4, "seconds": 5.0, "loss": 6.0,
        "seconds_to_first_step": None,
    }  # fmt: skip
    config = {"method": "adam", "seed": 0, "dtype": "float32", "options": {}, "world_size": 1, "threads": 1}
    run = TrainResult(
        **vars(unfinished(config, state, parameters)),
        task="mnist", network="mlp", samples=7, metric="error rate",
        measured={"test_error_rate": 0.25, "test_accuracy": 0.75},
    )  # fmt: skip
    found = run.as_json()
    assert (found["test_error_rate"], found["test_accuracy"]) == (0.25, 0.75) and "measured" not in found
    assert found["parameters"] == 3 and found["parameter_bytes"]["all"] == 12
    assert found["parts"] == 1 and isinstance(found["status"], Status)
