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
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ...errors import InputError
from ...runs.status import Status, StopReason
from ..harness.child import in_child
from ..harness.journal import Journal
from ..harness.options import Names, Whole, at_least, chosen_threads
from ..harness.report import Row, Section, folder_for, header, machine, number, publish

ADMITTED = 1 / 3  # an estimate of at least this share of the true deviation admits it
BATCH = 100  # random problems measured at a time
SMALL: Row = {"network": (12, 12), "points": 512}  # of the runs in random units

Cell = Row


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

    wanted = list(parts or PARTS)
    for part in wanted:
        if part not in PARTS:
            raise InputError(f"there is no part {part!r}; choose one of {', '.join(PARTS)}")
    asked = Asked(_cases_by_number(cases), problems, _seconds(budgets), _seeds(seeds))
    budget = str(Budget.parse(budget))
    facts = machine()
    threads = chosen_threads(threads, facts)
    at_least(1, problems=problems)
    fixed = {"budget": budget, "threads": threads, "precision": "float64", "seed": 0}
    folder = folder_for("trust", out)
    journal = Journal(folder / "runs.jsonl", fixed)

    def published(rows: list[Row]) -> None:
        head = header("Wrong in silence?", facts, fixed)
        of = {name: [row for row in rows if row["part"] == name] for name in PARTS if name in wanted}
        sections = [PARTS[name].section(found) for name, found in of.items() if found]
        notes = [note for name, found in of.items() if found for note in PARTS[name].notes(found)]
        publish(folder, "trust", head, sections, notes + journal.notes, facts, fixed, rows)

    journal.complete(
        [{"part": part, **cell} for part in wanted for cell in PARTS[part].cells(asked)],
        lambda **cell: in_child(measured, cell=cell, budget=budget, threads=threads),
        published,
    )


def _cases_by_number(numbers: Sequence[str] | None) -> list[str]:
    """Names of the cases with these numbers, or of all.

    Raises:
        InputError: There is no case of a number.
    """
    from ..trust.written import CASES

    names = list(CASES)
    if not numbers:
        return names
    wrong = next((n for n in numbers if not (n.isdigit() and 1 <= int(n) <= len(names))), None)
    if wrong is not None:
        raise InputError(f"there is no case {wrong!r}; give numbers from 1 to {len(names)}")
    return [names[int(n) - 1] for n in numbers]


def _seconds(budgets: Sequence[str] | None) -> list[float]:
    """Budgets in seconds of the runs whose error is estimated."""
    from ...training.budget import Budget

    return [Budget.parse(b if b.endswith("s") else f"{b} s").seconds for b in budgets or ("10", "60", "180")]


def _seeds(seeds: Sequence[str] | None) -> list[int]:
    """Seeds of the runs whose error is estimated.

    Raises:
        InputError: One is no whole number.
    """
    if seeds and not all(s.isdigit() for s in seeds):
        raise InputError(f"seeds must be whole numbers, not {','.join(seeds)}")
    return [int(s) for s in seeds or ("0", "1", "2")]


def measured(cell: Cell, budget: str, threads: int) -> Row:
    """In the child: the result of one cell."""
    import torch

    torch.set_num_threads(threads)
    return PARTS[cell["part"]].measure(cell, budget, threads)


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
    estimate, audit = result.get("error_estimate"), result.get("audit")
    row["estimate"] = None if estimate is None else estimate["relative"]
    row["words"] = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    row["words"] += [] if audit is None else audit["objections"]
    row["words"] += [] if estimate is None or estimate["reliable"] else [estimate["words"]]
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


