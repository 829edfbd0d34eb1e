"""Solve to an accuracy: until the error estimate says so, with larger networks where one stalls.

A run ends as soon as its estimate is within the accuracy, and so does one whose loss no longer falls.  The
next starts from its solution, with hidden layers `WIDER` and `MORE` points, in the time that is left.  No
reference is asked.  An estimate that calls itself not reliable has to be `DOUBTFUL` times smaller, which is
what such estimates of solutions without data were found to miss at most (docs/trust.md).  Beside measured
data, whose noise it may lack, it never suffices.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from ..callbacks.base import Callback, Estimate, RunView
from ..callbacks.functions import as_callbacks
from ..errors import InputError
from ..estimation.error_estimate import estimate_error
from ..problems import Problem
from ..results.diagnosis import FALLING, trend
from ..results.reference_error import compared
from ..results.solution import Solution
from ..runs.files import write_json
from ..runs.folder import run_path
from ..runs.status import Status, StopReason
from ..training.budget import Budget
from ..training.settings import Arguments
from .examination import quick_estimate
from .features import FEATURES
from .settings import RunSettings

DOUBTFUL = 30.0
WIDER, MORE = 1.5, 2
MOST_POINTS = 131_072
FIRST = 5.0  # seconds before the first estimate
SHARE = 0.05  # of the time may go into estimates
STEPS = 300  # of a run that may be called stalled
LEAST = 0.05  # share of the time with which another run is begun


def is_within(found: Estimate, accuracy: float, problem: Problem) -> bool:
    """Return whether the estimate of a solution of a problem is within an accuracy."""
    doubtful = math.inf if problem.estimates else DOUBTFUL
    return found.value * (1.0 if found.reliable else doubtful) <= accuracy


class AccuracyWatch(Callback):
    """Ends a run when its error estimate is within an accuracy, or when its loss falls no more.

    Args:
        accuracy: Relative L2 error that is wanted.
    """

    def __init__(self, accuracy: float) -> None:
        self.accuracy = accuracy
        self._due = FIRST

    def on_step(self, trainer: RunView) -> None:
        """Estimate with little effort where it is time, and with more before the run is ended for it."""
        if trainer.seconds < self._due:
            return
        begin = time.monotonic()
        found = quick_estimate(trainer.model)
        if found is not None and is_within(found, self.accuracy, trainer.model.problem):
            full, _ = estimate_error(
                trainer.model, counted=compared(trainer.model.problem) or None, seconds=trainer.seconds
            )
            found = Estimate(full.relative, full.reliable)
            if is_within(found, self.accuracy, trainer.model.problem):
                trainer.stop(StopReason.ACCURATE.status(f"{self.accuracy:g}"))
        if trainer.iteration >= STEPS and (fall := trend(trainer.history)) is not None and fall < FALLING:
            trainer.stop(StopReason.STALLED.status())
        self._due = trainer.seconds + (time.monotonic() - begin) / SHARE


def to_accuracy(
    run: Callable[[Problem, Arguments, float], Solution], problem: Problem, arguments: Arguments, began: float
) -> Solution:
    """Solve a problem to an accuracy.

    Args:
        run: Makes one run from the arguments of `solve`.
        problem: What to solve.
        arguments: Of `solve`, with an accuracy.
        began: `time.monotonic()` when the user's command began.

    Returns:
        The solution of the last run; its remarks say how large the networks before it were, and whether the
        accuracy was reached.
    """
    accuracy, remarks = arguments["accuracy"], list[str]()
    left, callbacks = Budget.parse(arguments["budget"]), as_callbacks(arguments["callbacks"])
    while True:
        watch = AccuracyWatch(accuracy)
        given = {**arguments, "budget": left, "callbacks": [*callbacks, watch]}
        solution = run(problem, given, began)
        found = _estimate(solution)
        told = "no error estimate" if found is None else f"an error estimate of {found.value:.1e}"
        reached = found is not None and is_within(found, accuracy, problem)
        rest = _left(left, solution)
        larger = None if reached or rest is None else grown(solution)
        if larger is None or rest is None:
            break
        left = rest
        size = f"{solution.result['parameters']} parameters on {solution.config['points']} points"
        remarks.append(f"before: {size} came to {told} in {solution.result['seconds']:.0f} s")
        began = time.monotonic()
        arguments = {**arguments, **larger, "init": solution, "resume": None, "own": None, "overwrite": True}
    if not reached:
        doubt = ", which is not reliable," if found is not None and not found.reliable else ""
        remarks.append(f"the accuracy of {accuracy:g} was not reached: {told}{doubt} is what there is")
    solution.result["remarks"] = [*solution.result["remarks"], *remarks]
    if arguments["out"] is not None:
        write_json(run_path(arguments["out"]) / "result.json", solution.result)
    return solution


def check_accuracy(accuracy: object, settings: RunSettings, ranks: int) -> None:
    """Make sure that an accuracy can be had.

    Raises:
        InputError: It is no number between 0 and 1, or the run is in windows or on several ranks.
    """
    if not (isinstance(accuracy, float | int) and 0 < accuracy < 1):
        raise InputError(f"accuracy must be a relative error between 0 and 1, not {accuracy!r}")
    if settings.windows != 1:
        raise InputError(
            f"accuracy cannot be had with windows={settings.windows}; drop it, or give windows=1"
        )
    if ranks > 1:
        raise InputError(f"accuracy is for one process, and there are {ranks}; drop it")


def grown(solution: Solution) -> Arguments | None:
    """Settings of a run that goes further than one that has ended; None where a larger one would not.

    The layers of a network that was not given by widths stay.
    """
    config, reason = solution.config, Status.parse(solution.result["status"]).reason
    ended = reason in (StopReason.STALLED, StopReason.CONVERGED, StopReason.OBJECTED)
    if not ended or config["method"] == FEATURES:
        return None
    points = min(MORE * config["points"], MOST_POINTS)
    found: Arguments = {"points": points, "method": None if config["chosen"] else config["method"]}
    if isinstance(widths := config["network"], list):
        found["network"] = tuple(math.ceil(WIDER * width) for width in widths)
        found["activation"] = config["activation"]
    elif points == config["points"]:
        return None
    return found


def _estimate(solution: Solution) -> Estimate | None:
    """The error estimate of a solution; None without one."""
    found = solution.result.get("error_estimate")
    if found is None or found["relative"] is None:
        return None
    return Estimate(found["relative"], found["reliable"])


def _left(budget: Budget, solution: Solution) -> Budget | None:
    """Rest of a budget after a run; None where it is next to nothing."""
    r = solution.result
    seconds = budget.seconds - r["seconds"]
    iterations = budget.iterations - r["iterations"]
    evaluations = budget.evaluations - r["gradient_evaluations"]
    if min(seconds / budget.seconds if budget.seconds < math.inf else 1.0, iterations, evaluations) < LEAST:
        return None
    return Budget(seconds, iterations, evaluations)
