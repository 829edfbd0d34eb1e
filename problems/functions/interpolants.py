"""Splines in place of smooth functions whose derivatives autograd does not know.

The spline has degree 5 and as many nodes as it takes to agree with the function to 1e-10 of its range at new
points; its derivatives must moreover have settled from one refinement to the next.  Interpolation of a smooth
function gets there fast, its error falls like h^6; a kink or a jump stops it at h or 1, and there is no
interpolant then.  Splines are SciPy's, in one or two variables (de Boor, A Practical Guide to Splines, 2001).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import torch
from torch import Generator, Tensor

from ...derivatives.context import Context

DEGREE = 5
HIGHEST = 3  # derivative that is any good
ACCURACY = 1e-10  # of values, of their range
SETTLED = 1e-2  # of derivatives, of theirs
NODES = {1: (33, 8193), 2: (17, 257)}  # along a coordinate: at first and at most
FRESH = 997

Array = np.ndarray
Spline = Callable[[Array, Sequence[int]], Array]  # points [N, d] and the order along each axis -> [N]


def interpolant(
    function: Callable[[Tensor], Tensor], lower: Tensor, upper: Tensor, orders: Sequence[int]
) -> Callable[[Tensor], Tensor] | None:
    """Interpolate a function by a spline that autograd differentiates.

    Args:
        function: Maps points [N, d] to values [N], point by point; smooth.
        lower: [d], lower corner of the box.
        upper: [d], upper corner.
        orders: Highest derivative that is needed along each axis, [d].

    Returns:
        The function, or None where none is accurate: kinks, too many coordinates or too high orders.
    """
    dim = len(lower)
    if dim not in NODES or max(orders) > HIGHEST:
        return None
    generator = Generator().manual_seed(31)
    fresh = lower + (upper - lower) * torch.rand(FRESH, dim, generator=generator, dtype=torch.float64)
    exact = _values(function, fresh)
    nodes, most = NODES[dim]
    coarser: Spline | None = None
    while nodes <= most:
        spline = _spline(function, lower, upper, nodes)
        if spline is None:
            return None
        error = np.abs(spline(fresh.numpy(), (0,) * dim) - exact).max()
        if error <= ACCURACY * np.ptp(exact):
            if coarser is not None and _settled(coarser, spline, fresh.numpy(), orders):
                return _Smooth(spline).at
            coarser = spline
        nodes = 2 * nodes - 1
    return None


def _values(function: Callable[[Tensor], Tensor], points: Tensor) -> Array:
    with torch.no_grad():
        return function(points).double().cpu().numpy()


def _spline(function: Callable[[Tensor], Tensor], lower: Tensor, upper: Tensor, nodes: int) -> Spline | None:
    from scipy.interpolate import RectBivariateSpline, make_interp_spline  # slow to import

    axes = [torch.linspace(a, b, nodes, dtype=torch.float64) for a, b in zip(lower, upper, strict=True)]
    points = torch.cartesian_prod(*axes).reshape(-1, len(axes))
    values = _values(function, points)
    if not np.isfinite(values).all():
        return None
    if len(axes) == 1:
        one = make_interp_spline(axes[0].numpy(), values, k=DEGREE)
        return lambda p, order: np.asarray(one(p[:, 0], nu=order[0]))
    two = RectBivariateSpline(
        axes[0].numpy(), axes[1].numpy(), values.reshape(nodes, nodes), kx=DEGREE, ky=DEGREE
    )
    return lambda p, order: np.asarray(two.ev(p[:, 0], p[:, 1], dx=order[0], dy=order[1]))


def _settled(coarse: Spline, fine: Spline, points: Array, orders: Sequence[int]) -> bool:
    """Test whether the highest derivatives along the axes agree."""
    for axis, order in enumerate(orders):
        index = [order if i == axis else 0 for i in range(len(orders))]
        a, b = coarse(points, index), fine(points, index)
        if np.abs(a - b).max() > SETTLED * max(np.ptp(b), np.abs(b).max()):
            return False
    return True


class _Smooth:
    """A spline as a function of tensors; the derivative of one is the next."""

    def __init__(self, spline: Spline) -> None:
        self.spline = spline

    def at(self, points: Tensor) -> Tensor:
        """Values [N] at points [N, d]."""
        return evaluated(points, self.spline)


def evaluated(points: Tensor, spline: Spline) -> Tensor:
    """Values [N] of a spline at points [N, d], which autograd differentiates."""
    apply: Callable[..., Tensor] = _Evaluated.apply
    return apply(points, spline, (0,) * points.shape[1])


class _Evaluated(torch.autograd.Function):
    """A derivative of a spline at points [N, d], and its gradient."""

    @staticmethod
    def forward(points: Tensor, spline: Spline, order: tuple[int, ...]) -> Tensor:
        return torch.as_tensor(spline(points.detach().double().cpu().numpy(), order)).to(points)

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple[object, ...], output: Tensor) -> None:
        points, ctx.spline, ctx.order = inputs
        ctx.save_for_backward(points)

    @staticmethod
    def backward(ctx: Context, *cotangents: Tensor) -> tuple[Tensor, None, None]:
        (points,) = ctx.saved_tensors
        columns, apply = [], cast("Callable[..., Tensor]", _Evaluated.apply)
        for axis in range(points.shape[1]):
            order = tuple(n + (i == axis) for i, n in enumerate(ctx.order))
            columns.append(apply(points, ctx.spline, order))
        return cotangents[0][:, None] * torch.stack(columns, 1), None, None
