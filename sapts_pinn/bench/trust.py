"""Can a user without a reference trust what they get?  Cases that went wrong once, and what is said of them.

    sapts-pinn bench trust                       all parts below
    sapts-pinn bench trust --parts cases,meshes

- `cases`: problems as users write them (`trust_cases.py`), each right, refused, told or silent;
- `symmetry`: random problems, of which no reflection may be claimed that does not hold (`trust_symmetry.py`);
- `scales`: the zoo in random units, against the zoo as it is (`trust_scales.py`);
- `meshes`: meshes with the faults that files have (`trust_meshes.py`);
- `estimates`: error estimates against true errors over the zoo (`trust_estimate.py`).

Results are written as they come: an interrupted suite goes on where it was.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path

from .child import in_child
from .report import (
    Journal,
    Names,
    Row,
    Whole,
    at_least,
    folder_for,
    header,
    machine,
    number,
    publish,
)

PARTS = ("cases",)
ADMITTED = 1 / 3  # an estimate of at least this share of the true deviation admits it


def run(
    *,
    parts: Names | None = None,
    budget: str = "30s",
    cases: Names | None = None,
    threads: Whole | None = None,
    out: Path | None = None,
) -> None:
    """Problems that once were wrong in silence: what comes out now, and what is said of it.

    Args:
        parts: Of the suite, separated by commas. [default: all]
        budget: Of every run of a case.
        cases: Numbers of cases, separated by commas. [default: all]
        threads: Of every run. [default: one per core]
        out: Folder for the results, and for going on with them. [default: bench-results/trust]

    Raises:
        ValueError: There is no such part or case.
    """
    from ..budget import Budget
    from .trust_cases import CASES

    wanted = list(parts or PARTS)
    for part in wanted:
        if part not in PARTS:
            raise ValueError(f"there is no part {part!r}; choose one of {', '.join(PARTS)}")
    names = list(CASES)
    if cases:
        wrong = next((c for c in cases if not (c.isdigit() and 1 <= int(c) <= len(names))), None)
        if wrong is not None:
            raise ValueError(f"there is no case {wrong!r}; give numbers from 1 to {len(names)}")
        names = [names[int(c) - 1] for c in cases]
    budget = str(Budget.parse(budget))
    facts = machine()
    threads = facts["threads"] if threads is None else threads
    at_least(1, threads=threads)
    fixed = {"budget": budget, "threads": threads, "precision": "float64", "seed": 0}
    folder = folder_for("trust", out)
    journal = Journal(folder / "cases.jsonl", fixed)

    def published(rows: list[Row]) -> None:
        head = header("Wrong in silence?", facts, fixed)
        columns = ["case", "right", "found", "deviation", "estimate", "outcome"]
        notes = [f"{row['case']}: {row['words'][0]}" for row in rows if row["words"]]
        publish(
            folder,
            "trust",
            head,
            [("Cases", columns, _lines(rows))],
            notes + journal.notes,
            facts,
            fixed,
            rows,
        )

    journal.complete(
        [{"case": name} for name in names],
        lambda case: in_child(measure, case=case, budget=budget, threads=threads),
        published,
    )


def measure(case: str, budget: str, threads: int) -> Row:
    """In the child: one run of a case, its outcome, and what was said."""
    import torch

    from ..solve import solve
    from .trust_cases import CASES

    torch.set_num_threads(threads)
    chosen = CASES[case]
    row: Row = {
        "kind": chosen.kind, "expected": chosen.expected, "found": None, "estimate": None, "words": [],
    }  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            solution = solve(chosen.build(), budget=budget, **chosen.options)
        except ValueError as error:
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
    failed = row["status"].startswith("failed")
    return "told" if row["words"] or admitted or failed else "SILENT"


def deviation(row: Row) -> float | None:
    """The relative deviation of the value found; None where there is no right value."""
    if row["expected"] is None or row["found"] is None:
        return None
    off = abs(row["found"] - row["expected"]) / abs(row["expected"])
    return off if math.isfinite(off) else math.inf


def _lines(rows: Sequence[Row]) -> list[list[str]]:
    def text(value: float | None) -> str:
        return "-" if value is None else f"{number(value):.4g}"

    def small(value: float | None) -> str:
        return "-" if value is None else f"{number(value):.1e}"

    return [
        [row["case"], text(row["expected"]), text(row["found"]), small(deviation(row)),
         small(row["estimate"]), row["outcome"]]
        for row in rows
    ]  # fmt: skip
