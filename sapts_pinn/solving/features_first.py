"""Random features before any training: tried for seconds, and gone on with where they do next to everything.

Where a solution is smooth, random features come to 1e-9 or better in less time than a network needs for its
first digits; where it has layers, they come nowhere, and their residuals on fresh points show it early.  So
`solve` without a method begins with them.  The trial ends when its residual is `ENOUGH`, and the run goes on
from there with the method `features`; or when more units cannot be expected to bring it there, and a network
is trained in the time that is left.  Both go by residuals on fresh points alone, so that a seed fixes what
becomes of a run, unless its time is too short for the trial.

An initial value problem over a long time is too much for one set of units, and a network trained on all of
it at once often ends in a constant.  Where time is the only coordinate, windows of it are sought whose
lengths random features can follow (`steps.py`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from ..audit import audited
from ..callbacks.base import Callback, RunView
from ..errors import InputError
from ..geometry import Time
from ..networks.time_windows import check
from ..optim.features import FeatureSolve
from ..optim.methods import method as find_method
from ..parallel.communicator import Communicator
from ..problems import Problem
from ..runs.content import TrainerState
from ..runs.status import StopReason
from ..training.budget import Budget
from ..training.clock import Clock
from ..training.course import Course
from ..training.settings import Arguments
from ..training.trainer import Trainer
from .features import FEATURES, refusal, settings_of
from .making import made
from .settings import AUTO, RunSettings

ENOUGH = 1e-7  # relative residual on fresh points that is gone on with
EARLY, STUCK = 200, 0.3  # number of units with which a larger residual ends the trial
JUDGED = 400  # number of units, or half of the most, from which on the rest is foreseen
SHARE = 0.5  # of the time, at most
OF_TRAINING = (
    "network", "activation", "points", "condition_points", "sampler", "adaptive", "resample", "windows",
)  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """Random features, tried.

    Attributes:
        settings: Of a run by random features.
        state: Of its trainer, to go on from; None where a network is to be trained.
        words: Half a sentence on what was found.
        seconds: Time taken.
        stopped: Why the user stopped it; empty otherwise.
    """

    settings: RunSettings
    state: TrainerState | None
    words: str
    seconds: float
    stopped: str = ""


def trial_of(
    problem: Problem, arguments: Arguments, settings: RunSettings, ranks: Communicator
) -> Trial | None:
    """Try random features for a new run that may be solved by them; None where it may not.

    Args:
        problem: What to solve.
        arguments: Of `solve`.
        settings: Of the run, as for training.
        ranks: The ranks.
    """
    if not features_are_open(problem, arguments, settings, ranks.size):
        return None
    return tried(problem, _of_features(problem, arguments), ranks)


def in_time_alone(problem: Problem, arguments: Arguments) -> bool:
    """Return whether a problem is one of ordinary differential equations that can be solved in windows."""
    if not all(isinstance(factor, Time) for factor in problem.domain.factors()):
        return False
    try:
        check(problem, 2)
    except InputError:
        return False
    return arguments["target_error"] is None  # which windows cannot have


def features_are_open(problem: Problem, arguments: Arguments, settings: RunSettings, ranks: int) -> bool:
    """Return whether a run may be solved by random features without having been asked to.

    It may where neither a method is named nor a setting of a training, and where the budget is a time.
    """
    named = [name for name in ("init", "resume", "parts", *OF_TRAINING) if arguments.get(name) is not None]
    budget = settings.budget
    counted = min(budget.iterations, budget.evaluations) < math.inf or not budget.seconds < math.inf
    if named or counted or settings.method != AUTO or settings.options or settings.windows != 1:
        return False
    if problem.obstacles:  # their edges are kinks
        return False
    return refusal(problem, _of_features(problem, arguments), ranks, None) is None


def _of_features(problem: Problem, arguments: Arguments) -> RunSettings:
    """Settings of a run by random features in place of a run without a method."""
    return settings_of(problem, RunSettings.given({**arguments, "method": FEATURES}))


def tried(problem: Problem, settings: RunSettings, ranks: Communicator) -> Trial:
    """Try random features.

    Args:
        problem: What to solve.
        settings: Of a run by random features.
        ranks: This process.
    """
    began = time.monotonic()
    model, collocation = made(problem, settings, ranks)
    course = Course(find_method(FEATURES), settings.options, settings.resample)
    clock = Clock(Budget(seconds=SHARE * settings.budget.seconds), ranks, began)
    judge = Judge(settings)
    trainer = Trainer(model, collocation, course, clock, callbacks=[judge])
    trainer.run()
    optimizer, status = trainer.optimizer, trainer.status
    assert isinstance(optimizer, FeatureSolve)
    words = f"random features leave {optimizer.score:.0e} of the equation"
    if status.reason is StopReason.INTERRUPTED:
        return Trial(settings, None, words, time.monotonic() - began, status)
    if trainer.failure is not None or optimizer.score > ENOUGH:  # training raises what is the user's
        return Trial(settings, None, words, time.monotonic() - began)
    if optimizer.best is None or not bool(optimizer.best.outer.any()):
        zero = ", ".join(f"{name} = 0" for name in problem.unknown_names)
        return Trial(settings, None, f"random features find {zero}", time.monotonic() - began)
    found, _ = audited(model.assemble(), collocation.sites)
    if found is None or not found.passed:
        words += ", but the audit objects to what they found"
        return Trial(settings, None, words, time.monotonic() - began)
    return Trial(settings, {**trainer.state_dict(), "seconds": time.monotonic() - began}, words, 0.0)


class Judge(Callback):
    """Ends a trial as soon as its outcome is clear.

    Args:
        settings: Of the run.
    """

    def __init__(self, settings: RunSettings) -> None:
        network = settings.network
        assert isinstance(network, tuple)
        self.most = int(network[0])

    def on_step(self, trainer: RunView) -> None:
        """Judge by the residuals with each number of units so far."""
        optimizer: object = trainer.optimizer
        assert isinstance(optimizer, FeatureSolve)
        if optimizer.score <= ENOUGH:
            trainer.stop("promising")
        elif is_hopeless(optimizer.left, self.most):
            trainer.stop("hopeless")


def is_hopeless(left: Mapping[int, float], most: int) -> bool:
    """Return whether more units cannot be expected to leave `ENOUGH`.

    The residual of an analytic solution falls geometrically with the number of units, or more slowly.

    Args:
        left: Relative residuals on fresh points, by number of units.
        most: Units at most.
    """
    counts = sorted(left)
    if len(counts) < 2:
        return False
    before, last = counts[-2:]
    if last >= EARLY and left[last] > STUCK:
        return True
    if last < min(JUDGED, most / 2):
        return False
    factor = min(left[last] / left[before], 1.0)
    foreseen: float = left[last] * factor ** ((most - last) / (last - before))
    return foreseen > ENOUGH
