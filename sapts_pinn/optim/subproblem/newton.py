"""The step of a positive definite model in its own norm: the Newton step cut to length.

For the ellipsoid ``||s||_B <= radius`` the conditions (1) of `step`, with ``lambda B`` in place of
``lambda I``, read ``(1 + lambda) B s = -g``: the minimiser is a multiple of the Newton step ``-H g`` with
``H`` the inverse of ``B``.
"""

from __future__ import annotations

from math import isfinite, sqrt

from torch import Tensor

from .step import Step, _refused, _zero


def newton_scaled(newton: Tensor, square: float, radius: float) -> Step:
    """Return the minimiser over the ellipsoid ``sqrt(s.B s) <= radius``.

    Args:
        newton: ``-H g``, [n].
        square: ``g.H g``, the square of its length in the norm of ``B``.
        radius: the radius in that norm, possibly infinite; `Step.length` is in that norm too.

    Returns:
        The step; it predicts NaN where ``g.H g < 0``, which a positive definite ``H`` excludes.
    """
    if square == 0:
        return _zero(newton)
    if not (square > 0 and isfinite(square) and radius > 0):
        return _refused(newton)
    length = sqrt(square)
    t = min(1.0, radius / length)
    return Step(t * newton, (t - 0.5 * t * t) * square, t < 1.0, t * length)
