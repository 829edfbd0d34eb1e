"""Influence of the first radius, and beside it of Adam's learning rate.

The initial radius of the trust region methods goes over six orders of magnitude, and so does the learning
rate.  A method that needs no tuning ends with the same error.  Results are written as they come: an
interrupted suite goes on where it was when the same command is given again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ..harness.child import in_child
from ..harness.journal import Journal
from ..harness.options import Names, Whole, Wholes, chosen_names, chosen_seeds, chosen_threads, with_reference
from ..harness.report import (
    Line,
    Row,
    Section,
    draw,
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

METHODS = ("tr", "sapts-d", "sapts-p", "sapts-ip", "adam")
KEPT = ("loss", "iterations", "gradient_evaluations", "seconds", "status")  # of result.json
RADII = tuple(10.0**p for p in range(-3, 4))
RATES = tuple(10.0**p for p in range(-6, 1))


def run(
    *,
    problem: str = "burgers",
    methods: Names | None = None,
    budget: str = "60s",
    seeds: Wholes | None = None,
    points: Whole | None = None,
    network: Wholes | None = None,
    threads: Whole | None = None,
    out: Path | None = None,
) -> None:
    """Final errors for initial radii from 1e-3 to 1e3, and for learning rates of Adam from 1e-6 to 1.

    Args:
        problem: A name of `sapts-pinn list`, FILE.py or FILE.py:object.
        methods: Separated by commas. [default: tr,sapts-d,sapts-p,sapts-ip,adam]
        budget: Of every run: "60s", "500 iterations", "10000 evaluations".
        seeds: Separated by commas. [default: 0]
        points: Collocation points. [default: the problem's]
        network: Hidden widths, separated by commas. [default: the problem's]
        threads: Of every run. [default: one per core]
        out: Folder for the results, and for going on with them. [default: bench-results/radius]
    """
    from ...optim.methods import method as find_method
    from ...training.budget import Budget

    methods = chosen_names(methods, METHODS)
    for name in methods:
        find_method(name)
    seeds = chosen_seeds(seeds, [0])
    budget = str(Budget.parse(budget))
    source = with_reference(problem)
    facts = machine()
    threads = chosen_threads(threads, facts)
    fixed = {
        "problem": source.short, "budget": budget, "threads": threads, "precision": "float64",
        "points": points or "the problem's", "network": network or "the problem's",
    }  # fmt: skip
    folder = folder_for("radius", out)
    journal = Journal(folder / "runs.jsonl", fixed)

    def measured(method: str, seed: int, **options: float) -> Row:
        return in_child(
            measure,
            problem=source.text,
            method=method,
            options=options,
            seed=seed,
            budget=budget,
            points=points,
            network=network,
            threads=threads,
        )

    def published(rows: list[Row]) -> None:
        said = {**fixed, "seeds": seeds}
        title = "Final error against the initial radius, and against Adam's learning rate"
        picture = folder / "error-against-radius.png"
        axes = {"xscale": "log", "yscale": "log", "ylabel": f"relative L2 error after {budget}"}
        draw(picture, _curves(rows), **axes)
        notes = [*map(_note, filter(failed, rows)), *journal.notes]
        head = header(title, facts, said)
        publish(folder, "radius", head, _sections(rows), notes, facts, said, rows, picture=picture.name)

    journal.complete(_cells(methods, seeds), measured, published)


def _cells(methods: Sequence[str], seeds: Sequence[int]) -> list[Row]:
    """Runs to do, seeds outermost."""
    return [
        {"method": method, option: value, "seed": seed}
        for seed in seeds
        for method in methods
        for option, value in _values(method)
    ]


def _note(row: Row) -> str:
    """Sentence on a run that failed."""
    return f"note: {row['method']}, {_value(row):.0e}, seed {row['seed']}: {row['status']}"


def _values(method: str) -> list[tuple[str, float]]:
    return [("lr", rate) for rate in RATES] if method == "adam" else [("radius", r) for r in RADII]


def _value(row: Row) -> float:
    return float(row["lr"] if "lr" in row else row["radius"])


def measure(
    problem: str,
    method: str,
    options: dict[str, float],
    seed: int,
    budget: str,
    points: int | None,
    network: list[int] | None,
    threads: int,
) -> Row:
    """In the child: one run."""
    import torch

    from ...solving.run import solve
    from ...solving.sources import load_source

    torch.set_num_threads(threads)
    result = solve(
        load_source(problem).problem,
        method=method,
        options=options,
        budget=budget,
        seed=seed,
        points=points,
        network=tuple(network) if network else None,
    ).result
    return {"error": result["relative_l2_error"], **entries(result, KEPT)}


def _errors(rows: Sequence[Row]) -> dict[str, dict[float, list[float]]]:
    """By method and value, over the seeds."""
    found: dict[str, dict[float, list[float]]] = {}
    for row in rows:
        found.setdefault(row["method"], {}).setdefault(_value(row), []).append(number(row["error"]))
    return found


def _mean(errors: Sequence[float], diverged: float) -> float:
    return geometric(errors) if all(map(math.isfinite, errors)) else diverged


def ratio(errors: dict[float, list[float]]) -> float:
    """Largest by smallest error over the values, geometric means over the seeds; infinite if one diverged."""
    means = [_mean(found, math.inf) for found in errors.values()]
    return max(means) / min(means) if math.isfinite(min(means)) else math.inf


def _sections(rows: Sequence[Row]) -> list[Section]:
    """Tables of the two quantities, one for each."""
    sections: list[Section] = []
    found = _errors(rows)
    for title, values, adam in (("Initial radius", RADII, False), ("Learning rate", RATES, True)):
        lines = [
            [method, *(geometric_spread(errors.get(v, [])) for v in values), f"{ratio(errors):.3g}"]
            for method, errors in found.items()
            if (method == "adam") == adam
        ]
        if lines:
            sections.append((title, ["", *(f"{v:.0e}" for v in values), "max / min"], lines))
    return sections


def _curves(rows: Sequence[Row]) -> dict[str, list[Line]]:
    panels: dict[str, list[Line]] = {}
    for method, errors in _errors(rows).items():
        values = sorted(errors)
        means = [
            geometric(e) if all(map(math.isfinite, e)) else math.nan for e in map(errors.get, values) if e
        ]
        name = "learning rate" if method == "adam" else "initial radius"
        panels.setdefault(name, []).append((method, values, means, "o-"))
    return panels
