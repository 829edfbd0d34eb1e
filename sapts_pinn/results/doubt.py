"""An objection that rests on the error estimate: residuals are small, and the solution is wrong even so.

A residual is measured by the terms of its equation.  Where these cancel each other, as in a stiff system on
its slow manifold, what is left of them rules the solution, and a residual that is small beside them may be as
large as all of it.  The linearised equation, which the estimate solves, knows how an error is amplified.
"""

from __future__ import annotations

from ..runs.content import Result
from ..runs.status import Status, StopReason

WRONG = 0.5  # estimated relative error from which on there is no solution
TOPIC = "error"
EXPLAINED = ("budget", "sampling", "conflict")  # limits that say already that, and why, it is not solved


def object_to(result: Result) -> None:
    """Object to a solution whose error estimate is as large as itself, where the audit has passed.

    Args:
        result: The content of result.json, changed in place.
    """
    audit, estimate = result.get("audit"), result.get("error_estimate")
    if not audit or estimate is None or audit["objections"]:
        return
    error = estimate["relative"]
    if error is not None and error < WRONG:
        return
    size = "unknown" if error is None else f"{error:.0%} of it"
    words = (
        f"the error of the solution is estimated to be {size}, though the residual is only "
        f"{audit['figures'].get('relative_residual', 0.0):.1e} of the equation's terms: it is not solved; "
        "give it more time, or windows of time (windows=) where terms nearly cancel, as in a stiff system"
    )
    audit["passed"] = False
    audit["objections"] = [{"topic": TOPIC, "words": words, "figures": {"estimate": error or 0.0}}]
    if Status.parse(result["status"]).reason is StopReason.CONVERGED:
        result["status"] = StopReason.OBJECTED.status()
    diagnosis = result.get("diagnosis")
    if diagnosis and diagnosis["limit"] not in EXPLAINED:
        diagnosis["limit"], diagnosis["words"] = TOPIC, words
