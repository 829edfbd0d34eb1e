"""Combination of the corrections of all groups into one.

sum         s = sum_d s_d, where the parts move different parameters
mean        s = sum_d s_d / D, where each part estimates the whole
subspace    s = sum_d alpha_d s_d, the minimiser of g.s + s.Bs/2 over the span, where B s_d = y_d is what the
parts saw (the idea of multi-preconditioned L-BFGS, arXiv:2601.08709).  Parts that are models of the same
residuals r know their changes d_d: then it is the minimiser of |r + sum_d alpha_d d_d|^2 / 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..subproblem.exact import secular
from .local_solve import Correction

COMBINATIONS = ("sum", "mean", "subspace")

Gram = Callable[[Tensor, Tensor], Tensor]  # products of rows [r, n] with others [k, n]: [r, k]


def combine(corrections: list[Correction], g: Tensor, how: str, gram: Gram) -> tuple[Tensor, float, float]:
    """Combine the groups' corrections.

    Args:
        corrections: At least one.
        g: The gradient of the whole, [n].
        how: One of `COMBINATIONS`.
        gram: Inner products, of sharded vectors over all ranks.

    Returns:
        The correction [n], the reduction predicted for it, and a bound of its length by the triangle
        inequality: sum_d |alpha_d| |s_d|, where |s_d| is the sum of the lengths of a group's steps.
    """
    count = len(corrections)
    if count == 1:
        return corrections[0].s, corrections[0].predicted, corrections[0].length
    weights = [1.0 / count if how == "mean" else 1.0] * count
    predicted = sum(w * c.predicted for w, c in zip(weights, corrections, strict=True))
    if how == "subspace":
        weights, predicted = _best(corrections, g, gram) or (weights, predicted)
    s = torch.zeros_like(g)
    for weight, correction in zip(weights, corrections, strict=True):
        s += weight * correction.s
    length = sum(abs(w) * c.length for w, c in zip(weights, corrections, strict=True))
    return s, predicted, length


def _best(corrections: list[Correction], g: Tensor, gram: Gram) -> tuple[list[float], float] | None:
    """The best weights, no longer than those of the plain sum, and what they promise; None if nothing."""
    changes = [c.change for c in corrections if c.change is not None]
    residual = next((c.residual for c in corrections if c.residual is not None), None)
    if residual is not None and len(changes) == len(corrections):
        D = torch.stack(changes)
        both = (D @ torch.cat([residual[None], D]).T).cpu().double()
    else:
        S = torch.stack([c.s for c in corrections])
        both = gram(S, torch.stack([g, *(c.y for c in corrections)]))
    slope, B = both[:, 0], both[:, 1:]
    if not torch.isfinite(both).all():
        return None
    values, vectors = torch.linalg.eigh(0.5 * (B + B.T))
    step = secular(slope, values.clamp(min=0.0), vectors, math.sqrt(len(corrections)))
    return (step.s.tolist(), step.predicted) if step.predicted > 0 else None
