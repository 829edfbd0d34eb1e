"""Errors that a user can cause, and the search for the name that was meant."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")


class InputError(ValueError):
    """An error in what the user gave: one sentence with the offending value and the fix.

    The command line prints it without a traceback and exits with status 2.  Every other exception is a fault
    of the package and keeps its traceback.
    """


class RankFailure(RuntimeError):
    """Failure of a rank or of the connection; the message names the rank and what to do."""


def lookup(name: str, table: Mapping[str, T], what: str) -> T:
    """Return the entry of a table under a name.

    Args:
        name: The name given.
        table: Entries by name.
        what: The kind of thing that is looked up, such as "method", for the message.

    Raises:
        InputError: There is no such entry; the message suggests the nearest name, or lists all.
    """
    if name in table:
        return table[name]
    near = get_close_matches(str(name), table, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(table)}"
    raise InputError(f"unknown {what} {name!r}; {hint}")
