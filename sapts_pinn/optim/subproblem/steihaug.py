"""Truncated conjugate gradients (Steihaug-Toint), for a model known by its products."""

from __future__ import annotations

from math import isfinite, sqrt

import torch
from torch import Tensor

from .step import Dot, MatVec, Step, _refused, _step, _zero, plain_dot


def _root(square: float, along: float, length: float, radius: float) -> float:
    """Return ``t >= 0`` with ``||z + t p|| = radius``, given ``p.p``, ``z.p`` and ``||z|| <= radius``."""
    gap = max((radius - length) * (radius + length), 0.0)
    root = sqrt(along * along + square * gap)
    # Of the two forms of the solution, the one without cancellation.
    return gap / (along + root) if along > 0 else (root - along) / square


def steihaug(
    g: Tensor,
    mv: MatVec,
    radius: float,
    dot: Dot = plain_dot,
    tolerance: float = 1e-2,
    max_iterations: int = 100,
) -> Step:
    """Return a step by conjugate gradients, stopped at the boundary or by negative curvature.

    Args:
        g: the gradient, [n].
        mv: the product with ``B``; used once an iteration.
        radius: the trust-region radius.
        dot: the inner product.
        tolerance: stop when ``||B s + g|| <= tolerance ||g||``.
        max_iterations: stop after so many products.
    """
    rr = dot(g, g)
    if rr == 0:
        return _zero(g)
    if not isfinite(rr) or not isfinite(radius):
        return _refused(g)
    enough = tolerance * tolerance * rr
    z, r, p = torch.zeros_like(g), g, -g
    length, predicted = 0.0, 0.0
    for _ in range(max_iterations):
        Bp = mv(p)
        pBp = dot(p, Bp)
        if not isfinite(pBp):
            return _refused(g)
        if pBp > 0:
            alpha = rr / pBp
            ahead = z + alpha * p
            length_ahead = sqrt(dot(ahead, ahead))
        if pBp <= 0 or length_ahead >= radius:
            t = _root(dot(p, p), dot(z, p), length, radius)
            return _step(z + t * p, predicted + t * rr - t * t * pBp / 2, True, radius)
        z, length = ahead, length_ahead
        predicted += alpha * rr / 2
        r = r + alpha * Bp
        rr, before = dot(r, r), rr
        if rr <= enough:
            break
        p = (rr / before) * p - r
    return _step(z, predicted, False, length)
