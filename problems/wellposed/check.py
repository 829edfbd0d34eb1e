"""Report on a problem before training, on one page.

The page is put together from what the problem has found out when it was constructed (derivatives, symmetries,
what is built in, missing conditions, singular coefficients) and from looks at its meshes and its data.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...geometry import Mesh
from ...geometry.mesh.quality import quality_of
from ..fields import spell
from .features import features
from .findings import ERROR, NOTE, WARNING, Finding

if TYPE_CHECKING:
    from ..description import Description

WIDTH = 110  # of the printed page
THIN = 5.0  # a cell with a smaller angle in degrees is said


@dataclass(frozen=True)
class Report:
    """Report on a problem before training.

    Attributes:
        problem: Its name.
        facts: Pairs of a topic and what is the case.
        findings: Possible faults of the problem, the worst first.
    """

    problem: str
    facts: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Test whether there is neither an error nor a warning."""
        return all(finding.severity == NOTE for finding in self.findings)

    def as_json(self) -> dict[str, object]:
        """The report as JSON, for `sapts-pinn check --json`."""
        return {
            "problem": self.problem,
            "ok": self.ok,
            "facts": [{"topic": topic, "text": text} for topic, text in self.facts],
            "findings": [
                {"severity": f.severity, "topic": f.topic, "sentence": f.sentence} for f in self.findings
            ],
        }

    def __str__(self) -> str:
        count = sum(f.severity != NOTE for f in self.findings)
        verdict = "nothing speaks against it" if self.ok else f"{count} warning{'s' if count > 1 else ''}"
        lines = [f"{self.problem}: {verdict}"]
        lines += [_wrapped(f"  {topic:<18} ", text) for topic, text in self.facts]
        lines += [_wrapped(f"  {f.severity:<8} ", f"{f.topic}: {f.sentence}") for f in self.findings]
        return "\n".join(lines)


def report(problem: Description) -> Report:
    """The report on a problem, in seconds."""
    findings = [*problem.findings, *_messages(problem), *_meshes(problem)[1]]
    if not any(f.topic == "singular coefficient" for f in findings):  # a pole is no feature to be resolved
        findings += features(problem)
    order = (ERROR, WARNING, NOTE)
    findings.sort(key=lambda finding: order.index(finding.severity))
    return Report(problem.name, (*_facts(problem), *_meshes(problem)[0]), tuple(findings))


def _wrapped(head: str, text: str) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    )


def _facts(problem: Description) -> Iterator[tuple[str, str]]:
    names = problem.domain.names
    yield "domain", f"{problem.domain!r}"
    yield "equations", f"{problem.equation_term.rows} for {', '.join(problem.unknown_names)}"
    for unknown, indices in problem.equation_term.needs.items():
        yield f"derivatives of {unknown}", ", ".join(spell(i, names) for i in indices if i) or "none"
    for condition, term in zip(problem.conditions, problem.condition_terms, strict=True):
        built_in = any(condition is c for c in problem.ansatz.exact)
        yield "condition", f"{term.name}: {'exact, by construction' if built_in else 'weighted term'}"
    for name, found in problem.symmetries.items():
        for where, signs in (("the middle", found.centre), ("both ends", found.ends)):
            if signs is not None:
                parity = ", ".join(
                    f"{u} {'even' if s == 1 else 'odd'}"
                    for u, s in zip(problem.unknown_names, signs, strict=True)
                )
                yield "symmetry", f"{name} about {where}: {parity}; built in (symmetry=False leaves it out)"
    if evidence := problem.symmetry_evidence:
        yield "evidence", evidence
    yield "scales", f"{problem.natural}"
    yield from (("scales", note) for note in problem.natural.notes)


def _messages(problem: Description) -> Iterator[Finding]:
    """Messages of the ansatz on data that it does not build in, and on contradictions."""
    for message in problem.ansatz.messages:
        against = message in problem.ansatz.contradictions
        yield Finding(WARNING if against else NOTE, "conditions" if against else "data", message)


def _meshes(problem: Description) -> tuple[list[tuple[str, str]], list[Finding]]:
    """The quality of the meshes of the domain."""
    facts, findings = [], []
    for shape in problem.domain.factors():
        if isinstance(shape, Mesh):
            quality = quality_of(shape)
            facts.append(("mesh", f"{shape.label}: {quality}"))
            if quality.smallest_angle < THIN:
                findings.append(
                    Finding(
                        NOTE,
                        "mesh",
                        f"a cell of {shape.label} has an angle of {quality.smallest_angle:.2g} degrees; "
                        "points are spread by area all the same, but its faces and normals may be poor "
                        "there",
                    )
                )
    return facts, findings
