"""Checkpoints of all ranks, joined to one of the whole model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sapts_pinn.training.resharding import joined


def shard(rank: int, iteration: int = 5, world_size: int = 2) -> Any:
    trainer = {
        "model": {f"layer{rank}": torch.full((2,), float(rank))},
        "optimizer": {"radius": rank},
        "iteration": iteration,
        "loss": 0.25,
    }
    return {"world_size": world_size, "trainer": trainer, "config": {"method": "sapts-ip"}}


def test_models_are_merged_and_states_of_the_optimizer_kept_apart() -> None:
    found = joined([shard(0), shard(1)], Path("run/checkpoint.pt"))
    assert found["config"] == {"method": "sapts-ip"}
    assert {name: t.tolist() for name, t in found["trainer"]["model"].items()} == {
        "layer0": [0.0, 0.0],
        "layer1": [1.0, 1.0],
    }
    assert found["trainer"]["optimizer"] == {"shards": [{"radius": 0}, {"radius": 1}]}
    assert found["trainer"]["iteration"] == 5 and found["trainer"]["loss"] == 0.25


@pytest.mark.parametrize("other", [shard(1, iteration=4), shard(1, world_size=3)])
def test_checkpoints_of_different_steps_or_sessions_are_refused(other: Any) -> None:
    with pytest.raises(ValueError, match=r"beside run.checkpoint\.pt are of steps 5, [45], not of one"):
        joined([shard(0), other], Path("run/checkpoint.pt"))
