"""Checkpoints of ranks that had parts of a model, joined for another number of ranks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from ..optim.sapts.resharding import SHARDS
from ..pipeline.stages import merge
from ..runs.content import Checkpoint


def joined(shards: Sequence[Checkpoint], path: Path) -> Checkpoint:
    """Join the checkpoints of all ranks to one of the whole model.

    The optimizer, which knows what its state means, gets the states of all ranks and divides them anew.

    Args:
        shards: The checkpoints, in the order of the ranks.
        path: That of rank 0, for messages.

    Raises:
        InputError: They are not of one step, as after a run that was killed while it wrote them.
    """
    first = shards[0]
    steps = [shard["trainer"]["iteration"] for shard in shards]
    if {*steps} != {steps[0]} or {shard["world_size"] for shard in shards} != {len(shards)}:
        raise InputError(
            f"the ranks' checkpoints beside {path} are of steps {', '.join(map(str, steps))}, not of one; "
            f"resume it on {first['world_size']} ranks, or start anew"
        )
    trainer = first["trainer"]
    whole = merge([shard["trainer"]["model"] for shard in shards])
    states = [shard["trainer"]["optimizer"] for shard in shards]
    return {**first, "trainer": {**trainer, "model": whole, "optimizer": {SHARDS: states}}}
