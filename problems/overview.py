"""Description of a problem in words: what was made of it, line by line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .conditions.base import Value
from .wellposed.findings import NOTE
from .written import as_text, statement_of

if TYPE_CHECKING:
    from .description import Description


def overview(problem: Description) -> str:
    """Text of `print(problem)`."""
    order = max(len(i) for needs in problem.equation_term.needs.values() for i in needs)
    lines = [
        f"{problem.name}: {', '.join(problem.unknown_names)} on {problem.domain!r}",
        f"  equations   {problem.equation_term.rows}, derivatives up to order {order}",
    ]
    lines += [f"  {heading:<11} {text}" for heading, text in _formulas(problem)]
    lines += [f"  elsewhere   {words}" for words in problem.companions.words]
    for condition, term in zip(problem.conditions, problem.condition_terms, strict=True):
        how = "weighted term, " + ("balanced" if term.balanced else f"weight {term.weight:g}")
        lines.append(
            f"  condition   {term.name}: {'exact, by construction' if problem.is_exact(condition) else how}"
        )
    for name, found in problem.symmetries.items():
        lines += [f"  symmetry    {name} {part}" for part in found.words(problem.unknown_names).split("; ")]
    lines += [f"  complex     {words}" for words in problem.complex_parts.words]
    lines += [f"  unknown     {u}" for u in problem.functions if str(u) != u.name]
    lines += [f"  coefficient {c}" for c in problem.coefficients]
    lines += [f"  material    {name}: {_by_region(values)}" for name, values in problem.materials.items()]
    lines += [f"  source      {source.describe(problem.domain)}: built in" for source in problem.sources]
    lines += [
        f"  obstacle    {one.words}; where they touch, the equation is an inequality"
        for one in problem.obstacles
    ]
    lines.append(f"  network of  {'; '.join(problem.ansatz.feature_names)}")
    lines.append(f"  scales      {problem.natural}")
    notes = (*problem.domain.notes, *problem.ansatz.messages, *problem.natural.notes)
    lines += [f"  note        {message}" for message in notes]
    lines += [f"  note        {f.sentence}" for f in problem.findings if f.severity != NOTE]
    return "\n".join(lines)


def _formulas(problem: Description) -> list[tuple[str, str]]:
    """Equations as formulas, and integrals that they use."""
    found = statement_of(problem)
    lines = [as_text(formula) for formula in found["equations"] or ()]
    where = [as_text(row["left"], row["right"]) for row in found["where"] if "left" in row]
    if not lines or None in lines:
        lines = ["in a form that has no formula, as that of a table or a branch"]
    return [*(("equation", str(line)) for line in lines), *(("where", str(line)) for line in where)]


def _by_region(values: Mapping[str, Value]) -> str:
    """Values of a material, such as "50 in steel, 390 in copper"."""
    return ", ".join(
        f"{'a function' if callable(value) else f'{value:g}'} in {label}" for label, value in values.items()
    )
