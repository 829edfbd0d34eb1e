"""`march`: solve a problem window by window in time; `solve(windows=...)` calls it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from torch import Tensor

from ..audit import together
from ..errors import InputError
from ..networks.model import Model
from ..networks.time_windows import check, edges, joined, window
from ..parallel.communicator import Communicator
from ..parallel.torchrun import connect
from ..problems import Problem
from ..problems.fingerprint import fingerprint
from ..problems.written import statement_of
from ..results.doubt import object_to
from ..results.reference_error import error_measure
from ..results.solution import Solution
from ..runs.content import Config, Result, Row, cell
from ..runs.folder import prepare_folder, saved_units
from ..runs.status import Status, StopReason
from ..training.budget import Budget
from .examination import attempt
from .members import as_before, member, own_folder
from .own_points import in_windows, own_points


def march(
    train: Callable[..., Solution],
    problem: Problem,
    windows: int,
    *,
    meet: Sequence[float] | None = None,
    budget: str | float | Budget,
    out: str | Path | None,
    overwrite: bool,
    resume: str | Path | None = None,
    chosen: str | None = None,
    **settings: Any,
) -> Solution:
    """Train one network for each of some windows in time, each going on where the one before ended.

    Args:
        train: `solve`.
        problem: What to solve, with a time in its domain and nothing that all times share (coefficients,
            observations).
        windows: How many.
        meet: Times at which they meet, where these were found; None for equal ones.
        budget: Of all windows together; each has the same share.
        out: Folder to write: the whole solution, and the run of each window in `window1`, `window2`, ...
        overwrite: Whether `out` may hold an earlier run, which is replaced.
        resume: Such a folder to go on with: windows that have ended are read, the next one continues.
        chosen: Why the method and the windows were chosen; None where they were asked for.
        **settings: Other arguments of `solve`.

    Returns:
        The solution over the whole time.  Its history has a column `window`; `loss` is the sum over windows,
        and the diagnosis that of the window with the largest.

    Raises:
        InputError: The problem or a setting cannot be had in windows.
    """
    check(problem, windows)
    at = edges(problem, windows) if meet is None else [*meet]
    if settings.pop("target_error", None) is not None:
        raise InputError(
            f"target_error cannot be had with windows={windows}, one by one; drop it, or give windows=1"
        )
    folder = own_folder(out, resume, "windows")
    own = own_points(settings.get("points"), problem)
    if resume is not None and folder is not None:
        settings = as_before(folder / "window1", settings)
        if own is None and isinstance(settings.get("points"), Tensor):
            raise InputError(
                f"the windows in {folder} were trained on points of your own: give points as well"
            )
    shares = None if own is None else in_windows(own, problem, windows)
    limits = Budget.parse(budget)
    share = Budget(*(limit / windows for limit in (limits.seconds, limits.iterations, limits.evaluations)))
    ranks = settings["communicator"] = settings.get("communicator") or connect(settings.get("device", "cpu"))
    writes = folder is not None and ranks.rank == 0
    if writes and folder is not None:
        prepare_folder(folder, overwrite or resume is not None, keep=resume is not None)
    runs: list[Solution] = []
    models: list[Model] = []
    for number in range(windows):
        part = window(problem, at, number, models[-1] if models else None)
        inside = None if folder is None else folder / f"window{number + 1}"
        if shares is not None:
            settings["points"] = shares[number]
        given = {**settings, "budget": share, "overwrite": overwrite, "windows": 1}
        if resume is None or inside is None:
            runs.append(train(part, out=inside, **given))
        else:
            runs.append(member(train, part, inside, **given))
        models.append(cast("Model", runs[-1].model))  # of one window
        _check_ended(runs[-1], f"window {number + 1} of {windows}", windows, folder if meet is None else None)
    solution = _whole(problem, at, runs, models, limits)
    solution.config["uneven"] = meet is not None
    if chosen is not None:
        solution.config["chosen"] = solution.result["chosen"] = chosen
    _examine(solution, ranks)
    if writes and folder is not None:
        solution.save(folder)
    return solution


def _examine(solution: Solution, ranks: Communicator) -> None:
    """Put quantities and an error estimate into the result of the whole."""
    result = solution.result
    if solution.problem.quantities:
        nothing: dict[str, dict[str, float | None]] = {}
        found = attempt(lambda: solution.quantities, nothing, "quantities", result["remarks"])
        result["quantities"] = found
    if ranks.rank == 0:
        solution.add_estimate()
    result["error_estimate"] = ranks.gather_objects(result["error_estimate"])[0]
    object_to(result)


def _check_ended(run: Solution, what: str, windows: int, folder: Path | None) -> None:
    """Make sure that another window can follow; one that was read may lack its examination.

    Raises:
        InputError: It was interrupted, or has failed.
    """
    how = Status.parse(run.result["status"])
    if not how.reason.is_regular and how.reason is not StopReason.UNFINISHED:
        again = f"; go on by solve(..., windows={windows}, resume={str(folder)!r})" if folder else ""
        raise InputError(f"{what} ended early ({how}); no other can follow{again}")


def _whole(
    problem: Problem, meet: list[float], runs: list[Solution], models: list[Model], limits: Budget
) -> Solution:
    """Solution over the whole time, made of those of its windows."""
    model = joined(problem, meet, lambda of: models[0], models)
    measure = error_measure(problem)
    result: Result = {
        **_result([run.result for run in runs]),
        "problem": problem.name,
        "relative_l2_error": None if measure is None else measure(model),
        "status": _ended(runs, limits),
    }
    config: Config = {
        **runs[0].config, "problem": problem.name, "budget": str(limits), "windows": len(runs),
        "edges": meet, "description": str(problem),
        "statement": statement_of(problem), "fingerprint": fingerprint(problem),
        "scales": [units for run in runs if (units := saved_units(run.config)[0]) is not None],
    }  # fmt: skip
    return Solution(problem, model, config, _history(runs), result)


def _ended(runs: list[Solution], limits: Budget) -> Status:
    """Status of the whole: that of the windows where all ended by themselves, else their budget is spent."""
    reasons = {Status.parse(run.result["status"]).reason for run in runs}
    for worst in (StopReason.OBJECTED, StopReason.EXHAUSTED, StopReason.CONVERGED):
        if worst in reasons and reasons <= {StopReason.OBJECTED, StopReason.EXHAUSTED, StopReason.CONVERGED}:
            return worst.status()
    return Status(f"budget spent ({limits}), {len(runs)} windows", StopReason.BUDGET)


def _result(windows: list[Result]) -> Result:
    """Facts of all windows together: the sums of their work and losses, else those of the worst."""
    worst = max(windows, key=lambda one: one["loss"])
    return {
        **worst,
        "iterations": sum(one["iterations"] for one in windows),
        "function_evaluations": sum(one["function_evaluations"] for one in windows),
        "gradient_evaluations": sum(one["gradient_evaluations"] for one in windows),
        "seconds": sum(one["seconds"] for one in windows),
        "parameters": sum(one["parameters"] for one in windows),
        "loss": sum(one["loss"] for one in windows),
        "audit": together([one.get("audit") for one in windows]),
        "remarks": list(worst.get("remarks", ())),
    }


def _history(runs: list[Solution]) -> list[Row]:
    """Concatenate the histories of the windows; steps and seconds are counted on."""
    rows: list[Row] = []
    steps: float = 0
    seconds = 0.0
    for number, run in enumerate(runs, 1):
        for row in run.history:
            at = {"iteration": cell(row, "iteration") + steps, "seconds": cell(row, "seconds") + seconds}
            rows.append({**row, **at, "window": number})
        steps, seconds = cell(rows[-1], "iteration"), cell(rows[-1], "seconds")
    return rows
