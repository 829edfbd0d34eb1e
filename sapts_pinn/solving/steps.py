"""Windows of time whose lengths are found, for initial value problems of ordinary differential equations.

A stiff system moves within a millionth of its time at first, and hardly at all at the end: no number of equal
windows suits both.  So each window is as long as a few random units can follow: it is solved with
`UNITS`, is taken where they leave no more than `ENOUGH` of the equation on fresh points, and is tried again,
shorter, where they leave more.  The next one is tried longer.  Natural sizes are found anew in each, from the
values at its start and the change within it, so that an unknown of size 1e-5 beside one of size 1 has its
own.  Least squares in a window are implicit: a rate that is fast against the window is no obstacle once its
transient has died away.

Source: Fabiani, Galaris, Russo and Siettos, arXiv:2203.05337, with a variable step by a residual; here the
residual is that on fresh points, and widths and rank are found in every window (`optim/features/`).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import torch

from ..audit.state import State, rms
from ..networks.model import Model
from ..networks.time_windows import time_of, window
from ..optim.features import OVER, FeatureSolve
from ..optim.methods import method as find_method
from ..parallel.communicator import Communicator
from ..problems import Problem
from ..runs.status import StopReason
from ..training.budget import Budget
from ..training.clock import Clock
from ..training.course import Course
from ..training.trainer import Trainer
from .features import FEATURES
from .features_first import Trial
from .making import made
from .settings import RunSettings

UNITS = 60  # of a window
ENOUGH = 1e-8  # relative residual on fresh points with which a window is taken
ROUNDED = 1e-12  # residual over the equation's terms, where a change is too small for the former
FIRST = 0.25  # of the whole time, which has been tried before
LONGER, MUCH_LONGER, EASY = 2.0, 4.0, 1e-11  # times as long next; where the residual is so small
SHORTER, MUCH_SHORTER, FAR = 0.5, 0.125, 1e-4  # times as long again; where it is still larger
SHORTEST, LEAST = 1e-13, 1e-20  # of the time at its start, and of the whole, which a window has at least
MOST = 1_000  # windows
LAST = 1.3  # times a window's length, up to which it goes on to the end
CHECKED = 512  # points at which the terms are looked at


@dataclass(frozen=True)
class Steps:
    """Windows that follow each other over all of the time, or why there are none.

    Attributes:
        meet: Times at which they meet.
        trials: Of random features, one for each window.
        why: Why they do not come to the end, half a sentence; empty where they do.
        stopped: Why the user stopped it; empty otherwise.
    """

    meet: list[float]
    trials: list[Trial]
    why: str = ""
    stopped: str = ""

    @property
    def complete(self) -> bool:
        """Test for windows that come to the end of the time."""
        return not self.why and not self.stopped


def in_steps(problem: Problem, whole: Trial, ranks: Communicator, until: float) -> Steps:
    """Find windows that random features can follow, one after the other.

    Args:
        problem: What to solve, over the whole time.
        whole: The trial there.
        ranks: This process.
        until: `time.monotonic()` at which to give up.
    """
    lower, upper = time_of(problem).bounds[:, 0].tolist()
    settings = _of_a_window(problem, whole.settings)
    meet: list[float] = []
    trials: list[Trial] = []
    before: Model | None = None
    start, length, name = lower, FIRST * (upper - lower), time_of(problem).names[0]
    began = time.monotonic() - whole.seconds  # of the window that is sought
    while True:
        if time.monotonic() > until or len(trials) == MOST:
            came = f"{len(trials)} windows of time came to {name}={start:.3g} of {upper:.3g}"
            return Steps(meet, trials, came)
        end = upper if start + LAST * length >= upper else start + length
        last = end == upper
        part = window(problem, [*meet] if last else [*meet, end], len(trials), before)
        tried = _tried(part, settings, ranks, until)
        status = tried.trainer.status
        if status.reason is StopReason.INTERRUPTED:
            return Steps(meet, trials, stopped=status)
        if tried.trainer.failure is not None:  # training raises what is the user's
            return Steps(meet, trials, f"a window of time from {name}={start:.3g} on failed")
        if tried.left <= ENOUGH:
            now = time.monotonic()
            meet, trials, before = (
                [*meet, end],
                [*trials, tried.ended(now - began, whole.settings.budget)],
                tried.model,
            )
            began = now
            if last:
                return Steps(meet[:-1], trials)
            length = (MUCH_LONGER if tried.left < EASY else LONGER) * (end - start)
            start = end
        else:
            length = (MUCH_SHORTER if tried.left > FAR else SHORTER) * (end - start)
            if length < max(SHORTEST * abs(start), LEAST * (upper - lower)):
                return Steps(meet, trials, f"no window of time from {name}={start:.3g} on is short enough")


def _of_a_window(problem: Problem, settings: RunSettings) -> RunSettings:
    """Settings of a run by random features in a window."""
    m = len(problem.unknown_names)
    points = OVER * m * (UNITS + 1) // problem.equation_term.rows
    return replace(settings, method=FEATURES, network=(UNITS,), points=points)


@dataclass(frozen=True)
class _Tried:
    """Random features in a window.

    Attributes:
        model: What they found.
        left: What they leave of the equation.
        trainer: The run.
        settings: Its settings.
    """

    model: Model
    left: float
    trainer: Trainer
    settings: RunSettings

    def ended(self, seconds: float, budget: Budget) -> Trial:
        """The run, to go on from within a budget; it has taken so many seconds with those before it."""
        words = f"random features leave {self.left:.0e} of the equation"
        settings = replace(self.settings, budget=budget)
        return Trial(settings, {**self.trainer.state_dict(), "seconds": seconds}, words, 0.0)


def _tried(problem: Problem, settings: RunSettings, ranks: Communicator, until: float) -> _Tried:
    began = time.monotonic()
    settings = replace(settings, budget=Budget(seconds=max(until - began, 1.0)))
    model, collocation = made(problem, settings, ranks)
    course = Course(find_method(FEATURES), settings.options, settings.resample)
    trainer = Trainer(model, collocation, course, Clock(settings.budget, ranks, began))
    trainer.run()
    optimizer, whole = trainer.optimizer, model.assemble()
    assert isinstance(optimizer, FeatureSolve)
    left = optimizer.score
    if left > ENOUGH and trainer.failure is None and _relative(whole) < ROUNDED:
        left = ENOUGH
    return _Tried(whole, left, trainer, settings)


def _relative(model: Model) -> float:
    """Residual over the terms of the equation, the largest of all rows."""
    state = State(model, CHECKED)
    scale = state.scale.clamp(min=torch.finfo(torch.float64).tiny)
    value = float((rms(state.terms.residual) / scale).max())
    return value if math.isfinite(value) else math.inf
