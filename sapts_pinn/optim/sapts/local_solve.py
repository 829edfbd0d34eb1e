"""The local solve of SAPTS: a few trust-region steps of one part, or of the parts of a group in turn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
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
        residual: Residuals by points at theta_k, [N], where the parts are models of them; else None.
        change: What the parts say that s changes in them, [N].
    """

    s: Tensor
    y: Tensor
    records: list[SubdomainStats]
    end: Tensor | None = None
    pairs: list[Pair] = field(default_factory=list)
    last: tuple[Subdomain, LocalEvaluation] | None = None
    residual: Tensor | None = None
    change: Tensor | None = None

    @property
    def predicted(self) -> float:
        """The reduction that the parts saw, together where they are models of the same residuals."""
        if self.residual is not None and self.change is not None:
            return -float(self.change.dot(self.residual + 0.5 * self.change))
        return sum(record.gain for record in self.records)

    @property
    def length(self) -> float:
        """The sum of the lengths of all steps taken."""
        return sum(record.length for record in self.records)


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
    restore: Callable[[], None] = lambda: None,
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
        reach: Bound of the sum of the lengths of the steps taken.
        deadline: `time.monotonic()` after which no further step begins.
        restore: Puts random number generators and buffers back before every look at F_d.

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
        if not step.predicted > ROUNDING * torch.finfo(g.dtype).eps * abs(here.value):
            break
        s = part.extend(step.s, len(z))
        restore()
        trial = part.evaluate(z + s)
        rho = (here.value - trial.value) / step.predicted if math.isfinite(trial.value) else -math.inf
        accepted = rho > rule.accept
        if accepted or (curvature.learns_from_rejected and math.isfinite(trial.value)):
            g_trial = trial.gradient()
            finite = bool(g_trial.isfinite().all())
            accepted = accepted and finite
            if finite and not accepted:
                curvature.update(step.s, g_trial - g)
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
