"""Calibration of the error estimate: estimate over true error, for every problem that has a reference.

A ratio in [1/3, 10] is right, one below 1/30 is never allowed.  `trust.py` runs it and keeps the results.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from ..harness.report import Row

RIGHT = (1 / 3, 10.0)  # the ratio of a good estimate
NEVER = 1 / 30  # less than this is wrong in silence
COLUMNS = ("problem", "budget", "seed", "true", "estimate", "ratio", "reliable", "s")


def names_with_reference() -> list[str]:
    """The problems of the zoo that have a reference."""
    from ...problems import zoo

    return [name for name in zoo.ZOO if zoo.build(name).reference is not None]


def measure(name: str, budget: float, seed: int) -> Row:
    """Run a problem; its true error and its estimate."""
    from ...problems import zoo
    from ...solving.run import solve

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = solve(zoo.build(name), budget=budget, seed=seed).result
    true, found = result["relative_l2_error"], result.get("error_estimate")
    estimate = None if found is None else found["relative"]
    ratio = estimate / true if estimate is not None and true else None
    return {
        "true": true,
        "estimate": estimate,
        "ratio": ratio,
        "reliable": found is not None and found["reliable"],
        "words": "; ".join(result.get("remarks", ())) if found is None else found["words"],
        "seconds": None if found is None else found["seconds"],
    }


def cells(row: Row) -> list[str]:
    """A row of the table."""

    def number(value: float | None, form: str) -> str:
        return "–" if value is None else format(value, form)

    return [
        str(row["problem"]),
        f"{row['budget']:g} s",
        str(row["seed"]),
        number(row["true"], ".1e"),
        number(row["estimate"], ".1e"),
        number(row["ratio"], ".2g"),
        "yes" if row["reliable"] else "no",
        number(row["seconds"], ".1f"),
    ]


def verdict(rows: Sequence[Row]) -> str:
    """Count the ratios that are right; an estimate that says nothing counts as wrong."""
    low, high = RIGHT
    ratios = [row["ratio"] for row in rows]
    right = sum(r is not None and low <= r <= high for r in ratios)
    silent = [row["problem"] for row in rows if row["ratio"] is not None and row["ratio"] < NEVER]
    said = f"; below 1/30: {', '.join(silent)}" if silent else "; none below 1/30"
    return f"{right} of {len(rows)} ratios lie in [1/3, 10]{said}"
