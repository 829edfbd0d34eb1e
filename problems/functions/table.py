"""Tabulated data as a function that autograd differentiates, for equations, conditions and references.

Values on a grid are interpolated by cubic splines, their tensor product in several coordinates (SciPy's; de
Boor, A Practical Guide to Splines, 2001), values at scattered points by cubic radial functions
(`scattered.py`).  All have continuous second derivatives; higher ones are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from .interpolants import Array, Spline, evaluated
from .scattered import Scattered

DEGREE = 3
FEWEST = DEGREE + 1  # numbers along a coordinate
HIGHEST = 2  # derivative that is continuous
SLACK = 1e-3  # of its length, by which a point may be outside, as those of differences at an edge are
MOST = 3  # coordinates of a grid


class Table:
    """Interpolated values of a table, differentiable twice.

        k = Table(x, values)                       values [n] at x [n]
        k = Table(x, y, values)                    values [n, m] at x [n] and y [m]
        k = Table(x, y, z, values)                 values [n, m, l]
        k = Table(points, values)                  values [N] at scattered points [N, d]
        lambda u, x, y: div(k(x, y) * grad(u)) + 1

    Args:
        *data: The places along each coordinate, one to three of them, increasing; or scattered points.
            Then the values.

    Raises:
        InputError: The shapes do not fit, a number is not finite, the places do not increase, or are too few.
    """

    def __init__(self, *data: object) -> None:
        if not 2 <= len(data) <= MOST + 1:
            raise InputError(
                "Table takes x and values, or x, y and values, or x, y, z and values, or scattered points "
                f"and values, not {len(data)} arrays"
            )
        *axes, values = (_numbers(one) for one in data)
        self._scattered: Scattered | None = None
        if len(axes) == 1 and axes[0].ndim == 2 and axes[0].shape[1] > 1:
            self._scattered = Scattered(axes[0], values)
            ends = [(column.min(), column.max()) for column in axes[0].T]
            self._spline = _at_most_twice(self._scattered, sum)
        else:
            _check_grid(axes, values)
            ends = [(axis[0], axis[-1]) for axis in axes]
            self._spline = _at_most_twice(_spline(axes, values), max)
        self._lower, self._upper = torch.tensor(np.array(ends).T).unbind(0)

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
        for axis in range(x.shape[1]):
            out = (x[:, axis] < self._lower[axis] - slack[axis]) | (
                x[:, axis] > self._upper[axis] + slack[axis]
            )
            if out.any():
                ends = f"{float(self._lower[axis]):.6g} to {float(self._upper[axis]):.6g}"
                name = ("first", "second", "third")[axis] if axis < MOST else f"{axis + 1}th"
                raise InputError(
                    f"a table is asked for {float(x[out][0, axis]):.6g} in its {name} coordinate, which goes "
                    f"from {ends}; give a larger table"
                )
        if self._scattered is not None and len(x):
            beyond = self._scattered.outside(x.numpy())
            if beyond.max() > SLACK:
                where = ", ".join(f"{v:.6g}" for v in x[int(beyond.argmax())].tolist())
                raise InputError(
                    f"a table is asked for a value at ({where}), outside of the convex hull of its points; "
                    "give points around it"
                )
        return points

    def __repr__(self) -> str:
        ranges = zip(self._lower.tolist(), self._upper.tolist(), strict=True)
        return f"Table({', '.join(f'{a:g} to {b:g}' for a, b in ranges)})"


def _check_grid(axes: Sequence[Array], values: Array) -> None:
    """Refuse places that do not increase, and values of another shape."""
    for name, axis in zip("xyz", axes, strict=False):
        if axis.ndim != 1 or len(axis) < FEWEST or not (np.diff(axis) > 0).all():
            raise InputError(
                f"Table: {name} must be {FEWEST} or more increasing numbers, not an array of shape "
                f"{axis.shape}" + (" that does not increase; sort it" if axis.ndim == 1 else "")
            )
    shape = tuple(len(axis) for axis in axes)
    if values.shape != shape:
        raise InputError(f"Table: the values are of shape {values.shape}, and must be {shape}")


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
    from scipy.interpolate import NdBSpline, make_interp_spline  # slow to import

    knots, coefficients = [], values
    for number, axis in enumerate(axes):
        one = make_interp_spline(axis, coefficients, k=DEGREE, axis=number)
        knots.append(one.t)
        coefficients = np.moveaxis(one.c, 0, number)  # SciPy keeps the axis of the knots first
    found = NdBSpline(tuple(knots), coefficients, DEGREE)
    return lambda points, order: np.asarray(found(points, nu=tuple(order)))


def _at_most_twice(function: Spline, measure: Callable[[Sequence[int]], int]) -> Spline:
    """A function that refuses orders whose measure, their sum or maximum, is beyond what is continuous."""

    def at(points: Array, order: Sequence[int]) -> Array:
        if measure(order) > HIGHEST:
            raise InputError(
                f"the derivative of order {measure(order)} of a table is asked for, and a cubic one has "
                f"{HIGHEST} that are continuous; use a function"
            )
        return function(points, order)

    return at
