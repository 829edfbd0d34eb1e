"""Columns of numbers from text files as spreadsheets and instruments write them.

The byte order mark gives the encoding; without one it is UTF-8, or UTF-16 where every other byte is
zero, or Latin-1 where it is not valid UTF-8. The separator is the one among tab, semicolon and comma that the
first line holds, or white space where it holds none.  With a separator other than the comma, a comma in a
number is the decimal sign.  Empty columns at the end of lines, empty lines, and lines that start with # are
dropped; the last of these before the numbers names the columns where nothing else does (as `numpy.savetxt`
writes them).
"""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...errors import InputError

Entry = tuple[int, str]  # line and text
Table = Mapping[str, list[Entry]]

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_table(path: str | Path) -> Table:
    """Read the columns of a file, by name, as text.

    Raises:
        InputError: There is no such file, it is empty, or its first line does not name the columns.
    """
    rows = _rows(path)
    if not rows:
        raise InputError(f"{path} is empty; it needs a line of column names and lines of numbers")
    names = [name.strip() for name in rows[0][1]]
    while names and not names[-1]:  # a separator at the end of every line
        names.pop()
    if not names:
        raise InputError(f"{path} has no column names in its first line; add them, such as x,t,u")
    if all(_is_number(name) for name in names):
        raise InputError(
            f"{path} begins with the numbers {', '.join(names)}; its first line has to name the columns, "
            "such as x,t,u"
        )
    for name in names:
        if not name:
            raise InputError(f"{path}: column {names.index('') + 1} has no name; name it in the first line")
        if names.count(name) > 1:
            raise InputError(f"{path} has two columns {name!r}; rename or remove one")
    columns: dict[str, list[Entry]] = {name: [] for name in names}
    for line, row in rows[1:]:
        if any(entry.strip() for entry in row[len(names) :]):
            raise InputError(
                f"{path}, line {line}: {len(row)} entries for {len(names)} columns; check the separators "
                "(decimal commas need ; or tab between the columns)"
            )
        for i, name in enumerate(names):
            columns[name].append((line, row[i].strip() if i < len(row) else ""))
    if len(rows) == 1:
        raise InputError(f"{path} holds column names but no numbers; add lines of numbers")
    return columns


def numbers_of(table: Table, name: str, path: str | Path) -> np.ndarray:
    """Convert a column of text to numbers [N].

    Raises:
        InputError: An entry is not a number, or not finite.
    """
    found = []
    for line, text in table[name]:
        if not _is_number(text) or "," in text:
            raise InputError(f"{path}, line {line}: {name!r} is {text!r}, no number")
        if not math.isfinite(number := float(text)):
            raise InputError(
                f"{path}, line {line}: {name!r} is {text!r}; remove the line, or mend the number"
            )
        found.append(number)
    return np.array(found)


def _rows(path: str | Path) -> list[tuple[int, list[str]]]:
    """The lines of a file that are not empty, with their numbers, cut at the separators."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"there is no file {path}; check the path") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; give a text file") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; check its permissions") from None
    text = _decoded(data, path)
    lines = _without_comments(text.splitlines())
    first = next((line for line in lines if line.strip()), "").strip()
    separator = next((s for s in "\t;," if s in first), ",")
    if separator not in first and len(first.split()) > 1:  # cut at white space
        lines, separator = [",".join(line.split()) if "," not in line else line for line in lines], ","
    rows = []
    for number, row in enumerate(csv.reader(lines, delimiter=separator, skipinitialspace=True), start=1):
        if any(entry.strip() for entry in row):
            entries = row if separator == "," else [_point_for_comma(entry) for entry in row]
            rows.append((number, entries))
    return rows


def _without_comments(lines: list[str]) -> list[str]:
    """Empty the lines that start with #, except one that names the columns."""
    marked = [i for i, line in enumerate(lines) if line.lstrip().startswith("#")]
    out = ["" if line.lstrip().startswith("#") else line for line in lines]
    first = next((i for i, line in enumerate(out) if line.strip()), len(out))
    if before := [i for i in marked if i < first]:
        if first < len(out) and all(map(_is_number, re.split(r"[;,\s]+", out[first].strip(" ,;\t")))):
            out[before[-1]] = lines[before[-1]].lstrip().lstrip("#").strip()
    return out


def _decoded(data: bytes, path: str | Path) -> str:
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data:
        # ASCII in UTF-16 without a mark: the zeros are all at odd or all at even places.
        encoding = "utf-16-le" if data[1::2].count(0) > data[0::2].count(0) else "utf-16-be"
    for candidate in (encoding,) if encoding else ("utf-8", "latin-1"):
        try:
            text = data.decode(candidate)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InputError(f"{path} is not a text file; give a table of numbers as text, such as CSV")


def _point_for_comma(entry: str) -> str:
    """Replace a decimal comma by a point where that gives a number."""
    swapped = entry.replace(",", ".")
    return swapped if entry.count(",") == 1 and _is_number(swapped) else entry


def _is_number(text: str) -> bool:
    if "_" in text:  # which Python takes for a digit separator
        return False
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True
