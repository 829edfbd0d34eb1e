"""No curvature at all: ``B = 0``, the first-order trust region.

The model ``m(s) = g.s`` is least on the ball at

    s = -radius g / ||g||,    -m(s) = radius ||g||,

so that the radius alone is the step length and the measured ratio corrects it: a gradient method that finds
its own rate. Source: Conn, Gould and Toint, Trust-Region Methods (SIAM, 2000), section 6.1, without the
quadratic term.
"""

from __future__ import annotations

from math import isfinite, sqrt

import torch
from torch import Tensor

from ..subproblem.step import InnerProducts
from .base import Curvature, Dot, Step, plain_dot


class Identity(Curvature):
    """The first-order trust region; a full step to the boundary along the negative gradient.

    Args:
        dot: the inner product.
    """

    def __init__(self, dot: Dot = plain_dot) -> None:
        self.dot = dot

    @classmethod
    def sharded(cls, products: InnerProducts) -> Identity:
        """Return a model of sharded vectors."""
        return cls(products)

    def mv(self, v: Tensor) -> Tensor:
        """Return ``B v = 0``."""
        return torch.zeros_like(v)

    def solve(self, g: Tensor, radius: float) -> Step:
        """Return the step to the boundary along ``-g``."""
        gg = self.dot(g, g)
        if gg == 0:
            return Step(torch.zeros_like(g), 0.0, False, 0.0)
        if not (isfinite(gg) and isfinite(radius)):
            return Step(torch.zeros_like(g), float("nan"), False, 0.0)
        norm = sqrt(gg)
        return Step((-radius / norm) * g, radius * norm, True, radius)
