"""`sapts-pinn solve --method sapts`: the three SAPTS methods one after the other, and their comparison."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..catalogue import SAPTS
from ..errors import InputError
from ..training.settings import Arguments
from . import runs
from .app import DONE
from .messages import is_file, several

THREE = "sapts"


def is_asked(chosen: object) -> bool:
    """Test whether the three methods were asked for.

    Args:
        chosen: Settings of the command.
    """
    return getattr(chosen, "method", None) == THREE


def solve_each(solve: Callable[..., int], arguments: Arguments) -> int:
    """Run `solve` once for each method, in folders of their own, and print the comparison.

    Args:
        solve: The command.
        arguments: Of the command, by name.

    Returns:
        The exit status: that of the first run which was cut short, after which no other begins.

    Raises:
        InputError: An earlier run is to be continued, or there are several ranks.
    """
    from ..results.comparison import compare_folders
    from ..results.report import write_comparison

    if arguments["resume"] is not None:
        raise InputError(
            f"--method {THREE} begins three runs; continue one of them with --resume FOLDER and no --method"
        )
    if several():
        raise InputError(
            f"--method {THREE} runs in one process; under torchrun name one of {', '.join(SAPTS)}"
        )
    chosen: Any = arguments["chosen"]
    name = arguments["problem"] or ""
    short = Path(name.rpartition(":")[0] or name).stem if is_file(name) else name
    folder = arguments["out"] or runs.fresh_folder(f"{short}-{THREE}-seed{chosen.seed or 0}")
    told = {"quiet": arguments["quiet"] or arguments["json"], "json": False}
    status, made = DONE, []
    for method in SAPTS:
        place = folder / method
        again = {**arguments, **told, "chosen": replace(chosen, method=method), "out": place}
        status = solve(again.pop("problem"), **again)
        made.append(place)
        if status != DONE:
            break
    if arguments["json"]:
        results = {place.name: json.loads((place / "result.json").read_text()) for place in made}
        print(json.dumps(results, indent=2))
    elif not arguments["quiet"]:
        found = compare_folders(made)
        page = write_comparison(found, folder / "comparison.html")
        print(f"\n{found}\ncomparison: {page}")
    return status
