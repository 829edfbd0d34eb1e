"""The local solves of one group of subdomains, each from where the last has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...objectives.base import Evaluation
from ..curvature import Curvature
from ..radius import RadiusRule
from ..snapshot import Snapshot
from .exchange import Division
from .local_models import LocalModels
from .local_solve import Correction, local_solve
from .settings import Sweep
from .subdomain import Subdomain

PAIRS = 8  # that a group's sweep gives to the others, its latest: more cost as much and teach no more


@dataclass(frozen=True)
class GroupSolve:
    """Settings of the local solves of a sweep.

    Attributes:
        sweep: How the parts are used.
        rule: Acceptance, and every change of a radius.
        radius: First radius of a local step.
        reach: Radius of each group: bound of the sum of the lengths of all its steps.
        steps: At most so many steps of each part.
        pooled: The model that all parts start from; None where each has its own.
        in_place: Whether the parts teach that model itself; else those of a group a branch of it.
        local_models: The models of their own.
        deadline: `time.monotonic()` after which no further step begins.
        around: Random numbers and buffers that every look begins with, as that at theta_k did.
    """

    sweep: Sweep
    rule: RadiusRule
    radius: float
    reach: float
    steps: int
    pooled: Curvature | None
    in_place: bool
    local_models: LocalModels
    deadline: float
    around: Snapshot

    def run(
        self, division: Division, group: Sequence[Subdomain], theta: Tensor, at: Evaluation
    ) -> Correction:
        """Improve the parts of a group in turn.

        Args:
            division: The parts.
            group: Those of one group.
            theta: theta_k, [n].
            at: The evaluation of the whole there.
        """
        z, y = theta, torch.zeros_like(theta)
        done = Correction(z, y, [])
        model, radius, restore = self.pooled, self.radius, self.around.restore
        if model is not None and not self.in_place:
            model = model.branch()
        counters, rule = division.objective.counters, self.sweep.local_rule or self.rule
        for place, part in enumerate(group):
            base, before = division.base(part, at), counters.gradients
            restore()
            part.centre(theta, at, base)
            if model is None:
                curvature, radius = self.local_models.of(part, len(theta), self.radius)
                radius = radius if self.sweep.adaptive else self.radius
            else:
                curvature = model
            known = part.begin(at, base) if z is theta else None
            if known is None or (curvature.linearises and not known.whole):
                restore()
                known = part.evaluate(z)
            share = rule.left(self.reach, done.length, len(group) - place)
            z, end, record, pairs = local_solve(
                part, z, known, curvature, radius, self.steps, rule, share, self.deadline, restore
            )
            record.work = counters.gradients - before
            if model is None:
                self.local_models.keep(part, curvature, record.radius)
            else:
                radius = record.radius
            done.records.append(record)
            first, last = known.by_point(), end.by_point()
            if first is not None and last is not None:
                done.residual = first if done.residual is None else done.residual
                done.change = last - first if done.change is None else done.change + (last - first)
            done.pairs += pairs
            done.last = (part, end)
        done.s, done.end = z - theta, z
        for _, change, _ in done.pairs:
            y = y + change
        done.y, done.pairs = y, done.pairs[-PAIRS:]
        return done
