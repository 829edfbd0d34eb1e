"""Findings of an examination of a problem: a sentence each, with a severity."""

from __future__ import annotations

from dataclasses import dataclass

ERROR, WARNING, NOTE = "error", "warning", "note"
TRIVIAL = "trivial solution"  # the topic of a solution that is zero


class IllPosed(UserWarning):
    """A warning that a problem, as it is stated, has no solution or more than one."""


@dataclass(frozen=True)
class Finding:
    """A finding: a sentence with its severity and topic.

    Attributes:
        severity: "error" (no solution can be right), "warning" (probably not what is meant) or "note".
        topic: Subject in a word, such as "conditions" or "mesh".
        sentence: Sentence for the user: the fault, its place, and how to mend it.
    """

    severity: str
    topic: str
    sentence: str


def listed(items: list[str] | tuple[str, ...]) -> str:
    """Words in a row: "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
