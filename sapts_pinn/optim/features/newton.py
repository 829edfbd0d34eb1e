"""Gauss-Newton steps in the outer layer of a network with one hidden layer, within a radius.

F(u) = 0 is linearised at u, and s is the least-squares solution of F'(u) s = -F(u) in the units.  The trial
is u + tau s with tau = min(1, Delta / |s|), |s| being the root mean square of the change of the network's
values at the equation's points, in the unknowns' natural units.  For the model m = |F + tau F' s|^2 / 2 along
s, the ratio of the reduction of |F|^2 / 2 to that of m decides on the step and on Delta, as in every trust
region (Conn, Gould and Toint, Trust-Region Methods, 2000, chapter 6): s is a direction of descent of m, which
falls all the way to tau = 1.  That the region is cut along one line, not a ball, keeps the solution by a
singular value decomposition, whose rank is chosen, as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from ..radius import RadiusRule
from ..subproblem.step import Step
from .sample import Function, Sample


@dataclass(frozen=True)
class Stepped:
    """Outcome of a step.

    Attributes:
        function: After it.
        accepted: Whether it differs from that before.
        rho: Reduction over predicted reduction.
        predicted: The predicted reduction of |F|^2 / 2.
        length: Of the trial step.
        radius: For the next step.
        value: |F|^2 / 2 after it.
        gain: By how much that is smaller than before.
        cut: Whether the radius has shortened the trial step.
    """

    function: Function
    accepted: bool
    rho: float
    predicted: float
    length: float
    radius: float
    value: float
    gain: float
    cut: bool = False


def half_square(residual: Tensor) -> float:
    """|r|^2 / 2, infinite where it is not a number."""
    value = 0.5 * float(residual.dot(residual))
    return value if math.isfinite(value) else math.inf


def norm(residual: Tensor) -> float:
    """|r|, infinite where it is not a number."""
    return math.sqrt(2 * half_square(residual))


def stepped(
    sample: Sample, start: Function, by: Tensor, change: Tensor, radius: float, rule: RadiusRule
) -> Stepped:
    """Try a step.

    Args:
        sample: The residuals.
        start: The function u in the units.
        by: s, [m (K + 1) + p].
        change: F'(u) s, weighted.
        radius: Delta.
        rule: When a step is accepted, and what becomes of the radius.
    """
    residual = sample.residual(start)
    before, whole = half_square(residual), sample.length(start.units, by)
    share = rule.cut(radius, whole)
    predicted = before - half_square(residual + share * change)
    step = Step(share * by, predicted, share < 1, share * whole)
    trial = start.moved(step.s, sample.trained)
    after = half_square(sample.residual(trial))
    rho = (before - after) / predicted if predicted > 0 and math.isfinite(after) else -math.inf
    accepted = rho > rule.accept
    return Stepped(
        trial if accepted else start,
        accepted,
        rho,
        predicted,
        step.length,
        rule.next(radius, rho, step, accepted),
        after if accepted else before,
        before - after if accepted else 0.0,
        share < 1,
    )
