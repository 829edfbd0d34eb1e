"""`compare`: one problem by several methods, with the same budget and the same seeds, in a table."""

from __future__ import annotations

import csv
import html
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ..errors import InputError
from ..optim.methods import method as find_method
from ..problems import Problem
from ..results.solution import Solution
from ..runs.files import write_text
from ..training.budget import Budget
from .members import as_before, member, own_folder
from .run import solve

METHODS = ("sapts-d", "tr", "lbfgs", "adam")
UNSAFE = re.compile(r"[^\w.-]+")  # in the name of a folder
COLUMNS = ("error", "loss", "steps", "gradients", "seconds")
Line = dict[str, str | int | float | bool | None]


@dataclass(frozen=True, repr=False)
class Comparison:
    """Solutions of one problem by several methods; `print` shows a table, as a notebook does.

    Attributes:
        problem: What was solved.
        budget: Of each run.
        solutions: By name of the method, then by seed.
    """

    problem: Problem
    budget: Budget
    solutions: Mapping[str, Mapping[int, Solution]]

    @property
    def measured(self) -> bool:
        """Test for errors against a reference; without one they are estimates."""
        return all(s.result["relative_l2_error"] is not None for s in self._runs)

    @property
    def best(self) -> Solution:
        """The solution with the lowest error; without a reference by estimates, reliable ones first."""
        return min(
            self._runs,
            key=lambda s: (not self._is_reliable(s), math.inf if (e := self._error(s)) is None else e),
        )

    @property
    def rows(self) -> list[Line]:
        """Figures of every run: method, seed, error, loss, steps, gradients, seconds, status.

        Where the errors are estimates, `reliable` tells of each.
        """
        return [
            {
                "method": name,
                "seed": seed,
                "error": self._error(s),
                "loss": s.result["loss"],
                "steps": s.result["iterations"],
                "gradients": s.result["gradient_evaluations"],
                "seconds": s.result["seconds"],
                "status": str(s.result["status"]),
                **({} if self.measured else {"reliable": self._is_reliable(s)}),
            }
            for name, by_seed in self.solutions.items()
            for seed, s in by_seed.items()
        ]

    @property
    def _runs(self) -> list[Solution]:
        return [s for by_seed in self.solutions.values() for s in by_seed.values()]

    def _error(self, solution: Solution) -> float | None:
        if self.measured:
            return solution.result["relative_l2_error"]
        found = solution.result.get("error_estimate")
        return None if found is None else found["relative"]

    def _is_reliable(self, solution: Solution) -> bool:
        found = solution.result.get("error_estimate")
        return self.measured or (found is not None and found["reliable"])

    # -- the table -------------------------------------------------------------------------------------------

    @property
    def _table(self) -> list[list[str]]:
        """Cells of the table with its head: medians over the seeds, and the range of the errors."""
        seeds = max(map(len, self.solutions.values()))
        spread = ["from", "to"] if seeds > 1 else []
        error = "error" if self.measured else "estimated error"
        cells = [["method", error, *spread, *COLUMNS[1:]]]
        for name in self.solutions:
            own = [row for row in self.rows if row["method"] == name]
            errors = _known(own, "error")
            ends = [f"{end(errors):.2e}" if errors else "-" for end in (min, max)] if spread else []
            middle = [_shown(column, _known(own, column)) for column in COLUMNS]
            doubt = "?" if any(row.get("reliable") is False for row in own) and errors else ""
            cells.append([name, middle[0] + doubt, *ends, *middle[1:]])
        return cells

    @property
    def _caption(self) -> str:
        seeds = [*next(iter(self.solutions.values()))]
        which = f"seed {seeds[0]}" if len(seeds) == 1 else f"medians over seeds {', '.join(map(str, seeds))}"
        return f"{self.problem.name}, {self.budget} each, {which}"

    @property
    def _notes(self) -> list[str]:
        doubtful = any(row.get("reliable") is False and row["error"] is not None for row in self.rows)
        return ["? estimates of which some are not reliable"] if doubtful else []

    def __repr__(self) -> str:
        return f"Comparison({self.problem.name}: {', '.join(self.solutions)}; {len(self._runs)} runs)"

    def __str__(self) -> str:
        cells = self._table
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        lines = [
            "  ".join(
                [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
            )
            for row in cells
        ]
        return "\n".join([self._caption, *lines, *self._notes])

    def _repr_html_(self) -> str:
        """Table of a notebook."""
        head, *body = ([html.escape(cell) for cell in row] for row in self._table)
        rows = ["".join(f"<td>{cell}</td>" for cell in row) for row in body]
        return (
            f"<table><caption>{html.escape(self._caption)}</caption>"
            f"<tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>"
            f"{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
            f"{''.join(f'<p>{html.escape(note)}</p>' for note in self._notes)}"
        )

    def to_csv(self, path: str | Path) -> Path:
        """Write the figures of every run as CSV, a line each; cells without a value are empty."""
        text, rows = io.StringIO(), self.rows
        writer = csv.DictWriter(text, [*rows[0]], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(Path(path), text.getvalue())
        return Path(path)

    def plot(self, path: str | Path) -> Path:
        """Draw the error, or the loss where no reference is known, against time and against work.

        Raises:
            InputError: The extension is no picture's.
        """
        from ..viz.comparison import plot_comparison

        column = ("relative_l2_error", "relative L2 error") if self.measured else ("loss", "loss")
        histories = {name: [s.history for s in own.values()] for name, own in self.solutions.items()}
        return plot_comparison(histories, *column, Path(path))


def _known(rows: Sequence[Line], column: str) -> list[float]:
    return [float(value) for row in rows if (value := row[column]) is not None]


def _shown(column: str, values: Sequence[float]) -> str:
    if not values:
        return "-"
    middle = median(values)
    return (
        f"{middle:.2e}"
        if column in ("error", "loss")
        else f"{middle:.1f}"
        if column == "seconds"
        else f"{middle:.0f}"
    )


def compare(
    problem: Problem,
    methods: Sequence[str] | Mapping[str, Mapping[str, Any]] = METHODS,
    budget: str | float | Budget = "20s",
    *,
    seeds: int | Iterable[int] = 1,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    **settings: Any,
) -> Comparison:
    """Solve a problem by several methods, one after the other, for a table and a picture.

        compare(burgers, ["sapts-d", "adam"], "30s", seeds=3).plot("methods.png")
        compare(burgers, {"narrow": {"network": (10, 10)}, "wide": {"network": (40, 40)}})

    A loss is that of the weights which its own run has found: between methods the errors compare.

    Args:
        problem: What to solve.
        methods: Names of methods, see `sapts_pinn.optim.methods.METHODS`; or arguments of `solve` by a name
            of one's own.
        budget: Of every run.
        seeds: How many, or which ones; every method has all of them.
        out: Folder to write, with the run folders.
        resume: Such a folder to go on with: runs that have ended are read.
        **settings: Other arguments of `solve`, for all methods.

    Returns:
        The comparison.

    Raises:
        InputError: There is no method or no seed, or a setting is wrong.
    """
    asked = _arguments(methods)
    wanted = [*range(seeds)] if isinstance(seeds, int) else [*dict.fromkeys(seeds)]
    if not wanted:
        raise InputError(f"a comparison needs a seed, not seeds={seeds!r}")
    limits, folder = Budget.parse(budget), own_folder(out, resume, "runs")
    found: dict[str, dict[int, Solution]] = {name: {} for name in asked}
    for seed in wanted:  # all methods first, so that an interrupted comparison has compared something
        for name, own in asked.items():
            given = {**settings, **own, "budget": limits, "seed": seed}
            place = None if folder is None else folder / f"{UNSAFE.sub('-', name)}-seed{seed}"
            if place is None or resume is None:
                found[name][seed] = solve(problem, out=place, **given)
            else:
                found[name][seed] = member(solve, problem, place, **as_before(place, given))
    return Comparison(problem, limits, found)


def _arguments(methods: object) -> dict[str, dict[str, Any]]:
    """Arguments of `solve` by name of the method.

    Raises:
        InputError: There is none, or no such method.
    """
    if isinstance(methods, str):
        methods = (methods,)
    if isinstance(methods, Mapping):
        asked = {str(name): dict(own) for name, own in methods.items()}
    elif isinstance(methods, Iterable):
        asked = {name: {"method": name} for name in methods}
    else:
        asked = {}
    if not asked:
        raise InputError(f"methods must be names such as {', '.join(METHODS)}, not {methods!r}")
    for own in asked.values():  # a wrong name shows before the first run
        find_method(own.get("method", "auto"))
    return asked
