"""Does the solution pass its obstacle, and where does it touch it?

The complementarity sees both, in a norm.  Here the largest distance by which fresh points have passed the
obstacle is set against the size of the unknown, and the share of the domain that is in contact is measured:
where what is left of the equation is larger than what is left of the inequality.  The edge of the contact is
seen as well as that: beside it u leaves the obstacle like the square of the distance, so that an error e of u
moves the edge by as much as sqrt(2 e / |jump of the second derivative|), which no residual shows.
"""

from __future__ import annotations

import torch

from .findings import Finding
from .state import State

COUNTS = 0.03  # of the unknown's size: it is seen in the solution


def check(state: State) -> tuple[list[Finding], dict[str, float]]:
    """Measure `passed`, over the rms of the unknown, and `contact`, a share of the domain."""
    problem, held = state.problem, state.problem.complementarity
    if held is None:
        return [], {}
    points, name = state.interior, held.obstacle.unknown
    here = {**state.inner, (name, ()): state.everything[name, ()][: len(points)]}
    fields = state.fields(here)
    u = fields[name].value
    with torch.no_grad():
        low, high = held.obstacle.bounds(points, problem.domain.names, state.known)
        (force,) = problem.free.evaluate(fields, points, state.known)
    beyond, touched = torch.zeros_like(u), torch.zeros_like(u, dtype=torch.bool)
    for gap, push in (
        (None if low is None else u - low, held.sign * force),
        (None if high is None else high - u, -held.sign * force),
    ):
        if gap is not None:
            beyond = torch.maximum(beyond, -gap)
            touched |= held.rate * gap < push
    size = max(state.sizes[name], torch.finfo(torch.float64).tiny)
    worst = int(beyond.argmax())
    figures = {"passed": float(beyond[worst]) / size, "contact": float(touched.double().mean())}
    if figures["passed"] <= COUNTS:
        return [], figures
    words = (
        f"{name} passes its obstacle by {figures['passed']:.0%} of its size at {state.where(points[worst])}: "
        "a longer run goes on from here"
    )
    return [Finding("condition", words, figures)], figures
