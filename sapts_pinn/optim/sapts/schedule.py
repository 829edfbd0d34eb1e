"""Number of local steps of a sweep, from what sweeps and plain steps have brought."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor
from torch.optim.optimizer import StateDict

from ..curvature import Curvature
from ..radius import RadiusRule
from .local_solve import Correction
from .regimes import Regimes
from .settings import Sweep

FIRST = 4  # local steps of the first sweep
SHORTEN, GROW = 0.6, 1.25  # of the number of local steps
REGROW = 0.1  # more after a plain step: sweeps are tried again after eight of them, later if they did not pay
SELDOM = 4  # sweeps to one whose eta is measured, at the price of two products with the matrix
LONG = 0.08  # weight of the latest in the mean of eta: one sweep says little
BLIND = 0.9  # mean eta at which the parts see too little of f


class LocalStepSchedule:
    """Number m of local steps of the next sweep, and its radius where m is adaptive.

    Where the sweep is adaptive, m follows the ratio rho of sweeps and whether they pay: subdomains that move
    all parameters must know something of f; sweeps of the others must earn more per work than plain steps,
    which is tried out (`regimes.py`).  Else m is fixed.

    Args:
        sweep: The settings.
        rule: Every change of the radius.
        radius: The first radius of a step.
        shared: Whether the subdomains move all parameters.

    Attributes:
        steps: m, of which the integer part counts.
        reach: Radius of the next adaptive sweep.
        eta: Mean over sweeps on all points of what the subdomains have not seen of the gradient's change;
            they are trusted until they have failed often.
        sweeps: Number of sweeps on all points so far.
        unpaid: Number of sweeps in a row whose subdomains knew too little.
        regimes: Whether sweeps of subdomains with parameters of their own are worth their work.
    """

    def __init__(self, sweep: Sweep, rule: RadiusRule, radius: float, shared: bool) -> None:
        self.sweep, self.rule, self.shared = sweep, rule, shared
        limit = sweep.local_steps
        self.steps = float(min(limit, FIRST) if sweep.adaptive else limit)
        self.reach = rule.reach(radius, limit)
        self.eta, self.sweeps, self.unpaid, self.regimes = 0.0, 0, 0, Regimes()

    @property
    def due(self) -> bool:
        """The next step has a sweep."""
        if not self.sweep.adaptive:
            return int(self.steps) >= 1
        return int(self.steps) >= 2 and (self.shared or self.regimes.sweeps)

    def after_plain_step(self, before: float, after: float, rho: float | None) -> None:
        """Learn from a step without a sweep, and try sweeps again some day.

        Args:
            before: f before.
            after: f after.
            rho: Its ratio; None where it was not accepted, or follows a sweep.
        """
        if not self.shared:
            self.regimes.add(math.log(before / after) if before > after > 0 else 0.0, 1.0)
        if rho is not None and (self.shared or self.regimes.sweeps):
            self._lengthen(rho, 1.0 + REGROW / 2.0 ** min(self.unpaid, 10))

    def after_sweep(
        self, rho: float, gain: float, length: float, corrections: Sequence[Correction], cost: float = 1.0
    ) -> None:
        """Learn from a sweep.

        Args:
            rho: Its ratio.
            gain: Fall of log f.
            length: Length of the correction.
            corrections: Those of all groups.
            cost: Gradients at all points that a plain step costs, by which work is measured.
        """
        if not self.sweep.adaptive:
            return
        self.reach = self.rule.next_reach(self.reach, rho, length)
        if not self.shared:
            work = sum(record.work for c in corrections for record in c.records)
            self.regimes.add(gain, 1.0 + work / cost)
        blind = self.shared and self.eta >= BLIND
        self.unpaid = self.unpaid + 1 if blind else 0
        self._lengthen(-math.inf if blind else rho, GROW)

    def compare(self, curvature: Curvature, change: Tensor, seen: Tensor) -> None:
        """Take the eta of a sweep on all points into its mean, of every fourth one.

        Args:
            curvature: The model in whose metric gradients are measured.
            change: The change of the gradient of f, [n].
            seen: What the subdomains have seen of it, [n].
        """
        self.sweeps += 1
        if self.sweeps % SELDOM != 1:
            return
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
            "unpaid": self.unpaid,
            "regimes": self.regimes.state_dict(),
            "eta": self.eta,
            "sweeps": self.sweeps,
            "reach": self.reach,
        }

    def load_state_dict(self, state: StateDict) -> None:
        """Take over a saved state."""
        self.steps, self.unpaid = state["local_steps"], state["unpaid"]
        self.eta, self.reach = state["eta"], state["reach"]
        self.sweeps = state.get("sweeps", 0)  # earlier versions measured the eta of each
        self.regimes = Regimes.of(state.get("regimes"))
