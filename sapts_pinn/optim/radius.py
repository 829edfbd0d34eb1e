"""Rules for the radius of a trust region: every change of a radius is a method of `RadiusRule`.

An optimizer keeps radii and asks its rule for the next ones, so that a subclass of `RadiusRule` replaces the
behaviour of all of them. Source: Conn, Gould & Toint, Trust-Region Methods (2000), ch. 6 and 17.

**The first radius** of a method on mini-batches is measured: from one and the same point, with the same
mini-batches, sweeps of different radii are tried and the loss afterwards is compared.  Where training starts,
noise is small beside progress, and the radius that is best over some tens of steps is close to the one that
is best in the long run.  Later it is not, for small steps then gain by their lack of noise alone
(short-horizon bias: Wu et al., arXiv:1803.02021).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import InputError
from .curvature import Step

AFTER_RESET = 1.0  # the least radius after the model of the curvature was rebuilt
WRONG = -10.0  # rho of a step that was wrong by an order of magnitude
PROBES, SPAN = 12, 3.0  # radii that are probed, from a third of the current one to three times it
TINY = 1e-300  # no radius becomes zero
FAILED = 0.5  # of the radius remains when a sweep did not reduce f
FAR = 0.5  # of a sweep's reach: the way from which on it was the reach that ended the sweep
ROUNDED = 1.0 + 1e-9  # of a radius: a sum of lengths may exceed it by rounding
USED_UP = 1.0 - 1e-9  # of a sweep's reach, after which nothing is left of it
RECOVERY = 2.0 ** (1.0 / 10)  # by an accepted sweep on mini-batches; ten of them make good one rejection
NOT_FINITE = 0.1  # of the radius remains when the loss of a sweep on mini-batches is no number
COARSE, FINE = 4.0, 2.0  # factors between first radii tried
PATIENCE = 2  # that do no better, in a row, before a direction is given up
SHY = 0.03  # of the largest reduction, that a smaller first radius may lack
LEAST, MOST = 1e-12, 1e6  # first radii tried


@dataclass(frozen=True)
class RadiusRule:
    """When a step is accepted, and what becomes of the radius.

    Attributes:
        accept: Least rho of an accepted step.
        shrink: The radius shrinks below this rho.
        grow: The radius grows above this rho, when the step is on the boundary.
        shrink_factor: A shrinking radius becomes this much of the step's length.
        grow_factor: A growing one becomes this much of it.
        min_radius: The radius never falls below by a step's rho.
        max_radius: It never rises above by a step's rho.
    """

    accept: float = 1e-4
    shrink: float = 0.25
    grow: float = 0.75
    shrink_factor: float = 0.5
    grow_factor: float = 2.0
    min_radius: float = 0.0
    max_radius: float = math.inf

    def __post_init__(self) -> None:
        if not 0 <= self.accept <= self.shrink < self.grow < 1:
            raise InputError(
                f"0 <= accept <= shrink < grow < 1 is needed, not {self.accept}, {self.shrink}, {self.grow}"
            )
        if not (0 < self.shrink_factor < 1 < self.grow_factor and 0 <= self.min_radius < self.max_radius):
            raise InputError(
                "0 < shrink_factor < 1 < grow_factor and 0 <= min_radius < max_radius are needed, not "
                f"{self.shrink_factor}, {self.grow_factor}, {self.min_radius}, {self.max_radius}"
            )

    # -- a step ------------------------------------------------------------------------------------

    def next(self, radius: float, rho: float, step: Step, accepted: bool) -> float:
        """Return the radius after a step.

        It is smaller than the step's length after a rejection or a rho below `shrink`, at least as large as
        before after a rho above `grow`, unchanged otherwise; and within `min_radius` and `max_radius`.
        """
        if not accepted or rho < self.shrink:
            # A step that was wrong by an order of magnitude says that its whole scale is wrong.
            radius = (self.shrink_factor if rho > WRONG else self.shrink_factor**2) * step.length
        elif rho > self.grow and step.on_boundary:
            radius = max(radius, self.grow_factor * step.length)
        return min(max(radius, self.min_radius), self.max_radius)

    def after_reset(self, radius: float) -> float:
        """Return the radius for a rebuilt model: never smaller than before, and at least `AFTER_RESET`."""
        return max(radius, AFTER_RESET)

    # -- probing -----------------------------------------------------------------------------------

    def candidates(self, radius: float, like: Tensor) -> Tensor:
        """Return the radii to probe, [k], ascending, geometric around the current one.

        Args:
            radius: The current radius.
            like: Gives type and device.
        """
        exponent = math.log10(SPAN)
        return radius * torch.logspace(-exponent, exponent, PROBES, dtype=like.dtype, device=like.device)

    def probed(self, step: Step) -> float:
        """Return the radius after probing has chosen a step: its length, and never zero."""
        return max(step.length, TINY)

    # -- sweeps over subdomains --------------------------------------------------------------------

    def pooled(self, radii: Sequence[float]) -> float:
        """Return one radius from those that independent local solves ended with: their geometric mean."""
        return math.exp(sum(math.log(max(r, TINY)) for r in radii) / len(radii))

    def after_failed_sweep(self, radius: float) -> float:
        """Return the radius after a sweep that did not reduce f: smaller, so that failures come to an end."""
        return FAILED * radius

    def reach(self, radius: float, steps: int) -> float:
        """Return the first radius of a sweep whose local steps are adaptive: that of so many steps.

        Args:
            radius: The radius of a step.
            steps: Most local steps.
        """
        return radius * max(steps, 1)

    def share_of(self, reach: float, groups: int, how: str) -> float:
        """Return the radius of one group, with which the combined correction is no longer than the sweep's.

        By the triangle inequality: the mean of corrections of length Delta is no longer than Delta, the sum
        of N corrections needs Delta / N each, and so do N corrections with weights alpha, |alpha| <= sqrt(N).

        Args:
            reach: The radius Delta of the sweep.
            groups: Number of groups N.
            how: How their corrections are combined, of `combine.COMBINATIONS`.
        """
        return reach if how == "mean" else reach / groups

    def next_reach(self, reach: float, rho: float, way: float) -> float:
        """Return the radius of the next sweep.

        It is half the way gone after a rho below `shrink`, twice the radius after a rho above `grow` of a
        sweep that used at least half of it, and unchanged otherwise.

        Args:
            reach: The radius of the last sweep.
            rho: The ratio that it has reached.
            way: The length of its correction, a sum of step lengths.
        """
        if rho < self.shrink and way > 0:
            return 0.5 * way
        return 2.0 * reach if rho > self.grow and way > FAR * reach else reach

    def left(self, reach: float, way: float, parts: int) -> float:
        """Return the radius of the next part of a group: an even share of what the parts before have left.

        Args:
            reach: The radius of the group.
            way: The sum of the lengths of the steps so far.
            parts: Number of parts still to come, this one included.
        """
        return max(reach - way, 0.0) / parts

    def cut(self, radius: float, length: float) -> float:
        """Return the share of a step that lies within the radius, at most 1.

        Args:
            radius: The radius.
            length: The length of the step.
        """
        return min(1.0, radius / length) if length > 0 else 1.0

    def covers(self, radius: float, way: float) -> bool:
        """Return whether a correction is no longer than the radius, up to rounding."""
        return way <= ROUNDED * radius

    def within_reach(self, radius: float, reach: float, way: float) -> float:
        """Return the radius of the next local step, with which the way stays within reach; 0 at its end.

        Args:
            radius: The radius of a local step.
            reach: The radius of the group.
            way: The sum of the lengths of the steps so far.
        """
        return 0.0 if way > USED_UP * reach else min(radius, reach - way)

    # -- sweeps on mini-batches --------------------------------------------------------------------

    def annealed(self, radius: float, used: float) -> float:
        """Return the radius of a sweep: it falls linearly, to zero where the budget is spent.

        Args:
            radius: The radius without regard to the budget.
            used: Share of the budget that is spent.
        """
        return radius * (1.0 - min(max(used, 0.0), 1.0))

    def recovered(self, radius: float, upper: float) -> float:
        """Return the radius after an accepted sweep: a little larger, and never above `upper`."""
        return min(upper, radius * RECOVERY)

    def after_rejected_sweep(self, radius: float, finite: bool) -> float:
        """Return the radius after a rejected sweep: smaller, and much smaller if the loss was no number."""
        return radius * (FAILED if finite else NOT_FINITE)

    def first(self, loss_of: Callable[[float], float], start: float, before: float = -math.inf) -> float:
        """Search for the radius of the smallest loss; of several the first that was tried.

        Steps by a factor of 4 go up and down from the start until two in a row do no better than the best;
        then the neighbours of the best, by a factor of 2, are tried, and those of the second best if that
        lies in another valley.

        Args:
            loss_of: The loss after a sweep of a radius; infinite or NaN where it failed.
            start: The first radius.
            before: The loss without a step.  If given, a smaller radius that reduces it by nearly as much is
                preferred: it is less noisy later.
        """
        tried: dict[float, float] = {}

        def at(radius: float) -> float:
            if radius not in tried:
                found = loss_of(radius)
                tried[radius] = found if math.isfinite(found) else math.inf
            return tried[radius]

        at(start)
        for factor in (COARSE, 1.0 / COARSE):
            radius, worse = start, 0
            while worse < PATIENCE and (radius < MOST if factor > 1 else radius > LEAST):
                radius *= factor
                best = min(tried.values())
                # While everything fails there is nothing to be patient about: smaller radii will not.
                better = at(radius) < best or (math.isinf(best) and factor < 1)
                worse = 0 if better else worse + 1
        best, second, *_ = [*sorted(tried, key=lambda r: (tried[r], r)), start]
        apart = abs(math.log(second / best)) > 1.5 * math.log(COARSE)
        for radius in (best, second) if apart else (best,):
            at(radius * FINE)
            at(radius / FINE)
        least = min(tried.values())
        enough = least + SHY * max(before - least, 0.0)
        if enough > least:
            return min(r for r, v in tried.items() if v <= enough)
        return min(tried, key=lambda r: tried[r])


@dataclass(frozen=True)
class PublishedRule(RadiusRule):
    """Radius that changes by a factor of itself, whatever the length of the step."""

    def next(self, radius: float, rho: float, step: Step, accepted: bool) -> float:
        """Return the radius after a step: smaller below `shrink` or rejected, larger above `grow`."""
        if not accepted or rho < self.shrink:
            radius *= self.shrink_factor
        elif rho > self.grow:
            radius *= self.grow_factor
        return min(max(radius, self.min_radius), self.max_radius)