# -- the parts -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """Choices of the user, for all parts.

    Attributes:
        cases: Names of the cases.
        problems: Number of random problems.
        seconds: Budgets of the runs whose error is estimated.
        seeds: Seeds of these runs.
    """

    cases: list[str]
    problems: int
    seconds: list[float]
    seeds: list[int]


class Part(ABC):
    """A part of the suite: what it measures, how, and its table."""

    @abstractmethod
    def cells(self, asked: Asked) -> list[Cell]:
        """Measurements to do."""

    @abstractmethod
    def measure(self, cell: Cell, budget: str, threads: int) -> Row:
        """Do one measurement, in the child."""

    @abstractmethod
    def section(self, rows: Sequence[Row]) -> Section:
        """Table of the results."""

    def notes(self, rows: Sequence[Row]) -> list[str]:
        """Sentences below the tables."""
        return []


class _Cases(Part):
    """Problems as users write them."""

    def cells(self, asked: Asked) -> list[Cell]:
        return [{"case": name} for name in asked.cases]

    def measure(self, cell: Cell, budget: str, threads: int) -> Row:
        return measure(cell["case"], budget, threads)

    def section(self, rows: Sequence[Row]) -> Section:
        columns = ["case", "right", "found", "deviation", "estimate", "outcome"]
        lines = [
            [row["case"], _text(row["expected"]), _text(row["found"]), _small(deviation(row)),
             _small(row["estimate"]), row["outcome"]]
            for row in rows
        ]  # fmt: skip
        return "Cases", columns, lines

    def notes(self, rows: Sequence[Row]) -> list[str]:
        return [f"{row['case']}: {row['words'][0]}" for row in rows if row["words"]]


class _Symmetries(Part):
    """Random problems, of which no reflection may be claimed that does not hold."""

    def cells(self, asked: Asked) -> list[Cell]:
        total = asked.problems
        return [{"start": i, "count": min(BATCH, total - i)} for i in range(0, total, BATCH)]

    def measure(self, cell: Cell, budget: str, threads: int) -> Row:
        from ..trust import symmetry

        return symmetry.run(cell["count"], cell["start"])

    def section(self, rows: Sequence[Row]) -> Section:
        counted = ("problems", "symmetric", "found", "not_symmetric")
        sums = {key: sum(row[key] for row in rows) for key in counted}
        false = sum(len(row["false_claims"]) for row in rows)
        columns = ["random problems", "symmetric coordinates", "found", "others", "falsely claimed"]
        return "Symmetries", columns, [[*(str(value) for value in sums.values()), str(false)]]


class _Scales(Part):
    """The zoo in random units."""

    def cells(self, asked: Asked) -> list[Cell]:
        from ..trust.estimate import names_with_reference

        return [{"problem": name, "seed": seed} for seed in (0, 1) for name in names_with_reference()]

    def measure(self, cell: Cell, budget: str, threads: int) -> Row:
        from ..trust import scales

        return scales.run([cell["problem"]], [cell["seed"]], **SMALL)[0]

    def section(self, rows: Sequence[Row]) -> Section:
        columns = ["problem", "seed", "error", "in random units", "ratio"]
        keys = ("error", "rescaled_error", "ratio")
        lines = [[row["problem"], str(row["seed"]), *(_small(row[k]) for k in keys)] for row in rows]
        return "Random units", columns, lines


class _Meshes(Part):
    """Meshes with the faults that files have."""

    def cells(self, asked: Asked) -> list[Cell]:
        return [{"all": True}]

    def measure(self, cell: Cell, budget: str, threads: int) -> Row:
        from ..trust import meshes

        return {"rows": [asdict(row) for row in meshes.run()]}

    def section(self, rows: Sequence[Row]) -> Section:
        found = [mesh for row in rows for mesh in row["rows"]]
        lines = [[m["fault"], m["kind"], str(m["outcome"]), "yes" if m["right"] else "NO"] for m in found]
        return "Faulty meshes", ["fault", "kind", "outcome", "right"], lines


class _Estimates(Part):
    """Error estimates against true errors over the zoo."""

    def cells(self, asked: Asked) -> list[Cell]:
        from ..trust.estimate import names_with_reference

        return [
            {"problem": name, "budget": seconds, "seed": seed}
            for seconds in asked.seconds
            for seed in asked.seeds
            for name in names_with_reference()
        ]

    def measure(self, cell: Cell, budget: str, threads: int) -> Row:
        from ..trust import estimate

        return estimate.measure(cell["problem"], float(cell["budget"]), cell["seed"])

    def section(self, rows: Sequence[Row]) -> Section:
        from ..trust import estimate

        return "Error estimates", list(estimate.COLUMNS), [estimate.cells(row) for row in rows]

    def notes(self, rows: Sequence[Row]) -> list[str]:
        from ..trust.estimate import verdict

        return [verdict(rows)]


PARTS: dict[str, Part] = {
    "cases": _Cases(),
    "symmetry": _Symmetries(),
    "scales": _Scales(),
    "meshes": _Meshes(),
    "estimates": _Estimates(),
}


def _text(value: float | None) -> str:
    return "-" if value is None else f"{number(value):.4g}"


def _small(value: float | None) -> str:
    return "-" if value is None else f"{number(value):.1e}"
