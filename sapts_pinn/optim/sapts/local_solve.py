"""The local solve of SAPTS: a few trust-region steps of one part, or of the parts of a group in turn."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from torch import Tensor

from ..base import SubdomainStats
from ..curvature import Curvature, Pair
from ..radius import RadiusRule
from ..trust_region import ROUNDING
from .subdomain import LocalEvaluation, Subdomain


@dataclass
class Correction:
    """The outcome of a group's local solves.

    Attributes:
        s: The correction, [n].
        end: Where it leads, theta_k + s before rounding, [n].
        y: The change of the F_d's gradients along it, [n].
        records: One for each part visited.
        pairs: The secant pairs found: s and y of [n] each, and the length of s in the part's model.
        last: The last part visited and its look at theta_k + s, where that is known.
    """

    s: Tensor
    y: Tensor
    records: list[SubdomainStats]
    end: Tensor | None = None
    pairs: list[Pair] = field(default_factory=list)
    last: tuple[Subdomain, LocalEvaluation] | None = None

    @property
    def predicted(self) -> float:
        """The reduction that the parts saw."""
        return sum(record.gain for record in self.records)


def local_solve(
    part: Subdomain,
    z: Tensor,
    start: LocalEvaluation,
    curvature: Curvature,
    radius: float,
    steps: int,
    rule: RadiusRule,
    reach: float = math.inf,
    deadline: float = math.inf,
) -> tuple[Tensor, LocalEvaluation, SubdomainStats, list[Pair]]:
    """Take up to `steps` trust-region steps on F_d.

    Args:
        part: The part.
        z: Where it starts, [n].
        start: F_d there.
        curvature: The model of its Hessian, in the part's parameters; it learns.
        radius: Initial radius of a step.
        steps: At most so many trials.
        rule: Acceptance and radius.
        reach: Bound of the sum of the steps' lengths.
        deadline: `time.monotonic()` after which no further step begins.

    Returns:
        Where it ended [n], F_d there, what was done, and the secant pairs.
    """
    here, g, record = start, start.gradient(), SubdomainStats(part.number, radius=radius)
    pairs: list[Pair] = []
    if time.monotonic() <= deadline:
        curvature.prepare(here)
    for _ in range(steps):
        bound = rule.within_reach(record.radius, reach, record.length)
        if not bound > 0 or time.monotonic() > deadline:
            break
        step = curvature.solve(g, bound)
        if not step.predicted > ROUNDING * EPSILON[g.element_size()] * abs(here.value):
            break
        s = part.extend(step.s, len(z))
        trial = part.evaluate(z + s)
        rho = (here.value - trial.value) / step.predicted if math.isfinite(trial.value) else -math.inf
        accepted = rho > rule.accept
        if accepted:
            g_trial = trial.gradient()
            accepted = bool(g_trial.isfinite().all())
        record.steps += 1
        record.radius = rule.next(record.radius, rho, step, accepted)
        if not accepted:
            continue
        curvature.update(step.s, g_trial - g)
        pairs.append((s, trial.full_gradient() - here.full_gradient(), step.length))
        z, here, g = z + s, trial, g_trial
        record.accepted += 1
        record.length += step.length
        if record.accepted < steps:
            curvature.prepare(here)
    record.gain = start.value - here.value
    return z, here, record, pairs


EPSILON = {8: 2.0**-52, 4: 2.0**-23}  # by bytes of a number
