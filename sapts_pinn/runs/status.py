"""Reasons for the end of a run, and the sentence of each.

`result.json` and people read the sentence; the package goes by the reason.  Nothing here loads PyTorch.
"""

from __future__ import annotations

from enum import Enum


class StopReason(Enum):
    """Reason for the end of a run; the value is its sentence, with a detail in place of {}.

    The order is that in which `Status.parse` tries them: `REQUESTED` takes every text.
    """

    RUNNING = ""
    BUDGET = "budget spent ({})"
    TARGET = "target error {} reached"
    ACCURATE = "accuracy {} reached by the error estimate"
    CONVERGED = "converged to working precision"
    OBJECTED = "stopped: no step lowers the loss, but the audit objects"
    EXHAUSTED = "stopped: the method has nothing left to try"
    STALLED = "stopped: the loss falls no more"
    INTERRUPTED = "interrupted by {}"
    FAILED = "failed: {}"
    UNFINISHED = "unfinished: this is its last checkpoint"
    REQUESTED = "{}"

    def status(self, detail: object = "") -> Status:
        """Sentence of this reason with its detail, such as the limits of a budget."""
        return Status(self.value.format(detail), self)

    def matches(self, text: str) -> bool:
        """Return whether a text is this reason's sentence with any detail."""
        before, hole, after = self.value.partition("{}")
        return text.startswith(before) and after in text[len(before) :] if hole else text == before

    @property
    def cut_short(self) -> bool:
        """Return whether the run broke off, by a fault or by a signal."""
        return self in (StopReason.FAILED, StopReason.INTERRUPTED)

    @property
    def is_regular(self) -> bool:
        """Return whether the run trained to its end, so that another may start from its solution."""
        ends = StopReason.CONVERGED, StopReason.OBJECTED, StopReason.EXHAUSTED
        return self in (StopReason.BUDGET, StopReason.ACCURATE, StopReason.STALLED) or self in ends


class Status(str):
    """Sentence that says why a run ended, empty while it goes on; a string, as callbacks and JSON want it.

    Attributes:
        reason: The reason that the sentence states.
    """

    reason: StopReason

    def __new__(cls, text: str = "", reason: StopReason | None = None) -> Status:
        """Keep the reason beside the text; without one the text tells it."""
        made = super().__new__(cls, text)
        made.reason = reason or next(reason for reason in StopReason if reason.matches(text))
        return made

    @classmethod
    def parse(cls, text: object) -> Status:
        """Read a status back from result.json; a request to stop is any text of a callback."""
        return text if isinstance(text, Status) else cls(str(text))
