"""Are the integrals in the equation resolved for the solution that was found?

Their nodes were chosen for trial waves, and the solution may be rougher.  So the equation is evaluated once
more with twice as many nodes along each coordinate.  What changes is an error of the quadrature: training
cannot see it, nor can the estimate of the error, as both have the same nodes.
"""

from __future__ import annotations

import torch

from .findings import Finding
from .state import State, rms

POINTS = 256
SLIGHT = 1e-8  # of the equation's terms


def check(state: State) -> tuple[list[Finding], dict[str, float]]:
    """Compare the integrals of the equation with finer ones."""
    problem = state.problem
    if not problem.integrals:
        return [], {}
    points, fine = state.interior[:POINTS], problem.companions.finer()
    with torch.no_grad():
        sites = fine.sites(points)
        fields = state.fields(state.channels(sites.points, state.needs))
        better = torch.stack(problem.rows(fine.arguments(fields, sites.points, state.known), points))
        scale = state.scale.clamp(min=1e-300)
        change = float((rms(better - state.residual(points)) / scale).max())
    left = float((rms(state.terms.residual) / scale).max())
    figures = {"quadrature": change}
    if change <= max(SLIGHT, left):
        return [], figures
    names = ", ".join(f"Integral({i.name!r})" for i in problem.integrals)
    words = (
        f"{names} changes by {change:.1e} of the equation's terms with twice as many nodes, more than "
        f"is left of the residual ({left:.1e}): give more nodes=, or limits where the solution is rough"
    )
    return [Finding("quadrature", words, figures)], figures
