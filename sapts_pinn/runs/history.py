"""The history of a run as CSV: the one writer and the one reader of history.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from .content import Row
from .files import write_text

ESTIMATE = "error_estimate"  # column of the estimates during a run


def write_history(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV; cells without a value are empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_history(path: Path) -> list[Row]:
    """Read the rows that `write_history` wrote.

    Args:
        path: The file; without one there are no rows.

    Returns:
        A dict for each row: numbers by column, None for empty cells.

    Raises:
        InputError: A cell holds no number, or a row has another number of cells than there are columns.
    """
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        names = next(reader, [])
        try:
            return [
                {name: float(cell) if cell else None for name, cell in zip(names, cells, strict=True)}
                for cells in reader
            ]
        except ValueError as error:
            raise InputError(
                f"{path} is damaged at line {reader.line_num} ({error}); delete it, or write the run again"
            ) from error
