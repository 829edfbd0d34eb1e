"""Number of local steps of a sweep, from what sweeps and plain steps have brought."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor
from torch.optim.optimizer import StateDict

from ..curvature import Curvature
from ..radius import RadiusRule
from .local_solve import Correction
from .settings import Sweep

FIRST = 4  # local steps of the first sweep
SHORTEN, GROW = 0.6, 1.25  # of the number of local steps
REGROW = 0.1  # more after a plain step: sweeps are tried again after eight of them, later if they did not pay
MEMORY = 0.1  # weight of the latest plain step in the mean rate
LONG = 0.02  # weight of the latest sweep in the mean of eta: one sweep says little
BLIND = 0.9  # mean eta at which the parts see too little of f


class LocalStepSchedule:
    """Number m of local steps of the next sweep, and its radius where m is adaptive.

    Where the sweep is adaptive, m follows the ratio rho of sweeps and whether they pay: subdomains that move
    all parameters must know something of f, the others must earn as much per work as plain steps do.  Else m
    is fixed.

    Args:
        sweep: The settings.
        rule: Every change of the radius.
        radius: The first radius of a step.

    Attributes:
        steps: m, of which the integer part counts.
        reach: Radius of the next adaptive sweep.
        eta: Mean over sweeps on all points of what the subdomains have not seen of the gradient's change;
            they are trusted until they have failed often.
        plain_rate: Fall of log f per unit of work, by steps without a sweep; infinite while unknown.
        unpaid: Number of sweeps in a row that did worse.
    """

    def __init__(self, sweep: Sweep, rule: RadiusRule, radius: float) -> None:
        self.sweep, self.rule = sweep, rule
        limit = sweep.local_steps
        self.steps = float(min(limit, FIRST) if sweep.adaptive else limit)
        self.reach = rule.reach(radius, limit)
        self.eta, self.plain_rate, self.unpaid = 0.0, math.inf, 0

    @property
    def due(self) -> bool:
        """The next step has a sweep."""
        return int(self.steps) >= (2 if self.sweep.adaptive else 1)

    def after_plain_step(self, before: float, after: float, rho: float, groups: int) -> None:
        """Learn from an accepted step without a sweep, and try sweeps again some day.

        Args:
            before: f before.
            after: f after.
            rho: Its ratio.
            groups: Number of groups of all ranks, which would work side by side in a sweep.
        """
        gain = math.log(before / after) if before > after > 0 else 0.0
        rate, known = gain * groups, self.plain_rate
        self.plain_rate = rate if math.isinf(known) else known + MEMORY * (rate - known)
        self._lengthen(rho, 1.0 + REGROW / 2.0 ** min(self.unpaid, 10))

    def after_sweep(
        self,
        rho: float,
        gain: float,
        length: float,
        corrections: Sequence[Correction],
        shared: bool,
        groups: int,
    ) -> None:
        """Learn from a sweep.

        Blocks and stages cost a pass over all points at every local step, so that their sweeps must earn as
        much per work as plain steps do, in work done side by side by as many ranks as there are groups.

        Args:
            rho: Its ratio.
            gain: Fall of log f.
            length: Length of the correction.
            corrections: Those of all groups.
            shared: Whether the subdomains move all parameters.
            groups: Number of groups of all ranks.
        """
        if not self.sweep.adaptive:
            return
        self.reach = self.rule.next_reach(self.reach, rho, length)
        work = max(sum(record.work for record in c.records) for c in corrections)
        paid = self.eta < BLIND if shared else gain >= self.plain_rate * (work + 1.0 / groups)
        self.unpaid = 0 if paid else self.unpaid + 1
        self._lengthen(rho if paid else -math.inf, GROW)

    def compare(self, curvature: Curvature, change: Tensor, seen: Tensor) -> None:
        """Take the eta of a sweep into its mean.

        Args:
            curvature: The model in whose metric gradients are measured.
            change: The change of the gradient of f, [n].
            seen: What the subdomains have seen of it, [n].
        """
        whole, missed = curvature.square(change), curvature.square(change - seen)
        if not (whole > 0 and missed >= 0):
            return
        self.eta += LONG * (math.sqrt(missed / whole) - self.eta)

    def _lengthen(self, rho: float, factor: float) -> None:
        """More local steps after a sweep that came out as predicted, fewer after one that did not."""
        if rho < self.sweep.low:
            self.steps = max(1.0, SHORTEN * self.steps)
        elif rho > self.sweep.high:
            self.steps = min(float(self.sweep.local_steps), factor * self.steps)

    def state_dict(self) -> StateDict:
        """All that it has learned."""
        return {
            "local_steps": self.steps,
            "plain_rate": self.plain_rate,
            "unpaid": self.unpaid,
            "eta": self.eta,
            "reach": self.reach,
        }

    def load_state_dict(self, state: StateDict) -> None:
        """Take over a saved state."""
        self.steps, self.plain_rate, self.unpaid = state["local_steps"], state["plain_rate"], state["unpaid"]
        self.eta, self.reach = state["eta"], state["reach"]
