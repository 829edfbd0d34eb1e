"""Findings of an audit, and the audit as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..runs.content import AuditContent, AuditFinding

ORDER = (  # of the causes: each makes those after it likely
    "geometry",
    "derivative",
    "symmetry",
    "trivial",
    "singular",
    "quadrature",
    "scale",
    "layer",
    "sampling",
    "condition",
    "data",
    "residual",
)

EXPLAIN = {  # what follows from a cause, and is no finding of its own beside it
    "trivial": ("scale", "layer", "sampling", "condition", "residual"),
    "derivative": ("trivial", "layer", "sampling", "condition", "residual"),
    "scale": ("layer", "sampling", "condition", "residual"),
    "singular": ("scale", "layer", "sampling", "condition", "residual"),
    **dict.fromkeys(("geometry", "symmetry"), ("sampling", "condition", "data", "residual")),
    **dict.fromkeys(("layer", "sampling"), ("residual",)),
}


@dataclass(frozen=True)
class Finding:
    """An objection to a solution.

    Attributes:
        topic: What it is about, one of `ORDER`.
        words: A sentence for people: what was seen and what to do.
        figures: The numbers it rests on.
    """

    topic: str
    words: str
    figures: Mapping[str, float] = field(default_factory=dict)


def without_consequences(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings in the order of causes, without those that another one explains."""
    found = sorted(findings, key=lambda f: ORDER.index(f.topic))
    explained = {topic for f in found for topic in EXPLAIN.get(f.topic, ())}
    return tuple(f for f in found if f.topic not in explained)


@dataclass(frozen=True)
class Audit:
    """All that an audit found.

    Attributes:
        objections: Causes before consequences; empty when the audit has passed.
        figures: What was measured on the way, dimensionless unless told otherwise:
            `points` (number of fresh points), `relative_residual` (rms of the residual over rms of the
            largest term of the equation), `train_residual` and `test_residual` (rms in the equation's unit),
            `condition` (largest violation of a condition, relative to the solution), `around_jumps` (relative
            error near places where prescribed values jump, where there are any), `at_rims` (relative error
            from where the initial values meet a face, where there is a time), `quadrature` (change of the
            equation with twice as many nodes of its integrals, over its terms, where it has any), `passed`
            and `contact` (how far an obstacle is passed, over the unknown, and the share of the domain that
            touches it, where there is one).
    """

    objections: tuple[Finding, ...]
    figures: Mapping[str, float]

    @property
    def passed(self) -> bool:
        """True if there is nothing to object to."""
        return not self.objections

    def as_json(self) -> AuditContent:
        """For result.json."""
        objections: list[AuditFinding] = [
            {"topic": f.topic, "words": f.words, "figures": dict(f.figures)} for f in self.objections
        ]
        return {"passed": self.passed, "objections": objections, "figures": dict(self.figures)}


def together(audits: Sequence[AuditContent | None]) -> AuditContent | None:
    """The audits of windows in time, as in result.json, as one: all objections, the worst of all figures."""
    known = [(number, audit) for number, audit in enumerate(audits, 1) if audit]
    if not known:
        return None
    objections: list[AuditFinding] = [
        {**found, "words": f"window {number}: {found['words']}"}
        for number, audit in known
        for found in audit["objections"]
    ]
    names = dict.fromkeys(name for _, audit in known for name in audit["figures"])
    figures = {name: max(audit["figures"].get(name, 0.0) for _, audit in known) for name in names}
    return {"passed": not objections, "objections": objections, "figures": figures}


def lines(audit: AuditContent | None) -> list[str]:
    """The sentences of an audit as read from result.json, for the summary and the report."""
    if not audit:
        return []
    if audit["objections"]:
        return [f"{found['topic']}: {found['words']}" for found in audit["objections"]]
    figures = audit["figures"]
    held = []
    if "contact" in figures:
        held = [
            f"the obstacle is touched on {figures['contact']:.1%} of the domain and passed by at most "
            f"{figures['passed']:.1e} of the solution's size; where the contact ends is known less well"
        ]
    return [
        f"passed: the residual is {figures['relative_residual']:.1e} of the equation's terms on "
        f"{figures['points']:,.0f} fresh points, conditions hold to {figures['condition']:.1e}",
        *held,
    ]
