"""Facts of a finished run, as records; `as_json` of one is the content of result.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..pipeline.sharded_model import parameter_bytes, parameter_count
from ..runs.status import Status
from .trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """Facts of every run; a subclass adds those of `solve` or of `train`.

    Attributes:
        method: Name of the method.
        seed: Seed of the run.
        dtype: Precision of the network.
        parts: Parts of a SAPTS method, 1 for others.
        parameter_bytes: Bytes of all parameters, and the most that one rank holds.
        world_size: Number of ranks.
        parameters: Number of parameters.
        threads: Threads of PyTorch on rank 0.
        iterations: Steps.
        function_evaluations: Evaluations of the loss by all ranks, in passes over all points.
        gradient_evaluations: The same of its gradient.
        seconds: Time of training, in seconds.
        seconds_to_first_step: From the start of the command to the first accepted step, in seconds.
        loss: Value of the loss at the end.
        status: Why the run ended.
        earnings: What sweeps over the parts and plain steps have cost and brought, fields of
            `optim.earnings.Earnings`; None for methods without parts.
    """

    method: str
    seed: int
    dtype: str
    parts: int
    parameter_bytes: dict[str, int]
    world_size: int
    parameters: int
    threads: int
    iterations: int
    function_evaluations: float
    gradient_evaluations: float
    seconds: float
    seconds_to_first_step: float | None
    loss: float
    status: Status
    earnings: dict[str, float] | None

    def as_json(self) -> dict[str, Any]:
        """Content of result.json: what is of the subclass, then what every run has."""
        common = {item.name for item in fields(RunResult)}
        names = sorted((item.name for item in fields(self)), key=lambda name: name in common)
        return {name: getattr(self, name) for name in names}


def facts(trainer: Trainer, config: Mapping[str, Any]) -> dict[str, Any]:
    """Collect the fields of `RunResult`; all ranks do so together.

    Args:
        trainer: The run.
        config: Its configuration.
    """
    ranks = trainer.communicator
    functions, gradients = trainer.total_work()
    earned = trainer.optimizer.earned
    return {
        "method": config["method"],
        "seed": config["seed"],
        "dtype": config["dtype"],
        "parts": config["options"].get("parts", 1),
        "parameter_bytes": parameter_bytes(trainer.model, ranks),
        "world_size": ranks.size,
        "parameters": parameter_count(trainer.model, ranks),
        "threads": config["threads"],
        "iterations": trainer.iteration,
        "function_evaluations": functions,
        "gradient_evaluations": gradients,
        "seconds": trainer.seconds,
        "seconds_to_first_step": trainer.clock.seconds_to_first_step,
        "loss": trainer.loss,
        "status": trainer.status,
        "earnings": None if earned is None else earned.state_dict(),
    }
