"""Time in which methods come to the error of another one, over the zoo.

For every problem and seed the method to beat is run first, for the whole budget.  The others are then run
until they reach its last error E, for half as long again at most.  The ratio of a problem is

    first time at which the error of the method is <= E, over first time at which that of the other is <= E,

so that a method that stands still at the end has no advantage.  One that does not come to E is counted as
such, with a ratio of 1.5 in the mean.  Problems that the ansatz solves by itself, with N = 1, are left out,
and problems in time windows, whose error is known at the end only.  Results are written as they come: an
interrupted suite goes on where it was when the same command is given again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..harness.child import in_child
from ..harness.journal import Journal
from ..harness.options import (
    Names,
    Whole,
    Wholes,
    at_least,
    chosen_names,
    chosen_seeds,
    chosen_threads,
    with_reference,
)
from ..harness.report import (
    Row,
    Section,
    folder_for,
    geometric,
    geometric_spread,
    header,
    machine,
    number,
    publish,
)

METHODS = ("sapts-d",)
SOLVED_BY_THE_ANSATZ = ("poisson-1d", "poisson-2d", "poisson-3d")
LONGER = 1.5  # share of the budget after which a method is given up
LOOKS = 100  # measurements of the error in a budget


def run(
    *,
    problems: Names | None = None,
    methods: Names | None = None,
    against: str = "tr",
    budget: float = 60.0,
    seeds: Wholes | None = None,
    threads: Whole | None = None,
    out: Path | None = None,
) -> None:
    """Time of methods to the error that another method reaches within a budget.

    Args:
        problems: Separated by commas: names of `sapts-pinn list`, FILE.py or FILE.py:object.
            [default: the zoo]
        methods: Separated by commas. [default: sapts-d]
        against: The method to beat.
        budget: Seconds of its runs.
        seeds: Separated by commas. [default: 0,1,2]
        threads: Of every run. [default: one per core]
        out: Folder for the results, and for going on with them. [default: bench-results/race]
    """
    from ...optim.methods import method as find_method
    from ...viz.benchmarks import plot_errors, plot_profile

    methods = [name for name in chosen_names(methods, METHODS) if name != against]
    for name in (against, *methods):
        find_method(name)
    at_least(1.0, budget=budget)
    sources = {s.short: s.text for s in map(with_reference, problems or comparable())}
    seeds = chosen_seeds(seeds, (0, 1, 2))
    facts = machine()
    threads = chosen_threads(threads, facts)
    fixed = {
        "against": against, "methods": methods, "budget": budget, "threads": threads, "precision": "float64",
    }  # fmt: skip
    folder = folder_for("race", out)
    journal = Journal(folder / "runs.jsonl", fixed)
    common = {"every": budget / LOOKS, "threads": threads}

    def measured(problem: str, seed: int) -> Row:
        given = {"problem": sources[problem], "seed": seed, **common}
        first = in_child(measure, method=against, seconds=budget, target=None, **given)
        limits = {"seconds": LONGER * budget, "target": first["errors"][-1]}
        others = {name: in_child(measure, method=name, **limits, **given) for name in methods}
        return {"runs": {against: first, **others}}

    def published(rows: list[Row]) -> None:
        said = {**fixed, "seeds": seeds}
        head = header(f"Time to the error of {against} after {budget:g} s", facts, said)
        found = ratios(rows, against)
        if rows:
            plot_errors(courses(rows), folder / "errors.png")
            plot_profile(times(rows, against), folder / "profile.png")
        publish(folder, "race", head, sections(found), journal.notes, facts, said, rows)

    cells = [{"problem": problem, "seed": seed} for seed in seeds for problem in sources]
    journal.complete(cells, measured, published)


def comparable() -> list[str]:
    """Problems of the zoo with a reference that are trained in one piece, and not solved by the ansatz."""
    from ...problems import zoo

    built = {name: zoo.build(name) for name in zoo.ZOO if name not in SOLVED_BY_THE_ANSATZ}
    return [n for n, p in built.items() if p.reference is not None and "windows" not in p.options]


def measure(
    problem: str, method: str, seed: int, seconds: float, every: float, target: float | None, threads: int
) -> Row:
    """In the child: one run with its errors on the way."""
    import torch

    from ...solving.run import solve
    from ...solving.sources import load_source
    from ..harness.error_watch import ErrorWatch

    torch.set_num_threads(threads)
    whole = load_source(problem).problem
    watch = ErrorWatch(whole, lambda trainer: trainer.seconds, every, target)
    unseen = replace(whole, reference=None)  # the run measures no error beside the watch
    result = solve(unseen, method=method, budget=seconds, seed=seed, callbacks=[watch]).result
    estimate = result.get("error_estimate")
    return {
        "errors": [row["error"] for row in watch.rows],
        "seconds": [row["seconds"] for row in watch.rows],
        "work": watch.rows[-1]["work"],
        "loss": result["loss"],
        "status": result["status"],
        "estimate": None if estimate is None else estimate["relative"],
        "reliable": estimate is not None and estimate["reliable"],
    }


def reached(row: Row, error: float) -> float:
    """First time at which a run has an error as small as this, in seconds; infinite if it has none."""
    pairs = zip(row["errors"], row["seconds"], strict=True)
    return next((seconds for found, seconds in pairs if found is not None and found <= error), math.inf)


def ratios(rows: Sequence[Row], against: str) -> dict[str, dict[str, list[float]]]:
    """Ratios of times, by method and problem, one for each seed; infinite where the error is not reached."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        first = row["runs"][against]
        error = first["errors"][-1]
        for method, other in row["runs"].items():
            if method != against:
                ratio = reached(other, error) / max(reached(first, error), 1e-3)
                found.setdefault(method, {}).setdefault(row["problem"], []).append(ratio)
    return found


def courses(rows: Sequence[Row]) -> dict[str, dict[str, list[tuple[list[float], list[float]]]]]:
    """Seconds and errors of the runs, by problem and method, one for each seed."""
    found: dict[str, dict[str, list[tuple[list[float], list[float]]]]] = {}
    for row in rows:
        for method, run in row["runs"].items():
            errors = [number(e) for e in run["errors"]]
            found.setdefault(row["problem"], {}).setdefault(method, []).append((run["seconds"], errors))
    return found


def times(rows: Sequence[Row], against: str) -> dict[str, list[float]]:
    """Seconds of each method to the last error of the one to beat, one for each problem and seed."""
    methods = dict.fromkeys(name for row in rows for name in row["runs"])
    return {
        name: [reached(row["runs"][name], row["runs"][against]["errors"][-1]) for row in rows]
        for name in methods
    }


def sections(found: Mapping[str, Mapping[str, Sequence[float]]]) -> list[Section]:
    """For each method a table of its ratios, the geometric mean over all problems in its last line.

    A run that did not reach the error counts with LONGER in the mean, and is counted beside it.
    """
    made: list[Section] = []
    for method, by_problem in found.items():
        lines = [
            [problem, geometric_spread([_bounded(r) for r in values], ".2f"), _lost(values)]
            for problem, values in by_problem.items()
        ]
        everything = [ratio for values in by_problem.values() for ratio in values]
        mean = f"{geometric([_bounded(r) for r in everything]):.2f}"
        made.append(
            (method, ["", "ratio of times", "not reached"], [*lines, ["all", mean, _lost(everything)]])
        )
    return made


def _bounded(ratio: float) -> float:
    return ratio if math.isfinite(ratio) else LONGER


def _lost(values: Sequence[float]) -> str:
    lost = sum(math.isinf(v) for v in values)
    return f"{lost} of {len(values)}" if lost else ""
