r"""Fundamental solutions: potentials of a point source of strength one, and of a segment in the plane.

    -div grad G = delta       -|y| / 2,  -log |y| / (2 pi),  1 / (4 pi |y|)       in 1, 2 and 3 dimensions
    G_t - div grad G = delta  in place, constant in time from t = 0, with z = |y|^2 / (4 t):
                              sqrt(t / pi) exp(-z) - |y| erfc(sqrt z) / 2,  E_1(z) / (4 pi),
                              erfc(sqrt z) / (4 pi |y|)

(Carslaw and Jaeger, Conduction of Heat in Solids, 1959, 10.4.)  The potential of a segment is the integral of
the logarithm along it.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

TINY = 1e-24  # of the square of a distance: at the source itself the potential is infinite


class _ExponentialIntegral(torch.autograd.Function):
    """E_1(z) for z > 0, whose derivative is -exp(-z) / z."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        """Values by SciPy."""
        from scipy.special import exp1

        ctx.save_for_backward(z)
        return torch.from_numpy(exp1(z.detach().cpu().double().numpy())).to(z)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """Product with the derivative, itself differentiable."""
        (z,) = ctx.saved_tensors
        slope: Tensor = -grad * torch.exp(-z) / z
        return slope


def exponential_integral(z: Tensor) -> Tensor:
    """E_1(z) for z > 0."""
    found: Tensor = _ExponentialIntegral.apply(z)  # type: ignore[no-untyped-call]
    return found


def steady(y: Tensor) -> Tensor:
    """Potential [N] at y [N, m], the source being at zero; m = 1, 2 or 3."""
    square = y.square().sum(1) + TINY
    if y.shape[1] == 1:
        return -square.sqrt() / 2
    if y.shape[1] == 2:
        return -square.log() / (4 * math.pi)
    return 1 / (4 * math.pi * square.sqrt())


def from_rest(y: Tensor, t: Tensor) -> Tensor:
    """Potential [N] at y [N, m] at times t [N] since the source began; zero before."""
    started = t > 0
    t = torch.where(started, t, 1.0)
    square = y.square().sum(1) + TINY
    r, z = square.sqrt(), square / (4 * t)
    if y.shape[1] == 1:
        found = (t / math.pi).sqrt() * torch.exp(-z) - r * torch.erfc(z.sqrt()) / 2
    elif y.shape[1] == 2:
        found = exponential_integral(z) / (4 * math.pi)
    else:
        found = torch.erfc(z.sqrt()) / (4 * math.pi * r)
    return torch.where(started, found, 0.0)


def of_segment(y: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Potential [N] at y [N, 2] of a segment with one unit of strength for each of its length."""
    along = end - start
    length = along.norm()
    along = along / length
    away = y - start
    s, n = away @ along, away[:, 0] * along[1] - away[:, 1] * along[0]
    return (_primitive(s, n) - _primitive(s - length, n)) / (-2 * math.pi)


def _primitive(s: Tensor, n: Tensor) -> Tensor:
    """Primitive in s of log sqrt(s^2 + n^2)."""
    square = s.square() + n.square() + TINY
    return s * (square.log() / 2 - 1) + n.abs() * torch.atan2(s, n.abs() + TINY)
