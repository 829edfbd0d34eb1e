r"""An interpolant of scattered data that is differentiable twice: cubic radial functions and a linear part.

    s(x) = sum_k w_k |x - x_k|^3 + a + b . x,   sum_k w_k = 0,  sum_k w_k x_k = 0,   s(x_k) = v_k

has a unique solution unless all points lie in one plane (Wendland, Scattered Data Approximation, 2005,
chapter 8).
Coordinates are divided by their extents before.  |x|^3 has continuous second derivatives.  SciPy's
RBFInterpolator is the same function without its derivatives.  Values are sought inside the convex hull of the
points alone: beyond it, s grows without bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from ...errors import InputError
from .interpolants import Array

MOST = 2000  # points: each takes part in every value
AT_ONCE = 1024  # values
KEPT = 16  # answers that are kept: training asks at the same points again and again
SAME = 1e-9  # of the extent: points nearer to each other are one
FITS = 1e-6  # of the range of the values, up to which they are met


class Scattered:
    """Interpolant through values at scattered points.

    Args:
        points: [N, d], with d of at least 2.
        values: [N].

    Raises:
        InputError: The shapes do not fit, points coincide or lie in a plane, or are too many or too few.
    """

    def __init__(self, points: Array, values: Array) -> None:
        from scipy.spatial import ConvexHull, QhullError, cKDTree  # slow to import

        n, d = points.shape
        if values.shape != (n,):
            raise InputError(f"Table: {n} points have values of shape {values.shape}; give one for each")
        if not d + 2 <= n <= MOST:
            raise InputError(
                f"Table: {n} scattered points in {d} coordinates; they must be {d + 2} to {MOST} "
                "(with more, put them on a grid first, as scipy.interpolate.griddata does)"
            )
        self.lower, self.extent = points.min(0), np.ptp(points, 0)
        if not (self.extent > 0).all():
            raise InputError(
                f"Table: all points have the same coordinate {int(np.argmin(self.extent)) + 1}; leave it out"
            )
        self.centres = (points - self.lower) / self.extent
        self._answers: dict[tuple[tuple[int, ...], bytes], Array] = {}
        pairs = sorted(cKDTree(self.centres).query_pairs(SAME))
        if pairs:
            i, j = pairs[0]
            raise InputError(
                f"Table: points {i} and {j} are the same, {np.array2string(points[i], precision=6)}; give "
                "one value there, such as their mean"
            )
        try:
            self.faces = ConvexHull(self.centres).equations
        except QhullError:
            raise InputError(
                "Table: the points lie on a line or in a plane; turn the coordinates, and leave one out"
            ) from None
        self._solve(values)

    def _solve(self, values: Array) -> None:
        n, d = self.centres.shape
        away = self.centres[:, None] - self.centres
        linear = np.concatenate([np.ones((n, 1)), self.centres], 1)
        matrix = np.zeros((n + d + 1, n + d + 1))
        matrix[:n, :n] = np.sqrt((away**2).sum(-1)) ** 3
        matrix[:n, n:], matrix[n:, :n] = linear, linear.T
        right = np.concatenate([values, np.zeros(d + 1)])
        found = np.linalg.solve(matrix, right)
        self.weights, self.linear = found[:n], found[n:]
        missed = np.abs(matrix[:n] @ found - values).max()
        if missed > FITS * max(np.ptp(values), np.abs(values).max(), 1e-300):
            raise InputError(
                f"Table: the scattered values are met to {missed:.1e} only, as some points are too near to "
                "each other; thin them out"
            )

    def outside(self, points: Array) -> Array:
        """Distances [N] from the convex hull, over the extents; not positive inside."""
        scaled = (points - self.lower) / self.extent
        found: Array = (scaled @ self.faces[:, :-1].T + self.faces[:, -1]).max(1)
        return found

    def __call__(self, points: Array, order: Sequence[int]) -> Array:
        """A derivative of at most second order at points [M, d], [M]."""
        key = tuple(order), blake2b(np.ascontiguousarray(points).tobytes()).digest()
        if key not in self._answers:
            axes = [axis for axis, n in enumerate(order) for _ in range(n)]
            scaled = (points - self.lower) / self.extent
            parts = [self._at(scaled[i : i + AT_ONCE], axes) for i in range(0, len(scaled), AT_ONCE)]
            if len(self._answers) >= KEPT:
                self._answers.pop(next(iter(self._answers)))
            found = np.concatenate([np.zeros(0), *parts]) / float(np.prod(self.extent[axes]))
            self._answers[key] = found
        return self._answers[key].copy()

    def _at(self, x: Array, axes: Sequence[int]) -> Array:
        away = x[:, None] - self.centres
        r = np.sqrt((away**2).sum(-1))
        if not axes:
            return np.asarray(r**3 @ self.weights + self.linear[0] + x @ self.linear[1:])
        if len(axes) == 1:
            (i,) = axes
            return np.asarray((3 * r * away[..., i]) @ self.weights + self.linear[1 + i])
        i, j = axes
        bent = 3 * away[..., i] * away[..., j] / np.where(r > 0, r, 1.0) + (3 * r if i == j else 0.0)
        return np.asarray(bent @ self.weights)
