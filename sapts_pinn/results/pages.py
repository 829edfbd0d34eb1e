"""Pages in HTML from templates, in which everything is escaped."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from ..problems.written import as_mathml, place
from ..problems.written.writer import is_rounded
from ..runs.content import Config

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **content: object) -> str:
    """Fill a template of the folder `templates`; text is escaped, wherever it comes from."""
    return _environment().get_template(template).render(**content)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("sapts_pinn.results", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def number(value: object, form: str = ".3g") -> str:
    """A number with few digits, a dash for none."""
    return format(float(value), form) if isinstance(value, (int, float)) else "–"


def plain(value: object) -> str:
    """A value of a setting or a result as people write it: three digits, lists with commas, no braces."""
    if value is None or value in ({}, []):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, dict):
        return "; ".join(f"{name} {plain(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(inner) for inner in value)
    return str(value)


def typeset(config: Config) -> dict[str, object]:
    """Equations and conditions of a run as MathML, as far as its config.json has their formulas.

    The MathML is made here, from formulas that may come from anywhere: a name in it is escaped, and what is
    no formula has none.
    """
    from markupsafe import Markup

    found: object = config.get("statement")
    try:
        statement = json.loads(json.dumps(found)) or {}
        formulas = [str(formula) for formula in statement.get("equations") or ()]
        rows, where = (
            [{str(k): str(v) for k, v in row.items()} for row in statement.get(key) or ()]
            for key in ("conditions", "where")
        )
    except (AttributeError, TypeError, ValueError):
        return {"equations": [], "unwritten": False, "where": [], "conditions": [], "rounded": False}
    equations = [as_mathml(formula) for formula in formulas]
    shown_formulas = [
        *formulas,
        *(row[name] for row in (*rows, *where) for name in ("left", "right", "surface") if name in row),
    ]
    return {
        "equations": [] if None in equations else [Markup(math) for math in equations],
        "unwritten": bool(statement) and (not equations or None in equations),
        "where": [_typeset(row) for row in where],
        "conditions": [_typeset(row) for row in rows],
        "rounded": any(_is_rounded(formula) for formula in shown_formulas),
    }


def _typeset(row: dict[str, str]) -> dict[str, object]:
    """A condition or an integral: its formula, where it has one, with its place, and its words."""
    from markupsafe import Markup

    math = as_mathml(row["left"], row["right"]) if {"left", "right"} <= set(row) else None
    surface = as_mathml(row["surface"]) if "surface" in row else None
    return {
        "words": row.get("words", ""),
        "math": None if math is None else Markup(math),
        "place": place(row),
        "surface": None if surface is None else Markup(surface),
    }


def _is_rounded(formula: str) -> bool:
    try:
        return is_rounded(formula)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
