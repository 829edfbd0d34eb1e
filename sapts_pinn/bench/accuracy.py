"""Relative L2 error of problems x methods x seeds at one budget: a table, and the error against time.

Every run is a process of its own, one after the other.  Results are written as they come: an interrupted suite goes on
where it was when the same command is given again.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .child import in_child
from .report import (
    Names,
    Whole,
    Wholes,
    at_least,
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
KEY = ("problem", "method", "seed")

Row = dict[str, Any]


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
    from ..budget import Budget
    from ..methods import method as find_method
    from ..sources import load_source

    methods, seeds = list(methods or METHODS), list(SEEDS if seeds is None else seeds)
    at_least(0, seeds=seeds)
    budget = str(Budget.parse(budget))
    for name in methods:
        find_method(name)
    sources = [load_source(text) for text in problems or PROBLEMS]
    facts = machine()
    at_least(1, threads=facts["threads"] if threads is None else threads)
    threads = threads or facts["threads"]
    folder = folder_for("solve", out)
    fixed = {"budget": budget, "threads": threads, "precision": "float64"}
    done = _earlier(folder, fixed)
    # Seeds outermost: whatever has been run when it is interrupted compares all methods.
    cells = [(source, method, seed) for seed in seeds for source in sources for method in methods]
    missing = [cell for cell in cells if (cell[0].short, *cell[1:]) not in done]
    say(f"{len(cells)} runs of {budget}, {len(cells) - len(missing)} of them known from before")
    for source, method, seed in missing:
        say(f"{source.short}  {method}  seed {seed}")
        where = f"runs/{source.short}-{method}-seed{seed}"
        row: Row = {"problem": source.short, "method": method, "seed": seed, "run": where}
        try:
            row |= in_child(
                measure,
                problem=source.text,
                method=method,
                seed=seed,
                budget=budget,
                threads=threads,
                out=str(folder / where),
            )
        except RuntimeError as error:  # the others go on; the next time it is tried again
            row |= {"status": str(error), "broken": True}
            say(str(error))
        row["git_commit"] = facts["versions"]["git_commit"]
        done[(source.short, method, seed)] = row
        save(folder, "solve", facts, fixed, list(done.values()))
    rows = [done[source.short, method, seed] for source, method, seed in cells]
    settings = {**fixed, "seeds": seeds}
    text = "\n".join(
        [header("Relative L2 error, median [min, max] over the seeds", facts, settings), _table(rows)]
    )
    commits = {row["git_commit"] for row in rows}
    if len(commits) > 1:
        text += f"\n\nnote: these are runs of {len(commits)} versions of the code; another --out starts anew"
    picture = _plot(folder, rows)
    finish(folder, "solve", text, facts, fixed, list(done.values()), picture=picture.name)


def _earlier(folder: Path, fixed: Mapping[str, Any]) -> dict[tuple[str, str, int], Row]:
    """Results of an earlier session.

    Raises:
        ValueError: They are of other settings, or unreadable.
    """
    path = folder / "bench.json"
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text())
        settings, rows = (
            content["settings"],
            {tuple(row[name] for name in KEY): row for row in content["rows"]},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged; give another --out") from error
    for name, value in fixed.items():
        if settings.get(name) != value:
            raise ValueError(
                f"{path} holds results with {name} {settings.get(name)}, not {value}; give another --out"
            )
    return {key: row for key, row in rows.items() if not row.get("broken")}


def measure(problem: str, method: str, seed: int, budget: str, threads: int, out: str) -> dict[str, Any]:
    """In the child: one run, with its folder."""
    import torch

    from ..solve import solve
    from ..sources import load_source

    torch.set_num_threads(threads)
    source = load_source(problem)
    solution = solve(
        source.problem, method=method, budget=budget, seed=seed, out=out, overwrite=True, source=source.text
    )
    wanted = (
        "relative_l2_error",
        "loss",
        "iterations",
        "gradient_evaluations",
        "function_evaluations",
        "seconds",
        "status",
    )
    return {name: solution.result[name] for name in wanted}


def _table(rows: Sequence[Row]) -> str:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["problem"], row["method"]), []).append(row)
    cells = []
    for (problem, method), members in sorted(groups.items(), key=lambda item: item[0][0]):
        whole = [row for row in members if not row.get("broken")]
        errors = [row["relative_l2_error"] for row in whole if row["relative_l2_error"] is not None]
        counts = [f"{len(whole)}/{len(members)}"]
        figures = [
            spread([row[name] for row in whole], ".0f") for name in ("gradient_evaluations", "seconds")
        ]
        cells.append([f"{problem}  {method}", *counts, spread(errors, ".2e"), *figures])
    return table(["problem, method", "runs", "relative L2 error", "gradients", "seconds"], cells)


def _plot(folder: Path, rows: Sequence[Row]) -> Path:
    """Error against time, one panel for each problem, one colour for each method, one line for each seed."""
    from matplotlib.figure import Figure

    from ..checkpoint import write_atomically

    problems, methods = ([*dict.fromkeys(row[name] for row in rows)] for name in ("problem", "method"))
    across = min(len(problems), 3)
    down = -(-len(problems) // across)
    figure = Figure(figsize=(4.6 * across, 3.6 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for panel, problem in zip(panels, problems, strict=False):
        panel.set(title=problem, xlabel="seconds", ylabel="relative L2 error", yscale="log")
        for row in rows:
            if row["problem"] == problem and not row.get("broken"):
                color = f"C{methods.index(row['method'])}"
                panel.plot(*_curve(folder / row["run"] / "history.csv"), color=color, lw=1, alpha=0.8)
        panel.grid(alpha=0.3)
    for panel in panels[len(problems) :]:
        panel.set_axis_off()
    for i, method in enumerate(methods):
        panels[0].plot([], [], color=f"C{i}", label=method)
    panels[0].legend()
    path = folder / "error-against-time.png"
    write_atomically(path, lambda p: figure.savefig(p, dpi=150))
    return path


def _curve(path: Path) -> tuple[list[float], list[float]]:
    """Seconds and errors of a run, where the error was measured."""
    if not path.is_file():
        return [], []
    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if row.get("relative_l2_error")]
    return [float(row["seconds"]) for row in rows], [float(row["relative_l2_error"]) for row in rows]
