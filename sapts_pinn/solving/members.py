"""Runs that belong together, seeds of an ensemble or windows in time: begun, continued or read again.

An interrupted set of runs goes on where it was: what has ended is read, what was under way is resumed from
its checkpoint, and what had not begun gets the settings of the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..problems import Problem
from ..results.solution import Solution
from ..runs.content import Checkpoint, Config, Result
from ..runs.folder import run_path
from ..runs.manifest import read_config
from ..runs.resuming import load_state
from ..runs.status import Status, StopReason
from ..training.budget import Budget
from ..training.settings import Arguments
from .own_points import saved_points
from .settings import AUTO, RunSettings

Solve = Callable[..., Any]
FIXED = ("method", "seed", "dtype", "network", "activation")  # what a run that has ended cannot change
ENDED = (StopReason.TARGET, StopReason.CONVERGED, StopReason.OBJECTED, StopReason.EXHAUSTED)


def own_folder(out: str | Path | None, resume: str | Path | None, what: str) -> Path | None:
    """Folder of a set of runs.

    Args:
        out: Where new ones are written.
        resume: Where they go on.
        what: Their name in the message.

    Raises:
        InputError: These are two folders.
    """
    if resume is None:
        return None if out is None else run_path(out)
    folder = run_path(resume)
    if out is not None and run_path(out).resolve() != folder.resolve():
        raise InputError(f"{what} go on in their own folder {folder}: drop out={str(out)!r}")
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder} whose {what} could go on")
    return folder


def as_before(folder: Path, settings: Arguments) -> Arguments:
    """Arguments of `solve` for a further run of a set, with the settings of an earlier one.

    Args:
        folder: Of the earlier run; without a checkpoint there the arguments stay.
        settings: The arguments; what is given wins.
    """
    if not (folder / "checkpoint.pt").is_file():
        return settings
    config = read_config(folder)
    known: Arguments = {**RunSettings.arguments(config), "points": saved_points(load_state(folder)[1])}
    if known["points"] is None:
        known["points"] = config["points"]
    if settings.get("method", AUTO) == AUTO:
        settings = {**settings, "method": config["method"]}
    names = (*RunSettings.names("kept"), "network", "activation", "options")
    kept = {name: known.get(name) for name in names if settings.get(name) is None}
    return {**settings, **kept}


def member(
    train: Solve, problem: Problem, folder: Path, *, budget: str | float | Budget, **settings: Any
) -> Any:
    """Solution of a run of a set that goes on: read where it has ended, else continued or begun.

    Args:
        train: `solve`.
        problem: What to solve.
        folder: Of the run.
        budget: Of the run.
        **settings: Other arguments of `solve`.

    Raises:
        InputError: The folder is of another run.
    """
    if not (folder / "checkpoint.pt").is_file():
        again = {"resume": folder} if (folder / "window1").is_dir() else {"out": folder, "overwrite": True}
        return train(problem, budget=budget, **{**settings, **again})
    state = load_state(folder)[1]
    if not _has_ended(folder, state, Budget.parse(budget)):
        return train(problem, budget=budget, **{**settings, "resume": folder, "init": None})
    _check_alike(folder, read_config(folder), settings)
    return Solution.load(folder, problem, settings.get("network"))


def _has_ended(folder: Path, state: Checkpoint, budget: Budget) -> bool:
    """Return whether a run cannot go on: its budget is spent, or it has reached what it could."""
    saved, file = state["trainer"], folder / "result.json"
    if budget.used(saved["seconds"], saved["iteration"], saved["counters"][1]) >= 1:
        return True
    result: Result = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    there = result.get("iterations") == saved["iteration"]
    return there and Status.parse(result["status"]).reason in ENDED


def _check_alike(folder: Path, config: Config, settings: Arguments) -> None:
    """Make sure that a run that has ended had the settings that are given now.

    Raises:
        InputError: It had not.
    """
    for name in FIXED:
        was: object = config.get(name)
        now = settings.get(name)
        now = list(now) if isinstance(now, tuple) else now
        if now in (None, AUTO) or not isinstance(now, (str, int, list)):
            continue
        if str(now).removeprefix("torch.") != str(was):
            raise InputError(
                f"{folder} is of another run: its {name} is {was!r}, not {now!r}; give the same {name}"
            )
