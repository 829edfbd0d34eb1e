r"""Stateless solvers of the trust-region subproblem, one function for each kind of model.

Minimise ``m(s) = g.s + s.B s / 2`` over ``||s|| <= radius``. A step is a global minimiser exactly when
some ``lambda >= 0`` satisfies (Moré and Sorensen 1983; Conn, Gould and Toint 2000, theorem 7.2.1)

    (B + lambda I) s = -g,    B + lambda I >= 0,    lambda (radius - ||s||) = 0.                    (1)

From (1), ``-m(s) = (-g.s + lambda s.s) / 2``, a sum of positive terms, free of cancellation. The solvers:

`steihaug` (Steihaug 1983; Toint 1981): conjugate gradients on ``B s = -g`` from ``s = 0``. The iterates
grow in norm, so the first to leave the ball, or the first direction of negative curvature, ends on the
boundary.

`secular`, `secular_many`: exact, from ``B = V diag(e) V^T``. With ``shift = min(e_1, 0)``,
``d = e - shift`` and ``mu = lambda + shift >= 0``, (1) reads ``s_i = -g_i / (d_i + mu)``, and ``mu`` solves
the secular equation ``1 / ||s(mu)|| = 1 / radius``. Its left side is increasing and concave, so Newton's
method from the left of the root stays there and converges monotonically; ``max_i (|g_i| / radius - d_i)``
lies to the left, and the norm there is at most ``sqrt(n)`` times the radius. Bisection takes over should
rounding lead Newton astray. In the hard case there is no root, because ``g`` has nothing in the lowest
eigenspace; the step is then filled up to the boundary along that space. Working with ``mu`` instead of
``lambda`` keeps full accuracy however near the hard case is. One deviation from the textbook: eigenvalues
that are negative by rounding alone (``n eps max |e|``) count as zero, and so do components of ``g`` at
rounding level over such eigenvalues. Otherwise a singular Gauss-Newton matrix would send every step to the
boundary along noise.

`newton_scaled` (in `newton`): exact for the ellipsoid ``||s||_B <= radius`` of a positive definite ``B``.

A model given in compact form has its solver in `low_rank`.

Vectors may be shards of longer ones. Except in `secular`, which holds its eigenvectors whole, sums over
entries go through ``dot``, and every branch depends on such sums alone, so that all ranks branch alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from ...parallel.communicator import Communicator, SingleProcess

Dot = Callable[[Tensor, Tensor], float]
"""The inner product of two vectors, summed over all ranks that hold a shard of them."""

MatVec = Callable[[Tensor], Tensor]
"""A symmetric linear map from [n] to [n]."""


@dataclass(frozen=True)
class Step:
    """A trial step and what the model promises for it.

    Attributes:
        s: the step, [n], of the gradient's type and device.
        predicted: ``-m(s)``, the reduction the model expects. It is 0 (with ``s = 0``) for a zero gradient
            and NaN (with ``s = 0``) when the gradient, the radius or the model was not finite; callers
            accept only ``predicted > 0``, which is false for both.
        on_boundary: the radius is what limited the step, so a larger one would have given another.
        length: the norm of ``s``, in the norm that the radius is measured in.
    """

    s: Tensor
    predicted: float
    on_boundary: bool
    length: float


class InnerProducts(ABC):
    """An inner product that costs a round of communication, whatever the number of products in it.

    Args:
        communicator: The ranks that hold shards of the vectors; by default vectors are whole.
    """

    def __init__(self, communicator: Communicator | None = None) -> None:
        self.communicator = communicator or SingleProcess()

    @abstractmethod
    def gram(self, rows: Tensor, others: Tensor) -> Tensor:
        """The products of rows [r, n] with others [k, n], [r, k], in float64 on the CPU."""

    def __call__(self, a: Tensor, b: Tensor) -> float:
        """Return one product."""
        return float(self.gram(a.unsqueeze(0), b.unsqueeze(0)))


def plain_dot(a: Tensor, b: Tensor) -> float:
    """Return the inner product of two whole vectors."""
    return float(torch.dot(a, b))


def _zero(g: Tensor) -> Step:
    return Step(torch.zeros_like(g), 0.0, False, 0.0)


def _refused(g: Tensor) -> Step:
    return Step(torch.zeros_like(g), float("nan"), False, 0.0)


def _step(s: Tensor, predicted: float, on_boundary: bool, length: float) -> Step:
    if isfinite(predicted) and isfinite(length):
        return Step(s, predicted, on_boundary, length)
    return _refused(s)
