"""Every problem of the zoo with default settings: what comes out, and whether it is good enough.

For each figure of `GOALS` there is a floor, below which something is wrong, and a target.  Problems that are
not listed are trained too, and only their error is told.  Results are written as they come: an interrupted
suite goes on where it was when the same command is given again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi
from pathlib import Path

from ..harness.child import in_child
from ..harness.journal import Journal
from ..harness.options import Names, Whole, Wholes, chosen_names, chosen_seeds, chosen_threads
from ..harness.report import (
    Row,
    entries,
    failed,
    folder_for,
    geometric,
    geometric_spread,
    header,
    machine,
    number,
    publish,
)

KEPT = (
    "relative_l2_error",
    "coefficients",
    "quantities",
    "parameters",
    "loss",
    "iterations",
    "gradient_evaluations",
    "seconds",
    "status",
)  # of result.json, those that are there


@dataclass(frozen=True)
class Figure:
    """A number to judge a run by, the smaller the better.

    Attributes:
        name: What it is called in the table.
        of: Computes it from the content of result.json.
    """

    name: str
    of: Callable[[Row], float]


ERROR = Figure("relative L2 error", lambda result: number(result["relative_l2_error"]))


def coefficient(name: str, true: float) -> Figure:
    """The relative error of a coefficient of the equation."""
    return Figure(f"error of {name}", lambda result: abs(number(result["coefficients"][name]) / true - 1))


def quantity(name: str) -> Figure:
    """The relative error of a quantity derived from the solution."""
    return Figure(f"error of {name}", lambda result: number(result["quantities"][name]["relative_error"]))


@dataclass(frozen=True)
class Goal:
    """Accuracy expected of a problem.

    Attributes:
        problem: Name in the zoo.
        figure: What is measured.
        floor: The least that is expected.
        target: What is aimed at.
    """

    problem: str
    figure: Figure
    floor: float
    target: float

    def verdict(self, values: Sequence[float]) -> str:
        """Target met, floor met, or missed, by the geometric mean over the seeds; NaN meets nothing."""
        mean = geometric(values)
        return "target" if mean <= self.target else "floor" if mean <= self.floor else "missed"


GOALS = (
    Goal("helmholtz", ERROR, 1e-5, 1e-8),
    Goal("heat", ERROR, 1e-6, 1e-9),
    Goal("convection", ERROR, 1e-4, 1e-7),
    Goal("reaction", ERROR, 1e-4, 1e-7),
    Goal("wave", ERROR, 1e-3, 1e-6),
    Goal("klein-gordon", ERROR, 1e-4, 1e-6),
    Goal("kdv", ERROR, 1e-3, 1e-5),
    Goal("kovasznay", ERROR, 1e-5, 1e-8),
    Goal("cavity", ERROR, 2e-2, 5e-3),
    Goal("poisson-holes", ERROR, 1e-2, 1e-3),
    Goal("kirsch", quantity("stress factor"), 3e-2, 5e-3),
    Goal("cylinder", quantity("drag"), 5e-2, 1e-2),
    Goal("burgers-inverse", coefficient("nu", 0.01 / pi), 1e-3, 1e-4),
    Goal("burgers-inverse-noise-1", coefficient("nu", 0.01 / pi), 1e-2, 1e-3),
)


def run(
    *,
    problems: Names | None = None,
    method: str = "auto",
    budget: str = "3min",
    seeds: Wholes | None = None,
    threads: Whole | None = None,
    out: Path | None = None,
) -> None:
    """All problems of the zoo with default settings, against a floor and a target.

    Args:
        problems: Names of `sapts-pinn list`, separated by commas. [default: all]
        method: Training method.
        budget: Of every run: "3min", "500 iterations", "10000 evaluations".
        seeds: Separated by commas. [default: 0]
        threads: Of every run. [default: one per core]
        out: Folder for the results, and for going on with them. [default: bench-results/zoo]
    """
    from ...optim.methods import method as find_method
    from ...problems.zoo import ZOO, build
    from ...training.budget import Budget

    find_method(method)
    names = chosen_names(problems, ZOO)
    for name in names:
        build(name)
    seeds = chosen_seeds(seeds, [0])
    budget = str(Budget.parse(budget))
    facts = machine()
    threads = chosen_threads(threads, facts)
    fixed = {"method": method, "budget": budget, "threads": threads, "precision": "float64"}
    folder = folder_for("zoo", out)
    journal = Journal(folder / "runs.jsonl", fixed)

    def measured(problem: str, seed: int) -> Row:
        return in_child(measure, problem=problem, method=method, seed=seed, budget=budget, threads=threads)

    def published(rows: list[Row]) -> None:
        said = {**fixed, "seeds": seeds}
        head = header("The zoo with default settings, geometric mean [min, max] over the seeds", facts, said)
        columns = ["problem", "figure", "found", "floor", "target", "met", "gradients", "seconds"]
        notes = [
            f"note: {row['problem']}, seed {row['seed']}: {row['status']}" for row in rows if failed(row)
        ]
        lines = _lines(rows)
        publish(folder, "zoo", head, [("Problems", columns, lines)], notes + journal.notes, facts, said, rows)

    journal.complete(
        [{"problem": name, "seed": seed} for seed in seeds for name in names], measured, published
    )


def measure(problem: str, method: str, seed: int, budget: str, threads: int) -> Row:
    """In the child: one run."""
    import torch

    from ...problems.zoo import build
    from ...solving.run import solve

    torch.set_num_threads(threads)
    result = solve(build(problem), method=method, budget=budget, seed=seed).result
    return entries(result, [name for name in KEPT if name in result])


def _lines(rows: Sequence[Row]) -> list[list[str]]:
    """The table: a line for each goal, and one for each problem without any."""
    lines = []
    for problem in dict.fromkeys(row["problem"] for row in rows):
        members = [row for row in rows if row["problem"] == problem]
        work = [
            f"{sum(row[name] for row in members) / len(members):.{digits}f}"
            for name, digits in (("gradient_evaluations", 0), ("seconds", 1))
        ]
        goals = [goal for goal in GOALS if goal.problem == problem]
        judgements: list[tuple[Figure, Goal | None]] = [(goal.figure, goal) for goal in goals]
        for figure, goal in judgements or [(ERROR, None)]:
            values = [figure.of(row) for row in members]
            judged = (
                ["-"] * 3 if goal is None else [f"{goal.floor:g}", f"{goal.target:g}", goal.verdict(values)]
            )
            lines.append([problem, figure.name, geometric_spread(values), *judged, *work])
    return lines
