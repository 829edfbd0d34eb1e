"""Smoothness of a function on the circle that closes an interval: its derivatives at both ends agree."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from ...geometry import Domain
from ..fields import derivatives

SAMPLES = 64  # points where a function is compared across the seam


def smooth_across(
    function: Callable[[Tensor], Tensor],
    domain: Domain,
    axis: int,
    orders: int,
    whole: Callable[[Tensor], Tensor] | None = None,
) -> float:
    """Largest relative jump of a function, or of a derivative, on the circle that closes an interval.

    Args:
        function: Maps [N, dim] to [N].
        domain: The domain; its factor in `axis` is an interval.
        axis: Position of the periodic coordinate.
        orders: Derivatives 0 .. orders are compared across the seam.
        whole: What the function is the rest of, which may be nothing but rounding.

    Returns:
        The largest jump of a derivative, relative to that derivative's largest value anywhere, of the
        function or of the whole.
    """
    generator = torch.Generator().manual_seed(7)
    inner = domain.interior(SAMPLES, generator)
    start, end = inner.clone(), inner.clone()
    start[:, axis], end[:, axis] = domain.bounds[0, axis], domain.bounds[1, axis]
    indices = [(axis,) * k for k in range(orders + 1)]
    length = float(domain.bounds[1, axis] - domain.bounds[0, axis])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = derivatives(function, torch.cat([start, end, inner]), indices)
        around = values if whole is None else derivatives(whole, inner, indices)
    if not all(torch.isfinite(value).all() for value in values):
        return math.inf
    worst, size = 0.0, max(float(values[0].abs().max()), float(around[0].abs().max()))
    for k, (value, beside) in enumerate(zip(values, around, strict=True)):
        a, b, _ = value.chunk(3)
        # A derivative that vanishes is known no better than the values are.
        scale = max(float(value.abs().max()), float(beside.abs().max()), size / length**k)
        worst = max(worst, float((a - b).abs().max()) / scale if scale > 0 else 0.0)
    return worst
