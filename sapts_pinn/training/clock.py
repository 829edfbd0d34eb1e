"""Time, work and budget of a run, and the agreement of its ranks on when to stop."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..objectives.base import Counters
from ..parallel.communicator import Communicator, SingleProcess
from ..runs.status import Status, StopReason
from .budget import Budget

ASK_EVERY = 1.0  # seconds between two questions among ranks whether to stop


class Clock:
    """Time, work and budget of a run, as this rank and as all ranks together see them.

    Args:
        budget: When to stop.
        communicator: The ranks that train together, each with a clock; by default this process alone.
        started: `time.monotonic()` when the user's command began, for the time to the first step.

    Attributes:
        budget: When to stop.
        ranks: The ranks.
        counters: Evaluations of this rank.
        apart: Whether the other ranks can no longer be asked.
        seconds_to_first_step: From the start of the command to the first accepted step; None before it.
    """

    def __init__(
        self, budget: Budget, communicator: Communicator | None = None, started: float | None = None
    ) -> None:
        self.budget, self.ranks = budget, communicator or SingleProcess()
        self.counters = Counters()
        self.apart = False
        self.seconds_to_first_step: float | None = None
        self._started = time.monotonic() if started is None else started
        self._before = 0.0  # seconds of earlier sessions
        self._begin, self._first = time.monotonic(), 0  # of this session, with its first iteration
        self._requested = Status()
        self._common, self._spent = 0.0, 0.0  # seconds, and share of the budget, that several ranks agreed on
        self._asking = 1  # iteration at which they agree again
        self._done = (0.0, 0.0), (0.0, 0.0)  # work of all ranks when they last agreed, and of this one

    # -- time and work -----------------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """Seconds of training so far, earlier sessions included."""
        return self._before + time.monotonic() - self._begin

    @property
    def common_seconds(self) -> float:
        """Seconds of training as all ranks see them: they may act on it together."""
        return self._common if self.ranks.size > 1 else self.seconds

    @property
    def seconds_left(self) -> float:
        """Seconds until the budget ends."""
        return max(self.budget.seconds - self.seconds, 0.0)

    @property
    def deadline(self) -> float:
        """`time.monotonic()` at which a long step should end; before it the ranks agree whether to stop."""
        return time.monotonic() + self.seconds_left + ASK_EVERY

    def used(self, iteration: int) -> float:
        """Spent share of the budget; several ranks go by what they last agreed on, and by their steps."""
        if self.ranks.size > 1:
            return max(self._spent, iteration / self.budget.iterations)
        return self.budget.used(self.seconds, iteration, self.counters.gradients)

    def total_work(self) -> list[float]:
        """Function and gradient evaluations of all ranks; they ask together, or this one estimates."""
        own = self.counters.functions, self.counters.gradients
        if self.apart:
            size = self.ranks.size
            return [
                a + size * (now - then)
                for a, now, then in zip(self._done[0], own, self._done[1], strict=True)
            ]
        spent = self.ranks.gather_objects(own)
        functions, gradients = (sum(work) for work in zip(*spent, strict=True))
        self._done = (functions, gradients), own
        return [functions, gradients]

    # -- events ------------------------------------------------------------------------------------

    def start(self, iteration: int) -> None:
        """Begin to count the seconds of this session, whose first step has this number."""
        self._begin, self._first = time.monotonic(), iteration

    def restore(self, seconds: float, work: Sequence[float], to_first_step: float | None) -> None:
        """Go on from an earlier session.

        Args:
            seconds: Its time.
            work: Function and gradient evaluations of all its ranks: rank 0 goes on counting from there.
            to_first_step: Its seconds to the first step.
        """
        self._before, self._begin = seconds, time.monotonic()  # the way here is not training
        self.counters.functions, self.counters.gradients = work if self.ranks.rank == 0 else (0.0, 0.0)
        self.seconds_to_first_step = to_first_step

    def discount(self, seconds: float) -> None:
        """Take time off that was not training, such as a callback's."""
        self._before -= seconds

    def step_accepted(self) -> None:
        """Note the time of the first accepted step."""
        if self.seconds_to_first_step is None:
            self.seconds_to_first_step = time.monotonic() - self._started

    def leave(self) -> None:
        """Ask the other ranks no more: they may be gone or elsewhere."""
        self.apart = self.ranks.size > 1

    def request_stop(self, reason: str) -> None:
        """Ask the run to end after the current step; the first reason counts."""
        self._requested = self._requested or Status(reason)

    # -- stopping ----------------------------------------------------------------------------------

    def ending(self, iteration: int, reached: Status, converged: bool) -> Status:
        """Why the run ends now, the same on all ranks; empty when it goes on.

        Args:
            iteration: Steps so far.
            reached: What this rank has reached: a target error or convergence; empty if nothing.
            converged: Whether that is convergence, which all ranks know at the same step.
        """
        own = self._requested or reached
        if self.ranks.size == 1:
            return own or self._budget_spent(iteration)
        if converged:
            return reached  # what one rank has requested, the others do not know
        if iteration >= self.budget.iterations:
            self._spent = 1.0
            return self._budget_spent(iteration)
        if iteration < self._asking:
            return Status()
        # Clocks, work, signals and errors are each rank's own.  Asking costs a round, so it is done about
        # once a second, at an iteration that rank 0 has set.
        pace = max(self.seconds - self._before, 1e-9) / max(iteration - self._first, 1)
        wait = min(max(int(min(ASK_EVERY, self.seconds_left) / pace), 1), 1000)
        answers = self.ranks.gather_objects((own, self.seconds, wait, self.counters.gradients))
        self._common, self._asking = answers[0][1], iteration + answers[0][2]
        work = sum(gradients for *_, gradients in answers)
        self._spent = self.budget.used(self._common, iteration, work)
        return next((reason for reason, *_ in answers if reason), None) or self._budget_spent(iteration)

    def _budget_spent(self, iteration: int) -> Status:
        return StopReason.BUDGET.status(self.budget) if self.used(iteration) >= 1 else Status()
