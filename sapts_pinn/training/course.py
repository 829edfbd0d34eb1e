"""The course of a method: its phases one after the other, each with its optimizer.

In its first steps a network may take a jump between collocation points to a wrong solution, which has no
residual elsewhere.  The jump grows thinner for as long as the points stay, until no other points find it; so
the first points are replaced early (`EARLY`), and then at long intervals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from traceback import walk_tb

from torch import Tensor

from ..errors import InputError
from ..optim.base import Optimizer
from ..optim.methods import Method, Phase
from ..parallel.communicator import Communicator
from ..runs.content import CourseState

EARLY = (50, 100, 200)  # steps after which points are drawn anew in the first interval of a method


class Course:
    """The phases of a method, and the optimizer of the current one.

    Args:
        method: The method.
        options: Keyword arguments of the optimizers, such as `radius`.
        resample: Steps between resamplings; None leaves it to the method and to `EARLY`, 0 never resamples.

    Attributes:
        method: The method.
        number: Index of the current phase.
        start: Its first iteration.
        optimizer: Its optimizer.
    """

    optimizer: Optimizer

    def __init__(
        self, method: Method, options: Mapping[str, object] | None = None, resample: int | None = None
    ) -> None:
        self.method, self.options, self.resample = method, dict(options or {}), resample
        self.number, self.start = 0, 0
        self._parameters: list[Tensor] = []

    @property
    def phase(self) -> Phase:
        """The current phase."""
        return self.method.phases[self.number]

    def begin(self, parameters: Sequence[Tensor], ranks: Communicator) -> None:
        """Make the optimizer of the current phase.

        Args:
            parameters: What it trains.
            ranks: The ranks, for an optimizer that divides its work.

        Raises:
            InputError: It does not take the options.
        """
        self._parameters = list(parameters)
        options = {**self.options, "communicator": ranks} if self.phase.takes_ranks else self.options
        try:
            self.optimizer = self.phase.make(self._parameters, **options)
        except (TypeError, ValueError) as error:
            refused = _refusal(error, self.options, self.number + 1)
            if refused is None:
                raise
            raise refused from error

    def is_over(self, used: float) -> bool:
        """Return whether the next phase begins, at a spent share of the budget."""
        return self.number + 1 < len(self.method.phases) and used >= self.phase.share

    def advance(self, iteration: int, parameters: Sequence[Tensor], ranks: Communicator) -> None:
        """Begin the next phase at an iteration."""
        self.number, self.start = self.number + 1, iteration
        self.begin(parameters, ranks)

    def follow(self, parameters: Sequence[Tensor], ranks: Communicator) -> bool:
        """Train the parameters that the model has now; return whether new points have changed them."""
        now, then = parameters, self._parameters
        if len(now) == len(then) and all(a is b for a, b in zip(now, then, strict=True)):
            return False
        self.begin(parameters, ranks)
        return True

    def resamples(self, iteration: int) -> bool:
        """Return whether the points are drawn anew before a step."""
        every = self.phase.resample if self.resample is None else self.resample
        steps = iteration - self.start
        early = self.resample is None and steps in EARLY and steps < every
        return bool(every and steps and (early or steps % every == 0))

    def restore(self, state: CourseState, parameters: Sequence[Tensor], ranks: Communicator) -> None:
        """Take over the phase and the optimizer of a saved run."""
        self.number, self.start = state["phase"], state["phase_start"]
        self.begin(parameters, ranks)
        self.optimizer.load_state_dict(state["optimizer"])

    def state_dict(self) -> CourseState:
        """Entries of a checkpoint."""
        return {"optimizer": self.optimizer.state_dict(), "phase": self.number, "phase_start": self.start}


def _refusal(error: Exception, options: Mapping[str, object], phase: int) -> InputError | None:
    """Turn the exception of an optimizer's constructor into the user's mistake, if it is one.

    Args:
        error: The exception.
        options: What the user has given it.
        phase: Number of the phase.
    """
    if re.search("unexpected keyword|multiple values", str(error)):  # of the call, not of what it calls
        unknown = next((name for name in options if f"'{name}'" in str(error)), "")
        return InputError(f"phase {phase} of the method does not take the option {unknown!r}; drop it")
    last = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)][-1]
    if options and last.startswith("torch.optim"):  # it checks its options, our optimizers raise InputError
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        return InputError(f"the method does not take {given} ({error}); give other values")
    return None
