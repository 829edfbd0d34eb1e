"""The loop: points, objective, optimizer, step after step until budget, target or the end of progress.

Everything the loop changes is in `Trainer.state_dict`, so that k steps, a save, a load in a fresh process
and m steps are k + m steps, bit for bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from traceback import walk_tb
from typing import Any

import torch
from torch import Tensor, nn

from ..callbacks.base import Callback
from ..errors import InputError
from ..objectives.base import Counters, Objective
from ..objectives.data_parallel import over_ranks
from ..objectives.flat import gather, scatter_
from ..optim.base import Optimizer
from ..optim.methods import Method
from ..parallel.communicator import Communicator, SingleProcess
from ..pipeline.sharded_model import Sharded
from ..pipeline.trainable_model import TrainableModel
from ..runs.status import Status, StopReason
from .balancing import is_due
from .budget import Budget
from .interrupts import Aborted, interruptible
from .points import Points
from .records import _sweep_columns

EVERY = 10  # steps between rows of the history, after the first hundred
ASK_EVERY = 1.0  # seconds between two questions among ranks whether to stop
ERROR_SHARE = 0.02  # of the time may go into measuring the error


class Trainer:
    """One run.

    Args:
        model: What is trained.
        collocation: Where its equations are tested, or the samples it learns from.
        method: The phases.
        budget: When to stop.
        error: Measures the relative error of the model, or None when no reference is known.
        error_name: What it is called in the history.
        target_error: Stop when the error is this small.
        callbacks: Told after every step.
        resample: Steps between resamplings; None leaves it to the method, 0 never resamples.
        options: Keyword arguments of the optimizers, such as `radius`.
        started: `time.monotonic()` when the user's command began, for the time to the first step.
        communicator: The ranks that train together; every one has a trainer.

    Attributes:
        status: Why the run ended, in words; empty before.
        failure: What the user's functions or callbacks, or another rank, raised in the run.
        redraws: Whether a run that goes on begins with points drawn anew.
    """

    def __init__(
        self,
        model: nn.Module | Sharded | TrainableModel,
        collocation: Points,
        method: Method,
        budget: Budget,
        error: Callable[[Any], float] | None = None,
        target_error: float | None = None,
        callbacks: Sequence[Callback] = (),
        resample: int | None = None,
        options: Mapping[str, Any] | None = None,
        started: float | None = None,
        communicator: Communicator | None = None,
        error_name: str = "relative_l2_error",
    ) -> None:
        self.communicator = communicator or SingleProcess()
        self.model, self.collocation, self.method, self.budget = model, collocation, method, budget
        self.measure, self.target_error = error, target_error
        self.callbacks, self.resample, self.options = tuple(callbacks), resample, dict(options or {})
        self.counters = Counters()
        self.threads = torch.get_num_threads()
        self.phase = 0
        self.iteration = 0
        self.phase_start = 0
        self.loss = math.nan
        self.error: float | None = None
        self.history: list[dict[str, Any]] = []
        self.every = EVERY
        self.error_name = error_name
        self.status = Status()
        self.converged = False
        self.failure: Exception | None = None
        self.redraws = False
        self.seconds_to_first_step: float | None = None
        self._started = time.monotonic() if started is None else started
        self._before = 0.0  # seconds of earlier sessions
        self._clock = time.monotonic()
        self._measured, self._measured_step = -math.inf, -1
        self._cost = 0.0
        self._asked: Status | None = None
        self._terms: dict[str, float] = {}  # of the loss at the current parameters
        self._first, self._common = 0, 0.0
        self._done = (0.0, 0.0), (0.0, 0.0)  # the work of all ranks when they last asked, and of this one
        self._apart = False  # whether the other ranks can no longer be asked
        self._spent, self._asking = 0.0, 1  # agreed among several ranks, and the iteration to do so again
        self.optimizer: Optimizer = self._make_optimizer()
        self.objective: Objective

    # -- state -------------------------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """Seconds of training so far, earlier sessions included."""
        return self._before + time.monotonic() - self._clock

    @property
    def common_seconds(self) -> float:
        """Seconds of training as all ranks see them: they may act on it together."""
        return self._common if self.communicator.size > 1 else self.seconds

    @property
    def seconds_left(self) -> float:
        """Seconds until the budget ends."""
        return max(self.budget.seconds - self.seconds, 0.0)

    @property
    def used(self) -> float:
        """Spent share of the budget; several ranks go by what they last agreed on, and by their steps."""
        if self.communicator.size > 1:
            return max(self._spent, self.iteration / self.budget.iterations)
        return self.budget.used(self.seconds, self.iteration, self.counters.gradients)

    def total_work(self) -> list[float]:
        """Function and gradient evaluations of all ranks; they ask together, or this one estimates."""
        own = self.counters.functions, self.counters.gradients
        if self._apart:
            size = self.communicator.size
            return [
                a + size * (now - then)
                for a, now, then in zip(self._done[0], own, self._done[1], strict=True)
            ]
        spent = self.communicator.gather_objects(own)
        functions, gradients = (sum(work) for work in zip(*spent, strict=True))
        self._done = (functions, gradients), own
        return [functions, gradients]

    def stop(self, reason: str) -> None:
        """Ask the run to end after the current step."""
        self._asked = self._asked or Status(reason)

    def discount(self, seconds: float) -> None:
        """Take time off the clock and the budget that was not training, such as a callback's."""
        self._before -= seconds

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to continue, loadable with weights_only=True."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "collocation": self.collocation.state_dict(),
            "phase": self.phase,
            "phase_start": self.phase_start,
            "iteration": self.iteration,
            "loss": self.loss,
            "seconds": self.seconds,
            "counters": self.total_work(),
            "seconds_to_first_step": self.seconds_to_first_step,
            "history": self.history,
        }

    def load_state_dict(self, state: Mapping[str, Any], redraw: bool = False) -> None:
        """Take over a saved run.

        Args:
            state: Of `state_dict`.
            redraw: Whether to begin with points drawn anew.
        """
        self.redraws = redraw
        self.model.load_state_dict(state["model"])
        self.phase, self.phase_start = state["phase"], state["phase_start"]
        self.optimizer = self._make_optimizer()
        self.optimizer.load_state_dict(state["optimizer"])
        self.collocation.load_state_dict(state["collocation"])
        self.iteration, self.loss, self._before = state["iteration"], state["loss"], state["seconds"]
        self._clock = time.monotonic()  # what it took to get here is not training
        # The work so far is of all ranks together: rank 0 goes on counting from there.
        done = state["counters"] if self.communicator.rank == 0 else (0.0, 0.0)
        self.counters.functions, self.counters.gradients = done
        self.seconds_to_first_step = state["seconds_to_first_step"]
        self.history = list(state["history"])

    def _make_optimizer(self) -> Optimizer:
        parameters = self._optimized = self._trained
        phase = self.method.phases[self.phase]
        options = {**self.options, "communicator": self.communicator} if phase.divides else self.options
        try:
            return phase.make(parameters, **options)
        except (TypeError, ValueError) as error:
            refused = _refusal(error, self.options, self.phase + 1)
            if refused is None:
                raise
            raise refused from error

    def _follow(self) -> bool:
        """Train what the model consists of now, which new points may have changed; whether they have."""
        now, then = self._trained, self._optimized
        if len(now) == len(then) and all(a is b for a, b in zip(now, then, strict=True)):
            return False
        self.optimizer = self._make_optimizer()
        return True

    # -- the loop ----------------------------------------------------------------------------------

    def run(self) -> None:
        """Train until something ends it; `status` says what, in words.

        What a user's function or a callback raises ends the run as well: the parameters are those of the last
        step, the callbacks are told, so that the state is written, and `failure` is what was raised.
        """
        self._clock = time.monotonic()
        self._first = self.iteration
        if not self.collocation.sites:
            self.collocation.draw()
            self._follow()
            self.collocation.balance(self.model, self.communicator)
        elif self.redraws:
            self.collocation.redraw(self.model)
            self._share_points()
        self._set_points()
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
                    self.status = self._reason()
        except FloatingPointError as error:
            self.status = StopReason.FAILED.status(error)
        except KeyboardInterrupt as error:
            if self.communicator.size > 1 or isinstance(error, Aborted):
                raise
            self.status = StopReason.INTERRUPTED.status("the keyboard")
        except Exception as error:
            self.failure = error
            self.status = StopReason.FAILED.status(f"{type(error).__name__}: {error}")
            self._apart = self.communicator.size > 1
        finally:
            torch.set_num_threads(self.threads)
            if theta is not None:
                scatter_(held, theta)
        if self.failure is not None:
            self._end_alone()
            return
        self._measure_error()
        self._record()
        for callback in self.callbacks:
            callback.on_end(self)

    def _end_alone(self) -> None:
        """Tell the callbacks of the end without asking other ranks, which may be gone or elsewhere.

        What a callback raises now would hide what ended the run.  Where every rank has a part of the state,
        the last checkpoint is what is left.
        """
        if self._apart and (self.communicator.rank or self.sharded or self.method.divides):
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

    @property
    def sharded(self) -> bool:
        """Whether every rank holds its own part of the model only."""
        return isinstance(self.model, Sharded)

    def _leaves_cores_to_the_kernel(self) -> bool:
        """Whether PyTorch does better with one thread.

        The compiled kernel has threads of its own, and those of OpenMP spin between PyTorch's operations: on
        a small machine they slow the kernel down threefold.  Gauss-Newton's matrix products are worth more.
        """
        if self.optimizer.threaded:
            return False
        return self.objective.compiled

    def _advance(self) -> None:
        if self.phase + 1 < len(self.method.phases) and self.used >= self.method.phases[self.phase].share:
            self.phase += 1
            self.phase_start = self.iteration
            torch.set_num_threads(self.threads)
            self.optimizer = self._make_optimizer()
        every = self.method.phases[self.phase].resample if self.resample is None else self.resample
        steps = self.iteration - self.phase_start
        redrawn = every and steps and steps % every == 0
        if redrawn:
            self.collocation.redraw(self.model)
            self._share_points()
        changed = redrawn and self._follow()
        reweighed = (changed or is_due(steps)) and self.collocation.balance(self.model, self.communicator)
        if redrawn or reweighed:
            self.optimizer.points_changed()
            if reweighed:
                self.optimizer.objective_changed()
            self._set_points()
        # A sweep that is cut short shrinks the radius; before that the ranks ask each other whether to stop.
        self.optimizer.set_progress(self.used, time.monotonic() + self.seconds_left + ASK_EVERY)
        before = self.loss
        self.loss = float(self.optimizer.step(self.objective))
        self.iteration += 1
        if not math.isfinite(self.loss):  # what measures its steps takes such a one back
            raise FloatingPointError(
                f"the loss is {self.loss} after {self.iteration} steps; give a smaller learning rate, lr, "
                "or a method of trust regions"
            )
        info = self.optimizer.info
        if info.accepted is not False:
            self._terms = dict(self.objective.last_terms)
        elif self.loss != before:  # a sweep was taken, the step after it was not
            self._terms = {}
        if self.seconds_to_first_step is None and info.accepted:
            self.seconds_to_first_step = time.monotonic() - self._started
        self.converged = info.converged
        if self._error_is_due():
            self._measure_error()
            self._record()
        elif self.iteration <= 100 or self.iteration % self.every == 0:
            self._record()

    def _set_points(self) -> None:
        self._terms = {}
        whole = self.collocation.objective(self.model, self.counters, self.threads)
        separable = whole.separable()
        divides = whole.collective or self.method.phases[self.phase].divides
        if divides or separable is None or self.communicator.size == 1:
            self.objective = whole
        else:  # any other method is trained synchronously: every rank computes a share of each gradient
            self.objective = over_ranks(separable, self.communicator)

    def _share_points(self) -> None:
        """The points of rank 0 for all: on other machines those of RAD may differ in the last bit."""
        for site in self.collocation.sites.values() if self.communicator.size > 1 else ():
            site.points.copy_(self.communicator.broadcast(site.points))

    def _error_is_due(self) -> bool:
        if self.measure is None or (self.communicator.rank and not self.sharded):
            return False
        if self.sharded and self.communicator.size > 1:  # all ranks measure, and so decide, together
            return self.common_seconds - self._measured >= max(0.5, self._cost / ERROR_SHARE)
        return self.seconds - self._measured >= max(0.5, self._cost / ERROR_SHARE)

    def _measure_error(self) -> None:
        if self.measure is None or (self.communicator.rank and not self.sharded):
            return
        begin, first = time.monotonic(), self._measured == -math.inf
        self.error = self.measure(self.model)
        # The first time evaluates the reference, too, which is no reason to wait with the second.
        self._cost = 0.0 if first else time.monotonic() - begin
        if self.sharded:  # by which all ranks decide together
            self._cost = self.communicator.gather_objects(self._cost)[0]
        self._measured, self._measured_step = self.common_seconds, self.iteration

    def _record(self) -> None:
        if self.history and self.history[-1]["iteration"] == self.iteration:
            self.history.pop()
        info = self.optimizer.info
        row: dict[str, Any] = {
            "iteration": self.iteration,
            "seconds": round(self.seconds, 4),
            "loss": self.loss,
        }
        # What was last evaluated may be a rejected trial: until a step is accepted the terms are not known.
        row |= {f"loss_{name}": self._terms.get(name) for name in self.objective.last_terms}
        sites = self.collocation.sites.items()
        row |= {f"weight_{name}": s.weight for name, s in sites if s.weight is not None}
        row |= {
            "radius": info.radius,
            "rho": info.rho,
            "accepted": None if info.accepted is None else int(info.accepted),
            "function_evaluations": self.counters.functions,
            "gradient_evaluations": self.counters.gradients,
        }
        if self.optimizer.count:
            row |= _sweep_columns(info, self.optimizer.count)
        if self.measure is not None:
            row[self.error_name] = self.error if self._measured_step == self.iteration else None
        self.history.append(row)

    def _reason(self) -> Status:
        """The status of the run: why it ends now, empty when it goes on."""
        if self.communicator.size == 1:
            return self._own_reason() or self._budget_spent()
        if self.converged:  # what all ranks know
            return self._own_reason()
        if self.iteration >= self.budget.iterations:
            self._spent = 1.0
            return self._budget_spent()
        if self.iteration < self._asking:
            return Status()
        # Clocks, work, signals and errors are each rank's own.  Asking costs a round, so it is done about
        # once a second, at an iteration that rank 0 has set.
        pace = max(self.seconds - self._before, 1e-9) / max(self.iteration - self._first, 1)
        wait = min(max(int(min(ASK_EVERY, self.seconds_left) / pace), 1), 1000)
        answers = self.communicator.gather_objects(
            (self._own_reason(), self.seconds, wait, self.counters.gradients)
        )
        self._common, self._asking = answers[0][1], self.iteration + answers[0][2]
        work = sum(gradients for *_, gradients in answers)
        self._spent = self.budget.used(self._common, self.iteration, work)
        return next((reason for reason, *_ in answers if reason), None) or self._budget_spent()

    def _own_reason(self) -> Status:
        if self._asked:
            return self._asked
        if self.target_error is not None and self.error is not None and self.error <= self.target_error:
            return StopReason.TARGET.status(f"{self.target_error:g}")
        return StopReason.CONVERGED.status() if self.converged else Status()

    def _budget_spent(self) -> Status:
        return StopReason.BUDGET.status(self.budget) if self.used >= 1 else Status()


def _refusal(error: Exception, options: Mapping[str, Any], phase: int) -> InputError | None:
    """The user's mistake in the options of an optimizer, as far as the exception is about one.

    Args:
        error: Raised by the constructor of the optimizer.
        options: What the user has given it.
        phase: Number of the phase.
    """
    if "unexpected keyword" in str(error):  # raised by the call, not by what it calls
        unknown = next((name for name in options if f"'{name}'" in str(error)), "")
        return InputError(f"phase {phase} of the method does not take the option {unknown!r}; drop it")
    last = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)][-1]
    if options and last.startswith("torch.optim"):  # it checks its options, our optimizers raise InputError
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        return InputError(f"the method does not take {given} ({error}); give other values")
    return None
