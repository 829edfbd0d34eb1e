"""Truncated conjugate gradients (Steihaug-Toint), dogleg and Cauchy steps."""

from __future__ import annotations

from math import isfinite, sqrt

import torch
from torch import Tensor

from .step import Dot, MatVec, Step, _refused, _step, _zero, plain_dot


def cauchy(g: Tensor, mv: MatVec, radius: float, dot: Dot = plain_dot) -> Step:
    """Return the minimiser of the model along ``-g``.

    Args:
        g: the gradient, [n].
        mv: the product with ``B``.
        radius: the trust-region radius.
        dot: the inner product.
    """
    gg = dot(g, g)
    if gg == 0:
        return _zero(g)
    if not (isfinite(gg) and isfinite(radius)):
        return _refused(g)
    norm = sqrt(gg)
    gBg = dot(g, mv(g))
    on_boundary = gBg * radius <= gg * norm
    t = radius / norm if on_boundary else gg / gBg
    return _step(-t * g, t * gg - t * t * gBg / 2, on_boundary, t * norm)


def dogleg(g: Tensor, newton: Tensor, mv: MatVec, radius: float, dot: Dot = plain_dot) -> Step:
    """Return Powell's dogleg step, or the Cauchy point where the curvature along ``g`` is not positive.

    Args:
        g: the gradient, [n].
        newton: a solution of ``B newton = -g``, exact or not, [n].
        mv: the product with ``B``; used twice.
        radius: the trust-region radius.
        dot: the inner product.
    """
    gg = dot(g, g)
    if gg == 0:
        return _zero(g)
    Bg = mv(g)
    gBg = dot(g, Bg)
    first = cauchy(g, lambda _: Bg, radius, dot)
    if first.on_boundary or not isfinite(first.predicted):
        return first
    u = first.s
    leg = newton - u
    along, square = dot(u, leg), dot(leg, leg)
    if not isfinite(square):
        return _refused(g)
    if square == 0:
        return first
    to_boundary = _root(square, along, first.length, radius)
    slope = dot(g, leg) - (gg / gBg) * dot(Bg, leg)
    curvature = dot(leg, mv(leg))
    end = min(1.0, to_boundary)
    if curvature > 0:
        t = min(max(-slope / curvature, 0.0), end)
    else:
        t = end if slope + curvature * end / 2 < 0 else 0.0
    s = u + t * leg
    on_boundary = t == to_boundary
    length = radius if on_boundary else sqrt(dot(s, s))
    return _step(s, first.predicted - t * (slope + t * curvature / 2), on_boundary, length)


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


def scaled(g: Tensor, newton: Tensor, radius: float, dot: Dot = plain_dot) -> Step:
    """Return the minimiser over the ellipsoid ``sqrt(s.B s) <= radius`` for a positive definite model.

    Args:
        g: the gradient, [n].
        newton: ``-H g`` with ``H`` the inverse of ``B``, [n].
        radius: the radius, in the norm ``sqrt(s.B s)``; `Step.length` is in that norm too.
        dot: the inner product.

    Returns:
        The step; it predicts NaN also where ``g.H g <= 0``, which a positive definite ``H`` excludes.
    """
    gHg = -dot(g, newton)
    if gHg == 0 and dot(g, g) == 0:
        return _zero(g)
    if not (gHg > 0 and isfinite(gHg) and isfinite(radius)):
        return _refused(g)
    norm = sqrt(gHg)
    t = min(1.0, radius / norm)
    return _step(t * newton, t * (1 - t / 2) * gHg, t < 1, t * norm)
