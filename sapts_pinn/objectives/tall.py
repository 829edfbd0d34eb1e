"""Linear least squares with a tall matrix of unknown rank, min |A c - b|, A [N, K], N > K.

Matrices of smooth functions have singular values that fall like those of analytic kernels: down to rounding.
So (i) the problem is solved from the tall matrix itself, never from A^T A, whose condition number is squared.
Q is not needed: the triangle of the QR factorisation of [A b], updated block by block of rows (TSQR, Golub
and Van Loan, Matrix Computations, 5.2), holds both R and Q^T b.  (ii) The singular value decomposition of R,
K columns small, reveals the rank.  (iii) The rank that is used is chosen on *other* rows than those solved:
too small it explains less there than it could, too large it has learnt the rows by heart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import InputError


def triangle(blocks: Iterable[Tensor]) -> Tensor:
    """R of the QR factorisation of a tall matrix that is given block of rows by block."""
    r: Tensor | None = None
    for block in blocks:
        r = torch.linalg.qr(block if r is None else torch.cat([r, block]), mode="r")[1]
    if r is None:
        raise InputError("there are no rows to solve for; give at least one block")
    return r


@dataclass(frozen=True)
class Spectrum:
    """A tall matrix with columns of length one, A = Q U diag(s) V^T diag(size), and right-hand sides.

    Attributes:
        size: [K], lengths of the columns; one for a column of zeros.
        s: Singular values, falling.
        vh: V^T, [k, K].
        along: diag(1 / s) (Q U)^T b, [k, p].
    """

    size: Tensor
    s: Tensor
    vh: Tensor
    along: Tensor

    @classmethod
    def of(cls, r: Tensor, columns: int) -> Spectrum:
        """Decompose the triangle of [A b].

        Args:
            r: [K + p, K + p] or fewer rows.
            columns: K.
        """
        size = r[:, :columns].norm(dim=0)
        size = torch.where(size > 0, size, torch.ones_like(size))
        u, s, vh = torch.linalg.svd(r[:columns, :columns] / size, full_matrices=False)
        along = (u.T @ r[: len(u), columns:]) / s.clamp_min(1e-300)[:, None]
        return cls(size, s, vh, along)

    def rank(self, cutoff: float) -> int:
        """Number of singular values above a share of the largest, at least one."""
        return max(int((self.s > cutoff * self.s[0]).sum()), 1)

    def coefficients(self, rank: int | Tensor) -> Tensor:
        """Solutions c [K, p] from so many singular values; `rank` may differ by right-hand side, [p]."""
        used = torch.arange(len(self.s), device=self.s.device)[:, None] < rank
        found: Tensor = (self.vh.T @ (self.along * used)) / self.size[:, None]
        return found

    def left(self, check: Tensor, target: Tensor, ranks: Sequence[int]) -> Tensor:
        """|A c - b| on other rows, for some ranks, [number of ranks, p].

        Args:
            check: Other rows of A, [M, K].
            target: Other rows of b, [M, p].
            ranks: Ascending.
        """
        seen = (check / self.size) @ self.vh.T
        left, start, out = target.clone(), 0, []
        for rank in ranks:
            left = left - seen[:, start:rank] @ self.along[start:rank]
            out.append(left.norm(dim=0))
            start = rank
        return torch.stack(out)
