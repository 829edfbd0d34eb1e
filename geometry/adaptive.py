"""Residual-based adaptive sampling on any domain: RAD and RAR-D.

From a pool of candidates x, points are drawn without replacement with probability

    p(x) ~ |r(x)|^k / mean|r|^k + c.

RAD replaces all points by such a draw; RAR-D adds a few to those already there.  Source: Wu, Zhu, Tan, Kartha
and Lu, A comprehensive study of non-adaptive and residual-based adaptive sampling for physics-informed neural
networks, arXiv:2207.10289.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from ..errors import InputError

if TYPE_CHECKING:
    from .domains import Domain


def rad(
    domain: Domain,
    n: int,
    residual: Callable[[Tensor], Tensor],
    generator: Generator,
    *,
    power: float = 1.0,
    offset: float = 1.0,
    candidates: int | None = None,
) -> Tensor:
    """Residual-based adaptive distribution: n new points, dense where the residual is large.

    Args:
        domain: where to sample.
        n: number of points.
        residual: maps points [N, dim] to residuals [N].
        generator: source of all randomness.
        power: k in the density; larger concentrates more.
        offset: c in the density; larger is closer to uniform.
        candidates: size of the uniform pool, by default max(10 n, 10 000); one residual evaluation each.

    Returns:
        Points [n, dim], float64.

    Raises:
        InputError: a bad exponent or pool size, a residual of the wrong shape, or fewer than n finite
            residuals.
    """
    if not (power >= 0 and offset >= 0 and math.isfinite(power) and math.isfinite(offset)):
        raise InputError(
            f"power and offset must be finite and not negative; got power={power}, offset={offset}"
        )
    pool_size = max(10 * n, 10_000) if candidates is None else candidates
    if pool_size < n:
        raise InputError(
            f"cannot choose {n} points out of {pool_size} candidates; raise candidates to at least {n}"
        )
    pool = domain.interior(pool_size, generator)
    r = residual(pool).detach()
    if r.shape != (pool_size,):
        raise InputError(
            f"the residual of points {list(pool.shape)} must have shape [{pool_size}]; got {list(r.shape)}"
        )
    r = r.to(pool).abs()
    finite = torch.isfinite(r)
    if int(finite.sum()) < n:
        raise InputError(
            f"only {int(finite.sum())} of {pool_size} candidates have a finite residual; {n} are needed"
        )
    pool, r = pool[finite], r[finite]
    weight = (r / r.max()) ** power if r.max() > 0 else torch.ones_like(r)  # scaled first: |r|^k may overflow
    weight = weight / weight.mean() + offset
    # Exponential races (the Gumbel top-k trick): the n smallest E/w are a draw without replacement with odds
    # w. Points of zero weight finish last, so they come in only when there are not enough others.
    race = torch.empty_like(weight).exponential_(generator=generator) / weight.clamp_min(1e-300)
    return pool[race.topk(n, largest=False).indices]


def rar_d(
    domain: Domain,
    points: Tensor,
    m: int,
    residual: Callable[[Tensor], Tensor],
    generator: Generator,
    *,
    power: float = 2.0,
    offset: float = 0.0,
    candidates: int | None = None,
) -> Tensor:
    """Residual-based adaptive refinement with distribution: m more points where the residual is large.

    Args:
        domain: where to sample.
        points: present points [n, dim].
        m: number of points to add.
        residual: maps points [N, dim] to residuals [N].
        generator: source of all randomness.
        power: as in `rad`.
        offset: as in `rad`.
        candidates: as in `rad`, with m for n.

    Returns:
        Points [n + m, dim], the present ones first, in their dtype.

    Raises:
        InputError: as `rad`.
    """
    new = rad(domain, m, residual, generator, power=power, offset=offset, candidates=candidates)
    return torch.cat([points, new.to(points)])
