"""The loop: points, objective, optimizer, step after step until budget, target or the end of progress.

Everything the loop changes is in `Trainer.state_dict`, so that k steps, a save, a load in a fresh process
and m steps are k + m steps, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..callbacks.base import Callback, Estimate, Measure
from ..objectives.base import Counters, Objective
from ..objectives.data_parallel import over_ranks
from ..objectives.flat import gather, scatter_
from ..optim.base import Optimizer, WrongGradient
from ..optim.methods import Method
from ..parallel.communicator import Communicator
from ..pipeline.sharded_model import Sharded
from ..pipeline.trainable_model import TrainableModel
from ..runs.content import Row, TrainerState
from ..runs.status import Status, StopReason
from .balancing import is_due
from .budget import Budget
from .clock import Clock
from .course import Course
from .interrupts import Aborted, interruptible
from .monitor import ErrorMonitor
from .points import Points
from .records import Records


class Trainer:
    """Training loop of one run.

    Args:
        model: The model to train.
        collocation: The points of its loss: collocation points of a problem, or samples.
        course: The phases of the method.
        clock: Time and budget, and the ranks that train together; every one has a trainer.
        monitor: Measures the error of the model; by default none is known.
        callbacks: Told after every step.

    Attributes:
        iteration: Steps so far, earlier sessions included.
        loss: Value of the loss.
        status: Why the run ended; empty before.
        converged: Whether no further progress is possible in working precision.
        exhausted: Whether the method has nothing left to try, short of that.
        failure: Exception of a user's function, a callback or another rank that ended the run.
        objective: The loss on the current points; there is none before `run`.
    """

    objective: Objective

    def __init__(
        self,
        model: nn.Module | Sharded | TrainableModel,
        collocation: Points,
        course: Course,
        clock: Clock,
        monitor: ErrorMonitor | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.model, self.collocation, self.course, self.clock = model, collocation, course, clock
        self.monitor, self.callbacks = monitor or ErrorMonitor(), tuple(callbacks)
        self.records = Records()
        self.threads = torch.get_num_threads()
        self.iteration = 0
        self.loss = math.nan
        self.status = Status()
        self.converged = self.exhausted = False
        self.failure: Exception | None = None
        self._redraws = False  # whether a resumed run begins with points drawn anew
        self.course.begin(self._trained, self.communicator)

    # -- views ---------------------------------------------------------------------------------------

    @property
    def communicator(self) -> Communicator:
        """The ranks that train together."""
        return self.clock.ranks

    @property
    def method(self) -> Method:
        """The method."""
        return self.course.method

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer of the current phase."""
        return self.course.optimizer

    @property
    def counters(self) -> Counters:
        """Evaluations of this rank."""
        return self.clock.counters

    @property
    def budget(self) -> Budget:
        """When to stop."""
        return self.clock.budget

    @property
    def history(self) -> list[Row]:
        """Rows of the history."""
        return self.records.rows

    @property
    def error(self) -> float | None:
        """The error last measured, None before or without a reference."""
        return self.monitor.error

    @property
    def error_name(self) -> str:
        """Column of the error in the history."""
        return self.monitor.name

    @property
    def error_estimate(self) -> Estimate | None:
        """The error last estimated, None before or where a reference tells it."""
        return self.monitor.estimate

    @property
    def sharded(self) -> bool:
        """Return whether every rank holds its own part of the model only."""
        return isinstance(self.model, Sharded)

    @property
    def seconds(self) -> float:
        """Seconds of training so far, earlier sessions included."""
        return self.clock.seconds

    @property
    def common_seconds(self) -> float:
        """Seconds of training, the same number on every rank."""
        return self.clock.common_seconds

    @property
    def seconds_left(self) -> float:
        """Seconds until the budget ends."""
        return self.clock.seconds_left

    @property
    def used(self) -> float:
        """Spent share of the budget."""
        return self.clock.used(self.iteration)

    # -- requests ------------------------------------------------------------------------------------

    def total_work(self) -> list[float]:
        """Function and gradient evaluations of all ranks; collective."""
        return self.clock.total_work()

    def stop(self, reason: str) -> None:
        """Ask the run to end after the current step."""
        self.clock.request_stop(reason)

    def discount(self, seconds: float) -> None:
        """Take time off the clock and the budget that was not training, such as a callback's."""
        self.clock.discount(seconds)

    def record_every_step(self) -> None:
        """Give every step a row of the history."""
        self.records.every = 1

    def hand_over_measure(self) -> Measure | None:
        """Measure the error no more, and return the measure to a callback that does."""
        return self.monitor.hand_over()

    # -- state ---------------------------------------------------------------------------------------

    def state_dict(self) -> TrainerState:
        """All that is needed to continue, loadable with weights_only=True; collective."""
        return {
            "model": self.model.state_dict(),
            **self.course.state_dict(),
            "collocation": self.collocation.state_dict(),
            "iteration": self.iteration,
            "loss": self.loss,
            "seconds": self.seconds,
            "counters": self.total_work(),
            "seconds_to_first_step": self.clock.seconds_to_first_step,
            "history": self.history,
        }

    def load_state_dict(self, state: TrainerState, redraw: bool = False) -> None:
        """Take over a saved run.

        Args:
            state: Of `state_dict`.
            redraw: Whether to begin with points drawn anew.
        """
        self._redraws = redraw
        self.model.load_state_dict(state["model"])
        self.course.restore(state, self._trained, self.communicator)
        self.collocation.load_state_dict(state["collocation"])
        self.iteration, self.loss = state["iteration"], state["loss"]
        self.clock.restore(state["seconds"], state["counters"], state["seconds_to_first_step"])
        self.records.rows = list(state["history"])

    # -- the loop ------------------------------------------------------------------------------------

    def run(self) -> None:
        """Train until something ends it; `status` says what.

        What a user's function or a callback raises ends the run as well: the parameters are those of the last
        step, the callbacks are told, so that the state is written, and `failure` is what was raised.
        """
        self.clock.start(self.iteration)
        self._prepare_points()
        held: list[Tensor] = []
        theta: Tensor | None = None  # before the step that is being taken
        try:
            for callback in self.callbacks:
                callback.on_start(self)
            with interruptible(self.stop):
                while not self.status:
                    torch.set_num_threads(1 if self._leaves_cores_to_the_kernel() else self.threads)
                    held = self._trained  # new points may free the model of others
                    theta = gather(held)
                    self._advance()
                    theta = None
                    for callback in self.callbacks:
                        callback.on_step(self)
                    self.status = self.clock.ending(self.iteration, self._reached(), self.converged)
        except WrongGradient as error:
            self.status = StopReason.FAILED.status(error)
            theta = None  # the optimizer has put back better parameters
        except FloatingPointError as error:
            self.status = StopReason.FAILED.status(error)
        except KeyboardInterrupt as error:
            if self.communicator.size > 1 or isinstance(error, Aborted):
                raise
            self.status = StopReason.INTERRUPTED.status("the keyboard")
        except Exception as error:
            self.failure = error
            self.status = StopReason.FAILED.status(f"{type(error).__name__}: {error}")
            self.clock.leave()
        finally:
            torch.set_num_threads(self.threads)
            if theta is not None:
                scatter_(held, theta)
        if self.failure is not None:
            self._end_alone()
            return
        self.monitor.finish(self.model, self.clock, self.iteration, self.sharded)
        self._record()
        for callback in self.callbacks:
            callback.on_end(self)

    def _prepare_points(self) -> None:
        """Draw the first points, or go on with those of a saved run."""
        if not self.collocation.sites:
            self.collocation.draw()
            self.course.follow(self._trained, self.communicator)
            self.collocation.balance(self.model, self.communicator)
        elif self._redraws:
            self.collocation.redraw(self.model)
            self._share_points()
        self._set_points()

    def _end_alone(self) -> None:
        """Tell the callbacks of the end without asking other ranks, which may be gone or elsewhere.

        What a callback raises now would hide what ended the run.  Where every rank has a part of the state,
        the last checkpoint is what is left.
        """
        divided = self.sharded or self.method.divides or self.optimizer.divided
        if self.clock.apart and (self.communicator.rank or divided):
            return
        for action in (self._record, *(lambda c=c: c.on_end(self) for c in self.callbacks)):
            try:
                action()
            except Exception as error:
                if self.failure is not None:
                    self.failure.add_note(f"at the end of the run also {type(error).__name__}: {error}")

    @property
    def _trained(self) -> list[Tensor]:
        return [p for p in self.model.parameters() if p.requires_grad]

    def _leaves_cores_to_the_kernel(self) -> bool:
        """Return whether PyTorch does better with one thread.

        The compiled kernel has threads of its own, and those of OpenMP spin between PyTorch's operations: on
        a small machine they slow the kernel down threefold.  Gauss-Newton's matrix products are worth more.
        """
        return self.objective.compiled and not self.optimizer.threaded

    def _advance(self) -> None:
        """Take one step, after what is due before it: another phase, new points, new weights."""
        if self.course.is_over(self.used):
            torch.set_num_threads(self.threads)
            self.course.advance(self.iteration, self._trained, self.communicator)
        self._update_points()
        optimizer, before = self.optimizer, self.loss
        optimizer.set_progress(self.used, self.clock.deadline)
        self.loss = float(optimizer.step(self.objective))
        self.iteration += 1
        if not math.isfinite(self.loss):  # methods of trust regions reject such a step
            raise FloatingPointError(
                f"the loss is {self.loss} after {self.iteration} steps; give a smaller learning rate, lr, "
                "or a method of trust regions"
            )
        info = optimizer.info
        self.records.take_terms(info, self.objective, self.loss != before)
        if info.accepted:
            self.clock.step_accepted()
        self.converged, self.exhausted = info.converged, bool(info.exhausted)
        if self.monitor.is_due(self.clock, self.sharded):
            self.monitor.measure(self.model, self.clock, self.iteration, self.sharded)
            self._record()
        elif self.records.is_due(self.iteration):
            self._record()

    def _update_points(self) -> None:
        """Draw points and set weights anew where that is due."""
        redrawn = self.course.resamples(self.iteration)
        if redrawn:
            self.collocation.redraw(self.model)
            self._share_points()
        changed = redrawn and self.course.follow(self._trained, self.communicator)
        due = changed or is_due(self.iteration - self.course.start)
        reweighed = due and self.collocation.balance(self.model, self.communicator)
        if redrawn or reweighed:
            self.optimizer.points_changed()
            if reweighed:
                self.optimizer.objective_changed()
            self._set_points()

    def _set_points(self) -> None:
        """Make the loss on the current points."""
        self.records.forget_terms()
        whole = self.collocation.objective(self.model, self.counters, self.threads)
        separable = whole.separable()
        divides = whole.collective or self.course.phase.divides
        if divides or separable is None or self.communicator.size == 1:
            self.objective = whole
        else:  # any other method is trained synchronously: every rank computes a share of each gradient
            self.objective = over_ranks(separable, self.communicator)

    def _share_points(self) -> None:
        """Give all ranks the points of rank 0: on other machines those of RAD may differ in the last bit."""
        for site in self.collocation.sites.values() if self.communicator.size > 1 else ():
            site.points.copy_(self.communicator.broadcast(site.points))

    def _reached(self) -> Status:
        """Status of a run that has reached its target or the end of progress; empty if it has not."""
        if self.monitor.reached or not (self.converged or self.exhausted):
            return self.monitor.reached
        return (StopReason.CONVERGED if self.converged else StopReason.EXHAUSTED).status()

    def _record(self) -> None:
        """Add a row to the history."""
        self.records.add(
            {"iteration": self.iteration, "seconds": round(self.seconds, 4), "loss": self.loss},
            self.objective,
            self.collocation.sites,
            self.optimizer,
            self.counters,
            self.monitor.column(self.iteration),
        )
