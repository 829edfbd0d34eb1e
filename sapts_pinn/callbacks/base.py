"""Callbacks: actions beside the training, such as history, checkpoints, progress, early stop.

A callback sees the `Trainer` after every step.  It may read anything and may ask the run to stop, by
`trainer.stop("why, in words")`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..parallel.communicator import Communicator
from ..runs.content import Config, Result, Row, TrainerState
from ..runs.status import Status

Measure = Callable[[Any], float]  # from a model, of a problem or of samples, to its error
Info = Mapping[str, Any]  # figures of a step, as a mapping; see `sapts_pinn.optim.base.StepInfo`


class Estimate(NamedTuple):
    """Estimate of the error of a run where no reference tells it.

    Attributes:
        value: Relative L2 error.
        reliable: Whether it means what it says.
    """

    value: float
    reliable: bool


class MethodView(Protocol):
    """Method of a run for callbacks, see `sapts_pinn.optim.methods.Method`."""

    @property
    def divides(self) -> str | None:
        """Name of its decomposition; None without parts."""


class OptimizerView(Protocol):
    """Optimizer of a run for callbacks."""

    @property
    def info(self) -> Info:
        """Figures of the last step."""


class WorkView(Protocol):
    """Evaluations of a rank for callbacks, see `sapts_pinn.objectives.base.Counters`."""

    functions: float
    gradients: float


class RunView(Protocol):
    """Interface of a run for callbacks; `Trainer` is one."""

    iteration: int
    loss: float
    status: Status
    failure: Exception | None
    model: Any
    objective: Any

    @property
    def method(self) -> MethodView:
        """The method."""

    @property
    def optimizer(self) -> OptimizerView:
        """The optimizer; its `info` says what the last step did."""

    @property
    def counters(self) -> WorkView:
        """Evaluations of this rank."""

    @property
    def communicator(self) -> Communicator:
        """The ranks that train together."""

    @property
    def history(self) -> list[Row]:
        """Rows of the history."""

    @property
    def error(self) -> float | None:
        """The error last measured, None before or without a reference."""

    @property
    def error_name(self) -> str:
        """Column of the error in the history."""

    @property
    def error_estimate(self) -> Estimate | None:
        """The error last estimated, None before or where a reference tells it."""

    @property
    def sharded(self) -> bool:
        """Return whether every rank holds a part of the model only."""

    @property
    def used(self) -> float:
        """Spent share of the budget."""

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""

    @property
    def common_seconds(self) -> float:
        """Seconds of training, the same number on every rank."""

    @property
    def seconds_left(self) -> float:
        """Seconds until the budget is spent, infinite where it is not one of time."""

    def stop(self, reason: str) -> None:
        """End the run after the current step."""

    def discount(self, seconds: float) -> None:
        """Take time off the clock that was not training, such as a callback's."""

    def record_every_step(self) -> None:
        """Give every step a row of the history."""

    def hand_over_measure(self) -> Measure | None:
        """Measure the error no more, and return the measure to a callback that does; None without one."""

    def state_dict(self) -> TrainerState:
        """The state from which a run goes on."""

    def total_work(self) -> list[float]:
        """Evaluations of the function and of the gradient, of all ranks."""


class ResultView(Protocol):
    """Result of a run for callbacks, a `Solution` or a `Trained`; as a string it is the summary."""

    config: Config
    history: list[Row]
    result: Result

    def draw_into(self, folder: Path) -> list[Path]:
        """Draw what there is to see of it into pictures."""


class Callback:
    """Base class of callbacks: does nothing; override what you need.

    Attributes:
        wants_error: Whether it shows the error during a run, which is then estimated now and then where no
            reference tells it.
    """

    wants_error = False

    def on_start(self, trainer: RunView) -> None:
        """Act before the first step."""

    def on_step(self, trainer: RunView) -> None:
        """Act after every step."""

    def on_end(self, trainer: RunView) -> None:
        """Act after the last step, whatever ended the run."""

    def on_result(self, result: ResultView) -> None:
        """Act on the result of a run that has not failed, a `Solution` or a `Trained`, on every rank."""
