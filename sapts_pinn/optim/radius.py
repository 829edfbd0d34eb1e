"""Rules for the radius: when a step is accepted, and how the radius follows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import InputError
from .curvature import Step


@dataclass(frozen=True)
class RadiusRule:
    """When a step is accepted, and what becomes of the radius.

    Attributes:
        accept: Least rho of an accepted step.
        shrink: The radius shrinks below this rho.
        grow: The radius grows above this rho, when the step is on the boundary.
        less: A shrinking radius becomes this much of the step's length.
        more: A growing one becomes this much of it.
        least: The radius never falls below.
        most: It never rises above.
    """

    accept: float = 1e-4
    shrink: float = 0.25
    grow: float = 0.75
    less: float = 0.5
    more: float = 2.0
    least: float = 0.0
    most: float = math.inf

    def __post_init__(self) -> None:
        if not 0 <= self.accept <= self.shrink < self.grow < 1:
            raise InputError(
                f"0 <= accept <= shrink < grow < 1 is needed, not {self.accept}, {self.shrink}, {self.grow}"
            )
        if not (0 < self.less < 1 < self.more and 0 <= self.least < self.most):
            raise InputError(
                "0 < less < 1 < more and 0 <= least < most are needed, "
                f"not {self.less}, {self.more}, {self.least}, {self.most}"
            )

    def next(self, radius: float, rho: float, step: Step, accepted: bool) -> float:
        """The radius after a step."""
        if not accepted or rho < self.shrink:
            # A step that was wrong by an order of magnitude says that its whole scale is wrong.
            radius = (self.less if rho > -10.0 else self.less**2) * step.length
        elif rho > self.grow and step.on_boundary:
            radius = max(radius, self.more * step.length)
        return min(max(radius, self.least), self.most)
