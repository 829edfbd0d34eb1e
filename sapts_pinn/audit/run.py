"""The audit as a whole."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping

from ..networks.model import Model
from ..problems import Sites
from . import conditions, derivatives, integrals, jumps, mirrors, obstacles, residuals, rims, sizes
from .findings import Audit, without_consequences
from .state import State

log = logging.getLogger(__name__)


def audit(model: Model, sites: Mapping[str, Sites]) -> Audit:
    """Look for what the loss of a trained model cannot see.

    Args:
        model: The trained model.
        sites: The points it was trained on, by term.

    Returns:
        The objections and what was measured.
    """
    points = sites["equation"].first.double().cpu()
    state = State(model, len(points))
    step = -(-len(points) // state.count)
    with warnings.catch_warnings():  # of the user's functions, which have warned before
        warnings.simplefilter("ignore")
        found, figures = residuals.check(state, points[::step])
        more, conditional = conditions.check(state, sites)
        coarse, quadrature = integrals.check(state)
        beyond, held = obstacles.check(state)
        figures |= {**conditional, **held, **jumps.check(state), **rims.check(state), **quadrature}
        found += coarse + beyond + more + derivatives.check(state) + mirrors.check(state) + sizes.check(state)
    return Audit(without_consequences(found), figures)


def audited(model: Model, sites: Mapping[str, Sites]) -> tuple[Audit | None, list[str]]:
    """The audit, and a remark where it failed: no run is lost because it could not be looked at."""
    try:
        return audit(model, sites), []
    except Exception as error:
        remark = f"the solution could not be audited ({type(error).__name__}: {error})"
        log.warning(remark, exc_info=error)
        return None, [remark]
