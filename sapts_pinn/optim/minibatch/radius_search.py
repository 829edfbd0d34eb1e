"""The radius with which to begin: the best of a geometric set, measured.

From one and the same point, with the same micro-batches, sweeps of different radii are tried and the loss
afterwards is compared.  Where training starts, noise is small beside progress, and the radius that is best
over some tens of steps is close to the one that is best in the long run.  Later it is not, for small steps
then gain by their lack of noise alone (short-horizon bias: Wu et al., arXiv:1803.02021).
"""

from __future__ import annotations

import math
from collections.abc import Callable

COARSE, FINE = 4.0, 2.0  # factors between radii tried
PATIENCE = 2  # that do no better, in a row, before a direction is given up
SHY = 0.03  # of the largest reduction, that a smaller radius may lack
LEAST, MOST = 1e-12, 1e6


def search(value: Callable[[float], float], start: float, before: float = -math.inf) -> float:
    """The radius of the smallest value, of several the first that was tried.

    Steps by a factor of 4 go up and down from the start until two in a row do no better than the best; then
    the neighbours of the best, by a factor of 2, are tried, and those of the second best if that lies in
    another valley.

    Args:
        value: Of a radius; infinite or NaN where it failed.
        start: The first radius.
        before: The value without a step.  If given, a smaller radius that reduces it by nearly as much is
            preferred: it is less noisy later.
    """
    tried: dict[float, float] = {}

    def at(radius: float) -> float:
        if radius not in tried:
            found = value(radius)
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
    for radius in (best, second) if abs(math.log(second / best)) > 1.5 * math.log(COARSE) else (best,):
        at(radius * FINE)
        at(radius / FINE)
    least = min(tried.values())
    enough = least + SHY * max(before - least, 0.0)
    return (
        min(r for r, v in tried.items() if v <= enough)
        if enough > least
        else min(tried, key=lambda r: tried[r])
    )
