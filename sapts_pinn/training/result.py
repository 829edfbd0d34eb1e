"""Facts of a run that has ended, from its trainer."""

from __future__ import annotations

from ..pipeline.sharded_model import parameter_bytes, parameter_count
from ..runs.content import Config
from ..runs.result import RunResult, parts_of
from .trainer import Trainer


def facts(trainer: Trainer, config: Config) -> RunResult:
    """Facts that every run has; all ranks collect them together.

    Args:
        trainer: The run.
        config: Its configuration.
    """
    ranks = trainer.communicator
    functions, gradients = trainer.total_work()
    earned = trainer.optimizer.earned
    return RunResult(
        method=config["method"],
        seed=config["seed"],
        dtype=config["dtype"],
        parts=parts_of(config),
        parameter_bytes=parameter_bytes(trainer.model, ranks),
        world_size=ranks.size,
        parameters=parameter_count(trainer.model, ranks),
        threads=config["threads"],
        iterations=trainer.iteration,
        function_evaluations=functions,
        gradient_evaluations=gradients,
        seconds=trainer.seconds,
        seconds_to_first_step=trainer.clock.seconds_to_first_step,
        loss=trainer.loss,
        status=trainer.status,
        earnings=None if earned is None else earned.state_dict(),
    )


__all__ = ["RunResult", "facts"]
