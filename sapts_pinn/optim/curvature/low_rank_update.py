"""A dense matrix that is corrected often: corrections are kept beside it and folded in many at a time.

    H = c H_0 + L^T R,      H_0 [n, n],  L and R [k, n].

A correction of rank two to H itself reads and writes n^2 numbers, most of the time of a quasi-Newton update.
Here it adds two rows to L and R, and once there are `FULL` rows a single matrix product folds them into H_0.
Sharing H_0, a copy of the whole costs O(k n).

Where ranks divide the rows of H (`rows.py`), H_0 and L are those of the rows held, [m, n] and [k, m].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.optimizer import StateDict

from ...kernels import product, symmetric_product
from .rows import Rows

FULL = 64  # rows


class Deferred:
    """A matrix and the corrections it has not seen yet.

    Args:
        base: The rows held of H_0, [m, n]; `fold` writes to them.
        threads: For its products.
        rows: Which rows are held; by default all n.

    Attributes:
        shared: Whether H_0 is another's, and so must not change.
    """

    def __init__(self, base: Tensor, threads: int, rows: Rows | None = None) -> None:
        self.base, self.threads, self.shared = base, threads, False
        self.rows = rows or Rows()
        self.scale = 1.0  # c
        self._left, self._right = base.new_empty(0, len(base)), base.new_empty(0, self.size)
        self._count = 0

    @property
    def size(self) -> int:
        """Number n of columns."""
        return self.base.shape[1]

    @property
    def left(self) -> Tensor:
        """L, its columns for the rows held."""
        return self._left[: self._count]

    @property
    def right(self) -> Tensor:
        """R."""
        return self._right[: self._count]

    def times(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """H x, [n].

        Args:
            x: A vector, [n].
            known: The entries held of H_0 x, [m], if somebody has them.
        """
        multiply = symmetric_product if len(self.base) == self.size else product
        out = multiply(self.base, x, self.threads) if known is None else known
        if self._count == 0:
            return self.rows.join(self.scale * out, self.size)
        out = torch.addmv(out, self.left.T, torch.mv(self.right, x), beta=self.scale)
        return self.rows.join(out, self.size)

    def base_times(self, vectors: Tensor) -> Tensor:
        """The entries held of H_0 times each of the vectors [k, n], in one pass over it; [k, m]."""
        if len(self.base) == self.size:
            return vectors @ self.base  # symmetric, and faster as it lies
        return vectors @ self.base.T

    def correct(self, beta: float, left: Tensor, right: Tensor) -> None:
        """H = beta H + left^T right, for [2, n] each."""
        if self._count + 2 > len(self._left):
            room = max(FULL, 2 * len(self._left)) - self._count
            self._left = torch.cat([self.left, self.base.new_empty(room, len(self.base))])
            self._right = torch.cat([self.right, self.base.new_empty(room, self.size)])
        self.scale *= beta
        self.left.mul_(beta)
        self._count += 2
        self.left[-2:], self.right[-2:] = left[:, self.rows.held(self.size)], right

    def fold(self, at_least: int = FULL) -> None:
        """Bring the corrections into H_0 if there are so many rows of them and it is not another's."""
        if self.shared or self._count < at_least or (self._count == 0 and self.scale == 1.0):
            return
        self.base.addmm_(self.left.T, self.right, beta=self.scale)
        self.scale, self._count = 1.0, 0

    def share(self) -> Deferred:
        """Copy that shares H_0 and goes on with corrections of its own."""
        other = Deferred(self.base, self.threads, self.rows)
        other.shared, other.scale, other._count = True, self.scale, self._count
        other._left, other._right = self._left.clone(), self._right.clone()
        return other

    def dense(self) -> Tensor:
        """The rows held of H, [m, n]; a new tensor where there are corrections."""
        if self._count == 0 and self.scale == 1.0:
            return self.base
        return torch.addmm(self.base, self.left.T, self.right, beta=self.scale)

    def state_dict(self) -> StateDict:
        """H_0 and the corrections apart, so that going on is the same bit for bit.

        Where ranks divide the rows they call it together: rank 0 has all of them then, unless vectors are
        shards; "first" is the first row.
        """
        left = self.rows.saved(self.left.T, self.size).T
        state = {"base": self.rows.saved(self.base, self.size), "scale": self.scale}
        first = self.rows.saved_rows(self.size).start
        return {**state, "left": left, "right": self.right, "first": first}

    @staticmethod
    def resharded(states: Sequence[StateDict], own: slice) -> StateDict:
        """State with the rows `own`, from states that together have all rows, in their order."""
        base, left = torch.cat([s["base"] for s in states]), torch.cat([s["left"] for s in states], 1)
        return {**states[0], "base": base[own].clone(), "left": left[:, own].clone(), "first": own.start}

    @classmethod
    def of(cls, state: StateDict, threads: int, rows: Rows | None = None) -> Deferred:
        """The matrix of a saved state.

        Raises:
            InputError: The state lacks rows that are held.
        """
        rows, first, n = rows or Rows(), state.get("first", 0), state["base"].shape[1]
        made = cls(rows.loaded(state["base"], first, n).clone(), threads, rows)
        made.scale, made._count = state["scale"], len(state["left"])
        # Row by row as before, for the order in memory decides about the last bits of a product.
        made._left = rows.loaded(state["left"].T, first, n).T.clone(memory_format=torch.contiguous_format)
        made._right = state["right"].clone()
        return made
