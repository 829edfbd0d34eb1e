"""Relative L2 error of problems x methods x seeds at one budget: a table, and the error against time.

Every run is a process of its own, one after the other.  Results are written as they come: an interrupted
suite goes on where it was when the same command is given again.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import InputError
from ..harness.child import in_child
from ..harness.options import Names, Whole, Wholes, chosen_names, chosen_seeds, chosen_threads
from ..harness.report import (
    Row,
    entries,
    failed,
    finish,
    folder_for,
    header,
    machine,
    save,
    say,
    spread,
    table,
)

PROBLEMS = ("poisson-2d", "burgers", "allen-cahn", "poisson-lshape")
METHODS = ("tr", "adam", "lbfgs", "adam-lbfgs")
SEEDS = (0, 1, 2)
KEPT = (
    "relative_l2_error",
    "loss",
    "iterations",
    "gradient_evaluations",
    "seconds",
    "status",
)  # of result.json

Cell = tuple[str, str, int]  # problem, method, seed


def run(
    *,
    problems: Names | None = None,
    methods: Names | None = None,
    budget: str = "60s",
    seeds: Wholes | None = None,
    threads: Whole | None = None,
    out: Path | None = None,
) -> None:
    """Accuracy of the methods at one budget.

    Args:
        problems: Separated by commas: names of `sapts-pinn list`, FILE.py or FILE.py:object.
        methods: Separated by commas.
        budget: Of every run: "60s", "500 iterations", "10000 evaluations".
        seeds: Separated by commas.
        threads: Of every run. [default: one per core]
        out: Folder for the results, and for going on with them. [default: bench-results/solve]
    """
    from ...optim.methods import method as find_method
    from ...solving.sources import load_source
    from ...training.budget import Budget

    methods = chosen_names(methods, METHODS)
    seeds = chosen_seeds(seeds, SEEDS)
    budget = str(Budget.parse(budget))
    for name in methods:
        find_method(name)
    sources = {source.short: source.text for source in map(load_source, problems or PROBLEMS)}
    facts = machine()
    threads = chosen_threads(threads, facts)
    folder = folder_for("solve", out)
    fixed = {"budget": budget, "threads": threads, "precision": "float64"}
    done = _earlier(folder, fixed)
    # Seeds outermost: whatever has been run when it is interrupted compares all methods.
    cells = [(problem, method, seed) for seed in seeds for problem in sources for method in methods]
    missing = [cell for cell in cells if cell not in done]
    say(f"{len(cells)} runs of {budget}, {len(cells) - len(missing)} of them known from before")
    try:
        for cell in missing:
            say("{}  {}  seed {}".format(*cell))
            row = _row(cell, sources[cell[0]], budget, threads, folder)
            done[cell] = {**row, "git_commit": facts["versions"]["git_commit"]}
            save(folder, "solve", facts, fixed, list(done.values()))
    except KeyboardInterrupt:
        raise KeyboardInterrupt("interrupted; the same command goes on from here") from None
    rows = [done[cell] for cell in cells]
    title = header("Relative L2 error, median [min, max] over the seeds", facts, {**fixed, "seeds": seeds})
    notes = [
        "note: {problem}, {method}, seed {seed}: {status}".format(**row)
        for row in rows
        if row.get("broken") or failed(row)
    ]
    commits = {row["git_commit"] for row in rows}
    if len(commits) > 1:
        notes.append(
            f"note: these are runs of {len(commits)} versions of the code; another --out starts anew"
        )
    picture = _plot(folder, rows)
    text = "\n".join([title, _table(rows), *notes])
    finish(folder, "solve", text, facts, fixed, list(done.values()), picture=picture.name)


def _row(cell: Cell, source: str, budget: str, threads: int, folder: Path) -> Row:
    """Train once, in a child process."""
    problem, method, seed = cell
    where = f"runs/{problem}-{method}-seed{seed}"
    row: Row = {"problem": problem, "method": method, "seed": seed, "run": where}
    try:
        return row | in_child(
            measure,
            problem=source,
            method=method,
            seed=seed,
            budget=budget,
            threads=threads,
            out=str(folder / where),
        )
    except RuntimeError as error:  # the others go on; the next time it is tried again
        say(str(error))
        return row | {"status": str(error), "broken": True}


def _earlier(folder: Path, fixed: Mapping[str, object]) -> dict[Cell, Row]:
    """Results of an earlier session.

    Raises:
        InputError: They are of other settings, or unreadable.
    """
    path = folder / "bench.json"
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text())
        settings = content["settings"]
        rows = {(row["problem"], row["method"], row["seed"]): row for row in content["rows"]}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged; give another --out") from error
    for name, value in fixed.items():
        if settings.get(name) != value:
            raise InputError(
                f"{path} holds results with {name} {settings.get(name)}, not {value}; give another --out"
            )
    return {key: row for key, row in rows.items() if not row.get("broken")}


def measure(problem: str, method: str, seed: int, budget: str, threads: int, out: str) -> Row:
    """In the child: one run, with its folder."""
    import torch

    from ...solving.run import solve
    from ...solving.sources import load_source

    torch.set_num_threads(threads)
    source = load_source(problem)
    solution = solve(
        source.problem, method=method, budget=budget, seed=seed, out=out, overwrite=True, source=source.text
    )
    return entries(solution.result, KEPT)


def _table(rows: Sequence[Row]) -> str:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["problem"], row["method"]), []).append(row)
    cells = []
    for (problem, method), members in sorted(groups.items(), key=lambda item: item[0][0]):
        whole = [row for row in members if not row.get("broken")]
        errors = [row["relative_l2_error"] for row in whole if row["relative_l2_error"] is not None]
        count = f"{len(whole)}/{len(members)}"
        gradients = spread([row["gradient_evaluations"] for row in whole], ".0f")
        seconds = spread([row["seconds"] for row in whole], ".1f")
        cells.append([f"{problem}  {method}", count, spread(errors, ".2e"), gradients, seconds])
    return table(["problem, method", "runs", "relative L2 error", "gradients", "seconds"], cells)


def _plot(folder: Path, rows: Sequence[Row]) -> Path:
    """Error against time, one panel for each problem, one colour for each method, one line for each seed."""
    from ...viz.benchmarks import Run, plot_errors

    runs: dict[str, dict[str, list[Run]]] = {row["problem"]: {} for row in rows}
    for row in rows:
        curves = runs[row["problem"]].setdefault(row["method"], [])
        if not row.get("broken"):
            curves.append(_curve(folder / row["run"] / "history.csv"))
    return plot_errors(runs, folder / "error-against-time.png")


def _curve(path: Path) -> tuple[list[float], list[float]]:
    """Seconds and errors of a run, where the error was measured."""
    if not path.is_file():
        return [], []
    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if row.get("relative_l2_error")]
    return [float(row["seconds"]) for row in rows], [float(row["relative_l2_error"]) for row in rows]
