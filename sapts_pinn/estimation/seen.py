"""Findings of an audit that the points of an error estimate do not show.

Derivatives that are not those of the values make the residual another function's.  A residual that sits in a
layer or in a spike, where few points are or none, is no part of F(u) on the points of the estimate: across it
the solution may have jumped to another one of the equation.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..audit import derivatives, jumps, residuals, rims
from ..audit.findings import Audit, together
from ..audit.state import State
from ..networks.model import Model
from ..networks.time_windows import WindowedModel
from ..runs.content import AuditContent

AMPLIFIED = 2.0  # error over the residual in terms of the equation, where nothing better is known


@dataclass(frozen=True)
class Seen:
    """Findings of an audit, as an estimate needs them.

    Attributes:
        words: Sentences that make the estimate not reliable.
        broken: Whether the derivatives of the model are not those of its values.
        residual: Residual of the equation over its terms, the largest of all rows.
        hidden: Relative error that a residual between the points may have caused.
        around_jumps: Relative error near places where prescribed values jump.
        at_rims: Relative error from corners where the initial values meet a face.
    """

    words: tuple[str, ...]
    broken: bool
    residual: float
    hidden: float
    around_jumps: float = 0.0
    at_rims: float = 0.0

    @classmethod
    def of(cls, audit: AuditContent) -> Seen:
        """Take what matters from an audit."""
        found = [f for f in audit["objections"] if f["topic"] in ("derivative", "layer", "sampling")]
        return cls(
            tuple(f["words"] for f in found),
            any(f["topic"] == "derivative" for f in found),
            audit["figures"].get("relative_residual", 0.0),
            max((_hidden(f["figures"]) for f in found), default=0.0),
            audit["figures"].get("around_jumps", 0.0),
            audit["figures"].get("at_rims", 0.0),
        )

    @classmethod
    def measured(cls, model: Model | WindowedModel) -> Seen:
        """Look at a model of which no audit is known."""
        parts: Sequence[Model] = model.windows if isinstance(model, WindowedModel) else [model]
        with warnings.catch_warnings():  # of the user's functions, which have warned before
            warnings.simplefilter("ignore")
            audits = [_audited(State(part)).as_json() for part in parts]
        found = audits[0] if len(audits) == 1 else together(audits)
        assert found is not None
        return cls.of(found)


def _audited(state: State) -> Audit:
    found, figures = residuals.check(state, state.interior)
    return Audit((*derivatives.check(state), *found), {**figures, **jumps.check(state), **rims.check(state)})


def _hidden(figures: Mapping[str, float]) -> float:
    """The jump across a layer, or about what a spike can cause: at most a jump by the solution's size."""
    return max(figures.get("integral", 0.0), min(AMPLIFIED * figures.get("spike", 0.0), 1.0))
