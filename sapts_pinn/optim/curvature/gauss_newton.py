"""Gauss-Newton: the part of the Hessian that a least-squares objective gives away, B = J^T J.

Three forms of the same model, chosen by size:

- dense (N >= n): eigen-decomposition of J^T J, [n, n];
- kernel (N < n): eigen-decomposition of J J^T, [N, N]; the gradient J^T r lies in the range of J^T, so
  nothing is lost (Woodbury; arXiv:2505.12149);
- matrix-free: products J^T (J v) inside Steihaug's conjugate gradients, for networks whose J does not fit.

With the eigen-decomposition at hand the exact trust-region step for any radius costs one small product, which
the ratio-targeted radius exploits (`trust_region.py`; the idea of arXiv:2607.02194). Sources: Mueller &
Zeinhofer, arXiv:2302.13163; More, The Levenberg-Marquardt algorithm (1978).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from ...objectives.base import Evaluation, ResidualEvaluation
from ..subproblem.exact import secular_many
from ..subproblem.steihaug import steihaug
from .base import Curvature, Step

BLOCKS = 4  # on each side of J J^T
DENSE_BYTES = 1.2e9  # of J: beyond it the model is matrix-free


class GaussNewton(Curvature):
    """J^T J at the point of the last `prepare`.

    Args:
        matrix_free: True and False force the form; None chooses by the size of J.
        tolerance: Relative residual at which conjugate gradients stop.
        iterations: At most so many products per step, matrix-free.
    """

    linearises = True
    threaded = True

    def __init__(
        self, matrix_free: bool | None = None, tolerance: float = 0.1, iterations: int = 200
    ) -> None:
        self.matrix_free, self.tolerance, self.iterations = matrix_free, tolerance, iterations
        self._evaluation: ResidualEvaluation | None = None
        self._eigen: _Eigen | None = None

    def prepare(self, evaluation: Evaluation) -> None:
        """Linearise; `evaluation` must be of a least-squares objective.

        Raises:
            TypeError: The objective has no residual vector.
        """
        least_squares = evaluation.least_squares()
        if least_squares is None:
            raise TypeError(
                "Gauss-Newton needs a least-squares objective; for any other loss use 'ssbroyden' or 'lsr1'"
            )
        self._evaluation, self._eigen = least_squares, None
        rows, n = least_squares.rows, least_squares.size
        free = self.matrix_free
        if free is None:
            free = 8 * rows * n > DENSE_BYTES or (rows < n and not least_squares.whole)
        if free:
            return
        if rows >= n:
            gram = least_squares.gram()
            if not torch.isfinite(gram).all():
                raise FloatingPointError("the Jacobian is not finite")
            values, vectors = torch.linalg.eigh(gram)
            self._eigen = _Eigen(values.clamp_(min=0.0), vectors)
        else:
            J = least_squares.jacobian()
            kernel = _outer(J)
            if not torch.isfinite(kernel).all():
                raise FloatingPointError("the Jacobian is not finite")
            values, vectors = torch.linalg.eigh(kernel)
            keep = values > torch.finfo(values.dtype).eps * values[-1] * rows
            self._eigen = _Eigen(values[keep], vectors[:, keep] / values[keep].sqrt(), J)

    def mv(self, v: Tensor) -> Tensor:
        """J^T (J v)."""
        if self._eigen is not None:
            return self._eigen.combine(self._eigen.values * self._eigen.components(v))
        assert self._evaluation is not None
        return self._evaluation.gram_product(v)

    def solve(self, g: Tensor, radius: float) -> Step:
        """The exact step, or that of truncated conjugate gradients."""
        if not g.any():
            return Step(torch.zeros_like(g), 0.0, False, 0.0)  # J may be 0, and its spectrum empty
        if self._eigen is None:
            return steihaug(g, self.mv, radius, tolerance=self.tolerance, max_iterations=self.iterations)
        return self.solve_many(g, g.new_tensor([radius]))[0]

    def branch(self) -> GaussNewton:
        """A model of the same form, to be prepared elsewhere."""
        return GaussNewton(self.matrix_free, self.tolerance, self.iterations)

    def solve_many(self, g: Tensor, radii: Tensor) -> list[Step]:
        """Exact steps for several radii [k] at little more than the cost of one."""
        if self._eigen is None or not g.any():
            return [self.solve(g, float(radius)) for radius in radii]
        found = secular_many(self._eigen.components(g), self._eigen.values, radii)
        return [
            Step(s, float(predicted), bool(multiplier > 0), float(s.norm()))
            for s, predicted, multiplier in zip(
                self._eigen.combine(found.steps), found.predicted, found.lambdas, strict=True
            )
        ]


def _outer(J: Tensor) -> Tensor:
    """J J^T, of which the blocks on one side are enough."""
    blocks = J.chunk(BLOCKS)
    ends = list(accumulate(map(len, blocks), initial=0))
    out = J.new_empty(len(J), len(J))
    for i, a in enumerate(blocks):
        for j, b in enumerate(blocks[: i + 1]):
            block = a @ b.T
            out[ends[i] : ends[i + 1], ends[j] : ends[j + 1]] = block
            out[ends[j] : ends[j + 1], ends[i] : ends[i + 1]] = block.T
    return out


@dataclass
class _Eigen:
    """Eigenvalues [k] and eigenvectors V of J^T J; of the kernel form V = J^T U, which is not formed.

    Attributes:
        values: The eigenvalues.
        vectors: V [n, k], or U [N, k].
        J: Of the kernel form, [N, n].
    """

    values: Tensor
    vectors: Tensor
    J: Tensor | None = None

    def components(self, v: Tensor) -> Tensor:
        """V^T v, [k]."""
        return self.vectors.T @ (v if self.J is None else self.J @ v)

    def combine(self, c: Tensor) -> Tensor:
        """V c for c [k], or for each row of [..., k]."""
        out = c @ self.vectors.T
        return out if self.J is None else out @ self.J
