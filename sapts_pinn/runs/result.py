"""Facts of a run as a record; `as_json` is the content of result.json.  Nothing here loads PyTorch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, cast

from .content import Config, Result, TrainerState
from .status import Status, StopReason

if TYPE_CHECKING:
    from torch import Tensor


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

    def as_json(self) -> Result:
        """Content of result.json: what is of the subclass, then what every run has."""
        common = {item.name for item in fields(RunResult)}
        names = sorted((item.name for item in fields(self)), key=lambda name: name in common)
        return cast("Result", {name: getattr(self, name) for name in names})


def parts_of(config: Config) -> int:
    """Number of parts of a run's method, 1 for a method without."""
    parts = config["options"].get("parts", 1)
    assert isinstance(parts, int)
    return parts


def unfinished(config: Config, state: TrainerState, parameters: Iterable[Tensor]) -> RunResult:
    """Facts of a run that was killed, from its last checkpoint.

    Args:
        config: The configuration.
        state: State of its training in the checkpoint.
        parameters: Of the whole network.
    """
    tensors = list(parameters)
    size = sum(p.numel() * p.element_size() for p in tensors)
    functions, gradients = state["counters"]
    return RunResult(
        method=config["method"],
        seed=config["seed"],
        dtype=config["dtype"],
        parts=parts_of(config),
        parameter_bytes={"all": size, "largest_rank": size},
        world_size=config["world_size"],
        parameters=sum(p.numel() for p in tensors),
        threads=config["threads"],
        iterations=state["iteration"],
        function_evaluations=functions,
        gradient_evaluations=gradients,
        seconds=state["seconds"],
        seconds_to_first_step=state["seconds_to_first_step"],
        loss=state["loss"],
        status=StopReason.UNFINISHED.status(),
        earnings=state["optimizer"].get("sapts", {}).get("earned"),
    )
