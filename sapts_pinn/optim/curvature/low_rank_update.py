"""A dense matrix that is corrected often: corrections are kept beside it and folded in many at a time.

    H = c H_0 + L^T R,      H_0 [n, n],  L and R [k, n].

A correction of rank two to H itself reads and writes n^2 numbers, most of the time of a quasi-Newton update.
Here it adds two rows to L and R, and once there are `FULL` rows a single matrix product folds them into H_0.
Sharing H_0, a copy of the whole costs O(k n).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim.optimizer import StateDict

from ...kernels import product

FULL = 64  # rows


class Deferred:
    """A matrix and the corrections it has not seen yet.

    Args:
        base: H_0, [n, n]; `fold` writes to it.
        threads: For its products.

    Attributes:
        shared: Whether H_0 is another's, and so must not change.
    """

    def __init__(self, base: Tensor, threads: int) -> None:
        self.base, self.threads, self.shared = base, threads, False
        self.scale = 1.0  # c
        self._left = self._right = base.new_empty(0, len(base))
        self._rows = 0

    @property
    def left(self) -> Tensor:
        """L."""
        return self._left[: self._rows]

    @property
    def right(self) -> Tensor:
        """R."""
        return self._right[: self._rows]

    def times(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """H x, [n].

        Args:
            x: A vector, [n].
            known: H_0 x, if somebody has it.
        """
        out = product(self.base, x, self.threads) if known is None else known
        if self._rows == 0:
            return self.scale * out
        return torch.addmv(out, self.left.T, torch.mv(self.right, x), beta=self.scale)

    def base_times(self, rows: Tensor) -> Tensor:
        """H_0 applied to each row of [m, n] in one pass over it, for H_0 symmetric; [m, n]."""
        return rows @ self.base

    def correct(self, beta: float, left: Tensor, right: Tensor) -> None:
        """H = beta H + left^T right, for [2, n] each."""
        if self._rows + 2 > len(self._left):
            room = self.base.new_empty(max(FULL, 2 * len(self._left)), len(self.base))
            self._left = torch.cat([self.left, room[self._rows :]])
            self._right = torch.cat([self.right, room[self._rows :]])
        self.scale *= beta
        self.left.mul_(beta)
        self._rows += 2
        self.left[-2:], self.right[-2:] = left, right

    def fold(self, at_least: int = FULL) -> None:
        """Bring the corrections into H_0 if there are so many rows of them and it is not another's."""
        if self.shared or self._rows < at_least or (self._rows == 0 and self.scale == 1.0):
            return
        self.base.addmm_(self.left.T, self.right, beta=self.scale)
        self.scale, self._rows = 1.0, 0

    def share(self) -> Deferred:
        """Copy that shares H_0 and goes on with corrections of its own."""
        other = Deferred(self.base, self.threads)
        other.shared, other.scale, other._rows = True, self.scale, self._rows
        other._left, other._right = self._left.clone(), self._right.clone()
        return other

    def dense(self) -> Tensor:
        """H, [n, n]; a new tensor where there are corrections."""
        if self._rows == 0 and self.scale == 1.0:
            return self.base
        return torch.addmm(self.base, self.left.T, self.right, beta=self.scale)

    def state_dict(self) -> StateDict:
        """H_0 and the corrections apart, so that going on is the same bit for bit."""
        return {"base": self.base, "scale": self.scale, "left": self.left, "right": self.right}

    @classmethod
    def of(cls, state: StateDict, threads: int) -> Deferred:
        """The matrix of a saved state."""
        made = cls(state["base"].clone(), threads)
        made.scale, made._rows = state["scale"], len(state["left"])
        made._left, made._right = state["left"].clone(), state["right"].clone()
        return made
