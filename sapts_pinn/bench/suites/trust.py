"""Can a user without a reference trust what they get?  Cases that went wrong once, and what is said of them.

    sapts-pinn bench trust                       all parts below
    sapts-pinn bench trust --parts cases,meshes

- `cases`: problems as users write them, each right, refused, told or silent (`trust/cases.py`,
  `trust/written.py`);
- `symmetry`: random problems, of which no reflection may be claimed that does not hold (`trust/symmetry.py`);
- `scales`: the zoo in random units, against the zoo as it is (`trust/scales.py`);
- `meshes`: meshes with the faults that files have (`trust/meshes.py`);
- `estimates`: error estimates against true errors over the zoo (`trust/estimate.py`).

Results are written as they come: an interrupted suite goes on where it was.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...runs.status import Status, StopReason
from ..harness.child import in_child
from ..harness.report import (
    Journal,
    Names,
    Row,
    Section,
    Whole,
    at_least,
    folder_for,
    header,
    machine,
    number,
    publish,
)

ADMITTED = 1 / 3  # an estimate of at least this share of the true deviation admits it
BATCH = 100  # random problems measured at a time
UNSCALED = (
    "poisson-1d",
    "heat",
    "burgers",
    "klein-gordon",
    "kovasznay",
    "lorenz",
    "cavity",
    "reaction",
    "wave",
)
SMALL: dict[str, Any] = {"network": (12, 12), "points": 512}  # of the runs in random units

Cell = dict[str, Any]


def run(
    *,
    parts: Names | None = None,
    budget: str = "30s",
    cases: Names | None = None,
    problems: Whole = 10_000,
    budgets: Names | None = None,
    seeds: Names | None = None,
    threads: Whole | None = None,
    out: Path | None = None,
) -> None:
    """Run problems that were once solved wrongly in silence, and record what is said of them now.

    Args:
        parts: Of cases, symmetry, scales, meshes, estimates, separated by commas. [default: all]
        budget: Of every run of a case.
        cases: Numbers of cases, separated by commas. [default: all]
        problems: How many random problems are asked for symmetries.
        budgets: Seconds of the runs whose error is estimated, separated by commas. [default: 10,60,180]
        seeds: Of these runs, separated by commas. [default: 0,1,2]
        threads: Of every run. [default: one per core]
        out: Folder for the results, and for going on with them. [default: bench-results/trust]

    Raises:
        InputError: There is no such part or case.
    """
    from ...training.budget import Budget
    from ..trust.written import CASES

    wanted = list(parts or PARTS)
    for part in wanted:
        if part not in PARTS:
            raise InputError(f"there is no part {part!r}; choose one of {', '.join(PARTS)}")
    names = list(CASES)
    if cases:
        wrong = next((c for c in cases if not (c.isdigit() and 1 <= int(c) <= len(names))), None)
        if wrong is not None:
            raise InputError(f"there is no case {wrong!r}; give numbers from 1 to {len(names)}")
        names = [names[int(c) - 1] for c in cases]
    spent = [Budget.parse(b if b.endswith("s") else f"{b} s").seconds for b in budgets or ("10", "60", "180")]
    if seeds and not all(s.isdigit() for s in seeds):
        raise InputError(f"seeds must be whole numbers, not {','.join(seeds)}")
    drawn = [int(s) for s in seeds or ("0", "1", "2")]
    budget = str(Budget.parse(budget))
    facts = machine()
    threads = facts["threads"] if threads is None else threads
    at_least(1, threads=threads, problems=problems)
    fixed = {"budget": budget, "threads": threads, "precision": "float64", "seed": 0}
    folder = folder_for("trust", out)
    journal = Journal(folder / "runs.jsonl", fixed)

    def published(rows: list[Row]) -> None:
        from ..trust import estimate as trust_estimate  # which loads PyTorch

        head = header("Wrong in silence?", facts, fixed)
        of = {part: [row for row in rows if row["part"] == part] for part in wanted}
        sections = [section(of[name]) for name, section in SECTIONS.items() if of.get(name)]
        notes = [f"{row['case']}: {row['words'][0]}" for row in of.get("cases", []) if row["words"]]
        if of.get("estimates"):
            notes.append(trust_estimate.verdict(of["estimates"]))
        publish(folder, "trust", head, sections, notes + journal.notes, facts, fixed, rows)

    def cells_of(part: str) -> list[Cell]:
        from ..trust import estimate as trust_estimate  # which loads PyTorch

        if part == "cases":
            return [{"case": name} for name in names]
        if part == "symmetry":
            return [{"start": i, "count": min(BATCH, problems - i)} for i in range(0, problems, BATCH)]
        if part == "scales":
            return [{"problem": name, "seed": seed} for name in UNSCALED for seed in (0, 1)]
        if part == "meshes":
            return [{"all": True}]
        return [
            {"problem": name, "budget": seconds, "seed": seed}
            for seconds in spent
            for seed in drawn
            for name in trust_estimate.names_with_reference()
        ]

    journal.complete(
        [{"part": part, **cell} for part in wanted for cell in cells_of(part)],
        lambda **cell: in_child(measured, cell=cell, budget=budget, threads=threads),
        published,
    )


def measured(cell: Cell, budget: str, threads: int) -> Row:
    """In the child: the result of one cell."""
    import torch

    from ..trust import (
        estimate as trust_estimate,
    )
    from ..trust import (
        meshes as trust_meshes,
    )
    from ..trust import (
        scales as trust_scales,
    )
    from ..trust import (
        symmetry as trust_symmetry,
    )

    torch.set_num_threads(threads)
    part = cell["part"]
    if part == "cases":
        return measure(cell["case"], budget, threads)
    if part == "symmetry":
        return dict(trust_symmetry.run(cell["count"], cell["start"]))
    if part == "scales":
        return trust_scales.run([cell["problem"]], [cell["seed"]], **SMALL)[0]
    if part == "meshes":
        return {"rows": [asdict(row) for row in trust_meshes.run()]}
    return trust_estimate.measure(cell["problem"], float(cell["budget"]), cell["seed"])


def measure(case: str, budget: str, threads: int) -> Row:
    """In the child: one run of a case, its outcome, and what was said."""
    import torch

    from ...solving.run import solve
    from ..trust.written import CASES

    torch.set_num_threads(threads)
    chosen = CASES[case]
    row: Row = {
        "kind": chosen.kind, "expected": chosen.expected, "found": None, "estimate": None, "words": [],
    }  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            solution = solve(chosen.build(), budget=budget, **chosen.options)
        except InputError as error:
            return {**row, "outcome": "refused", "words": [str(error)]}
        row["found"] = chosen.of(solution)
    result = solution.result
    estimate = result.get("error_estimate") or {}
    audit = result.get("audit") or {}
    row["estimate"] = estimate.get("relative")
    row["words"] = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    row["words"] += list(audit.get("objections", ()))
    row["words"] += [] if estimate.get("reliable", True) else [str(estimate.get("words"))]
    row["status"] = result["status"]
    return {**row, "outcome": judged(row, chosen.tolerance)}


def judged(row: Row, tolerance: float) -> str:
    """The outcome of a run that was not refused: right, told or silent."""
    off = deviation(row)
    if off is not None and off <= tolerance:
        return "right"
    admitted = row["estimate"] is not None and off is not None and row["estimate"] >= ADMITTED * min(off, 1.0)
    failed = Status.parse(row["status"]).reason is StopReason.FAILED
    return "told" if row["words"] or admitted or failed else "SILENT"


def deviation(row: Row) -> float | None:
    """The relative deviation of the value found; None where there is no right value."""
    if row["expected"] is None or row["found"] is None:
        return None
    off = abs(row["found"] - row["expected"]) / abs(row["expected"])
    return off if math.isfinite(off) else math.inf


def _cases(rows: Sequence[Row]) -> Section:
    columns = ["case", "right", "found", "deviation", "estimate", "outcome"]
    lines = [
        [row["case"], _text(row["expected"]), _text(row["found"]), _small(deviation(row)),
         _small(row["estimate"]), row["outcome"]]
        for row in rows
    ]  # fmt: skip
    return "Cases", columns, lines


def _symmetry(rows: Sequence[Row]) -> Section:
    sums = {key: sum(row[key] for row in rows) for key in ("problems", "symmetric", "found", "not_symmetric")}
    false = sum(len(row["false_claims"]) for row in rows)
    columns = ["random problems", "symmetric coordinates", "found", "others", "falsely claimed"]
    return "Symmetries", columns, [[*(str(value) for value in sums.values()), str(false)]]


def _scales(rows: Sequence[Row]) -> Section:
    columns = ["problem", "seed", "error", "in random units", "ratio"]
    lines = [
        [row["problem"], str(row["seed"]), *(_small(row[k]) for k in ("error", "rescaled_error", "ratio"))]
        for row in rows
    ]
    return "Random units", columns, lines


def _meshes(rows: Sequence[Row]) -> Section:
    found = [mesh for row in rows for mesh in row["rows"]]
    lines = [[m["fault"], m["kind"], str(m["outcome"]), "yes" if m["right"] else "NO"] for m in found]
    return "Faulty meshes", ["fault", "kind", "outcome", "right"], lines


def _estimates(rows: Sequence[Row]) -> Section:
    from ..trust import estimate as trust_estimate

    lines = [trust_estimate.cells(row) for row in rows]
    return "Error estimates", list(trust_estimate.COLUMNS), lines


SECTIONS: dict[str, Callable[[Sequence[Row]], Section]] = {
    "cases": _cases,
    "symmetry": _symmetry,
    "scales": _scales,
    "meshes": _meshes,
    "estimates": _estimates,
}
PARTS = tuple(SECTIONS)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{number(value):.4g}"


def _small(value: float | None) -> str:
    return "-" if value is None else f"{number(value):.1e}"
