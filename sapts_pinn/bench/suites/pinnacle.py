"""The problems of PINNacle (arXiv:2306.08827) with default settings, beside the best published errors.

The published errors are second hand: from PINNacle's own tables and from later papers, all by other networks,
budgets and machines, and against the references of that benchmark.  Ours are against references of our own,
see `problems/pinnacle/`.  Results are written as they come: an interrupted suite goes on where it was when
the same command is given again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    "method",
    "chosen",
    "error_estimate",
    "parameters",
    "loss",
    "iterations",
    "gradient_evaluations",
    "seconds",
    "status",
)  # of result.json, those that are there


@dataclass(frozen=True)
class Published:
    """The smallest error that was published of a problem, its inputs as in the benchmark.

    Attributes:
        error: Relative L2 error, all unknowns and points in one quotient.
        by: Method or paper.
        note: Reason why it cannot be compared, or hardly; empty otherwise.
    """

    error: float
    by: str
    note: str = ""


PUBLISHED = {
    "pinnacle-burgers1d-c": Published(1.34e-2, "PELINE", "its reference itself is 1.3e-2 off"),
    "pinnacle-burgers2d-c": Published(2.60e-1, "NTK"),
    "pinnacle-poisson2d-c": Published(8.15e-3, "AdaBGDA"),
    "pinnacle-poisson2d-cg": Published(4.11e-3, "PELINE"),
    "pinnacle-poisson3d-cg": Published(5.67e-2, "PELINE"),
    "pinnacle-poisson2d-ms": Published(5.90e-1, "MultiAdam"),
    "pinnacle-heat2d-vc": Published(2.12e-1, "LRA", "its coefficient is not known to be ours"),
    "pinnacle-heat2d-ms": Published(1.40e-2, "AdaBGDA", "its test grid aliases"),
    "pinnacle-heat2d-cg": Published(1.58e-2, "PELINE"),
    "pinnacle-heat2d-lt": Published(9.99e-1, "PINNacle"),
    "pinnacle-ns2d-c": Published(1.1e-4, "DSGNAR"),
    "pinnacle-ns2d-cg": Published(8.24e-2, "LAAF", "undetermined as coded: v = 0 at the outlet is ours"),
    "pinnacle-ns2d-lt": Published(9.70e-1, "PINNacle", "undetermined as coded: v = 0 at the outlet is ours"),
    "pinnacle-wave1d-c": Published(1.63e-2, "AdaBGDA"),
    "pinnacle-wave2d-cg": Published(7.94e-1, "GAAF"),
    "pinnacle-wave2d-ms": Published(9.82e-1, "PINNacle", "its reference does not satisfy the equation"),
    "pinnacle-gs": Published(7.99e-2, "PINNacle", "no boundary condition as coded: the period is ours"),
    "pinnacle-ks": Published(
        9.57e-1, "NTK", "no boundary condition as coded; DSGNAR 5.1e-7 in its own set-up"
    ),
    "pinnacle-pnd": Published(1.31e-4, "AdaBGDA"),
    "pinnacle-hnd": Published(1.19e-4, "L-BFGS"),
    "pinnacle-pinv": Published(1.53e-2, "PELINE", "its source is wrong"),
    "pinnacle-hinv": Published(1.19e-2, "vPINN"),
}


def run(
    *,
    problems: Names | None = None,
    budget: str = "5min",
    seeds: Wholes | None = None,
    threads: Whole | None = None,
    out: Path | None = None,
) -> None:
    """The problems of PINNacle with default settings, beside the best published errors.

    Args:
        problems: Names such as pinnacle-ks, or ks, separated by commas. [default: all]
        budget: Of every run: "5min", "500 iterations", "10000 evaluations".
        seeds: Separated by commas. [default: 0]
        threads: Of every run. [default: 1]
        out: Folder for the results, and for going on with them. [default: bench-results/pinnacle]
    """
    from ...errors import lookup
    from ...problems.pinnacle import PINNACLE
    from ...training.budget import Budget

    asked = [name if name.startswith("pinnacle-") else f"pinnacle-{name}" for name in problems or ()]
    names = chosen_names(asked, PINNACLE)
    for name in names:
        lookup(name, PINNACLE, "problem of PINNacle")
    seeds = chosen_seeds(seeds, [0])
    budget = str(Budget.parse(budget))
    facts = machine()
    threads = chosen_threads(1 if threads is None else threads, facts)
    fixed = {"budget": budget, "threads": threads, "precision": "float64"}
    folder = folder_for("pinnacle", out)
    journal = Journal(folder / "runs.jsonl", fixed)

    def measured(problem: str, seed: int) -> Row:
        return in_child(measure, problem=problem, seed=seed, budget=budget, threads=threads)

    def published(rows: list[Row]) -> None:
        said = {**fixed, "seeds": seeds}
        title = "PINNacle with default settings, relative L2 error, geometric mean [min, max] over the seeds"
        head = header(title, facts, said)
        columns = ["problem", "found", "published", "by", "published / found", "method", "seconds"]
        runs = [f"note: {row['problem']}, seed {row['seed']}: {row['status']}" for row in rows if failed(row)]
        lines, notes = _lines(rows), [*_counts(rows), *_remarks(rows), *runs, *journal.notes]
        publish(folder, "pinnacle", head, [("Problems", columns, lines)], notes, facts, said, rows)

    journal.complete(
        [{"problem": name, "seed": seed} for seed in seeds for name in names], measured, published
    )


def measure(problem: str, seed: int, budget: str, threads: int) -> Row:
    """In the child: one run."""
    from ...problems import build
    from ...solving.run import solve

    result = solve(build(problem), budget=budget, seed=seed, threads=threads).result
    return entries(result, [name for name in KEPT if name in result])


def _errors(rows: Sequence[Row]) -> dict[str, list[float]]:
    """The errors over the seeds, by problem."""
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row["problem"], []).append(number(row["relative_l2_error"]))
    return found


def _lines(rows: Sequence[Row]) -> list[list[str]]:
    lines = []
    for problem, errors in _errors(rows).items():
        members, best = [row for row in rows if row["problem"] == problem], PUBLISHED[problem]
        method = ", ".join(dict.fromkeys(row["method"] for row in members))
        seconds = f"{sum(row['seconds'] for row in members) / len(members):.0f}"
        factor = f"{best.error / geometric(errors):.2g}"
        figures = [geometric_spread(errors), f"{best.error:.1e}", best.by, factor]
        lines.append([problem, *figures, method, seconds])
    return lines


def _counts(rows: Sequence[Row]) -> list[str]:
    """Numbers of problems below the published errors, by the geometric mean over the seeds."""
    factors = [PUBLISHED[name].error / geometric(errors) for name, errors in _errors(rows).items()]
    below, far = sum(f > 1 for f in factors), sum(f >= 10 for f in factors)
    return [f"{below} of {len(factors)} problems are below the published error, {far} of them 10 times"]


def _remarks(rows: Sequence[Row]) -> list[str]:
    """Reasons why published errors can hardly be compared, of the problems shown."""
    shown = [(name, PUBLISHED[name].note) for name in _errors(rows)]
    return [f"note: {name}, the published error: {note}" for name, note in shown if note]
