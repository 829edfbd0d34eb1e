"""Tabulated data as a function that autograd differentiates, for equations, conditions and references.

The table is interpolated by a cubic spline in one coordinate, by a bicubic one in two (SciPy's; de Boor, A
Practical Guide to Splines, 2001).  Both have continuous second derivatives; higher ones are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from .interpolants import Array, Spline, evaluated

DEGREE = 3
FEWEST = DEGREE + 1  # numbers along a coordinate
HIGHEST = 2  # derivative that is continuous
SLACK = 1e-3  # of its length, by which a point may be outside, as those of differences at an edge are


class Table:
    """Interpolated values of a table, differentiable twice.

        k = Table(x, values)                       values [n] at x [n]
        k = Table(x, y, values)                    values [n, m] at x [n] and y [m]
        lambda u, x, y: div(k(x, y) * grad(u)) + 1

    Args:
        *data: The places along each coordinate, one or two of them, increasing; then the values.

    Raises:
        InputError: The shapes do not fit, a number is not finite, the places do not increase, or are too few.
    """

    def __init__(self, *data: object) -> None:
        if len(data) not in (2, 3):
            raise InputError(f"Table takes x and values, or x, y and values, not {len(data)} arrays")
        *axes, values = (_numbers(one) for one in data)
        for name, axis in zip("xy", axes, strict=False):
            if axis.ndim != 1 or len(axis) < FEWEST or not (np.diff(axis) > 0).all():
                raise InputError(
                    f"Table: {name} must be {FEWEST} or more increasing numbers, not an array of shape "
                    f"{axis.shape}" + (" that does not increase; sort it" if axis.ndim == 1 else "")
                )
        shape = tuple(len(axis) for axis in axes)
        if values.shape != shape:
            raise InputError(f"Table: the values are of shape {values.shape}, and must be {shape}")
        self._lower, self._upper = (torch.tensor([axis[end] for axis in axes]) for end in (0, -1))
        self._spline = _spline(axes, values)

    def __call__(self, *coordinates: Tensor) -> Tensor:
        """Values [N] at coordinates [N], one tensor for each coordinate of the table.

        Raises:
            InputError: There are more or fewer coordinates, or a point is outside of the table.
        """
        dim = len(self._lower)
        if len(coordinates) != dim:
            raise InputError(f"a table of {dim} coordinates is called with {dim}, not {len(coordinates)}")
        columns = [
            torch.as_tensor(c, dtype=None if isinstance(c, Tensor) else torch.float64) for c in coordinates
        ]
        points = torch.stack(torch.broadcast_tensors(*columns), -1)
        return evaluated(self._within(points.reshape(-1, dim)), self._spline).reshape(points.shape[:-1])

    def _within(self, points: Tensor) -> Tensor:
        """Make sure that points [N, d] are in the table, or beside it.

        Raises:
            InputError: One is not.
        """
        x = points.detach().cpu().double()
        slack = SLACK * (self._upper - self._lower)
        for axis, name in enumerate(("first", "second")[: x.shape[1]]):
            out = (x[:, axis] < self._lower[axis] - slack[axis]) | (
                x[:, axis] > self._upper[axis] + slack[axis]
            )
            if out.any():
                ends = f"{float(self._lower[axis]):.6g} to {float(self._upper[axis]):.6g}"
                raise InputError(
                    f"a table is asked for {float(x[out][0, axis]):.6g} in its {name} coordinate, which goes "
                    f"from {ends}; give a larger table"
                )
        return points

    def __repr__(self) -> str:
        ranges = zip(self._lower.tolist(), self._upper.tolist(), strict=True)
        return f"Table({', '.join(f'{a:g} to {b:g}' for a, b in ranges)})"


def _numbers(given: object) -> Array:
    """An array of finite numbers.

    Raises:
        InputError: It is none.
    """
    try:
        found = np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"Table takes arrays of numbers ({error})") from None
    if not np.isfinite(found).all():
        raise InputError(
            f"Table: {int((~np.isfinite(found)).sum())} numbers are not finite; fill or remove them"
        )
    return found


def _spline(axes: Sequence[Array], values: Array) -> Spline:
    from scipy.interpolate import RectBivariateSpline, make_interp_spline  # slow to import

    if len(axes) == 1:
        one = make_interp_spline(axes[0], values, k=DEGREE)
        found: Callable[[Array, Sequence[int]], object] = lambda p, order: one(p[:, 0], nu=order[0])
    else:
        two = RectBivariateSpline(axes[0], axes[1], values, kx=DEGREE, ky=DEGREE)
        found = lambda p, order: two.ev(p[:, 0], p[:, 1], dx=order[0], dy=order[1])

    def at(points: Array, order: Sequence[int]) -> Array:
        if max(order) > HIGHEST:
            raise InputError(
                f"the derivative of order {max(order)} of a table is asked for, and a cubic spline has "
                f"{HIGHEST} that are continuous; use a function"
            )
        return np.asarray(found(points, order))

    return at
