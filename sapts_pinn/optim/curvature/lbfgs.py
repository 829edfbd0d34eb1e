"""Limited-memory BFGS: the inverse Hessian of a network too large for a dense matrix.

From H_0 = gamma I, with gamma = s.y / y.y of the last pair, and the last m pairs as rows of S and Y, oldest
first, BFGS makes (Byrd, Nocedal & Schnabel 1994; R is the upper triangle of S Y^T, D its diagonal)

    H g = gamma g + S^T a - gamma Y^T w,    w = R^-1 S g,    a = R^-T ((D + gamma Y Y^T) w - gamma Y g).

As in `ssbroyden.py` the trust region is measured in the model's own norm, |s|_B = sqrt(s.Bs), in which the
minimiser is the quasi-Newton step cut to length: it costs one product with H, and an initial radius means
the same for every network.  H is positive definite because a pair with y.s <= 0 is skipped.

A step needs one round of inner products, and learning a pair another.  Memory 16 m n bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.optimizer import StateDict

from ...errors import InputError
from ..subproblem.newton import newton_scaled
from ..subproblem.step import InnerProducts
from .base import Curvature, Step

CURVED = 1e-10  # |y.s| against |y||s|: below it a pair says nothing


class _Whole(InnerProducts):
    """Products of vectors that are all here."""

    def gram(self, rows: Tensor, others: Tensor) -> Tensor:
        return (rows @ others.T).to("cpu", torch.float64)


class LBFGS(Curvature):
    """Limited-memory BFGS inverse.

    Args:
        memory: How many pairs to keep.
        dot: The inner products, where vectors are sharded.

    Raises:
        InputError: The memory is not positive.
    """

    learns = True

    def __init__(self, memory: int = 50, dot: InnerProducts | None = None) -> None:
        if memory < 1:
            raise InputError(f"L-BFGS needs a memory of at least one pair, not {memory}")
        self.memory, self.dot = memory, dot or _Whole()
        self._forget()

    @classmethod
    def sharded(cls, products: InnerProducts) -> LBFGS:
        """Return a model of sharded vectors."""
        return cls(dot=products)

    def _forget(self) -> None:
        # [2 memory + 2, n]: pair i in rows 2i and 2i + 1, and behind the last one room for what is looked at.
        self._rows: Tensor | None = None
        self._order: list[int] = []  # oldest first
        self._SY = self._YY = torch.zeros(self.memory, self.memory, dtype=torch.float64)
        self._gamma = 0.0  # unknown

    # -- the model ---------------------------------------------------------------------------------

    def _room(self, like: Tensor) -> Tensor:
        if self._rows is None:
            self._rows = like.new_empty(2 * self.memory + 2, len(like))
        return self._rows

    def _times(self, g: Tensor) -> tuple[Tensor, float]:
        """H g and g.Hg."""
        if not self._order:
            square = self.dot(g, g)
            gamma = 1.0 / math.sqrt(square) if square > 0 else 1.0  # the first step has length 1, at most
            return gamma * g, gamma * square
        rows, k = self._room(g), len(self._order)
        rows[2 * k] = g
        both = self.dot.gram(rows[: 2 * k + 1], rows[2 * k : 2 * k + 1])[:, 0]
        order = torch.tensor(self._order)
        p, q, square = both[0:-1:2][order], self._gamma * both[1:-1:2][order], float(both[-1])
        SY, YY = self._SY[order][:, order], self._YY[order][:, order]
        R, D = torch.triu(SY), torch.diag(SY.diagonal())
        w = torch.linalg.solve_triangular(R, p.unsqueeze(1), upper=True)
        right = (D + self._gamma * YY) @ w - q.unsqueeze(1)
        a = torch.linalg.solve_triangular(R.T, right, upper=False)[:, 0]
        weights = both.new_empty(2 * k)
        weights[2 * order], weights[2 * order + 1] = a, -self._gamma * w[:, 0]
        Hg = torch.addmv(g, rows[: 2 * k].T, weights.to(g), beta=self._gamma)
        return Hg, self._gamma * square + float(p @ a) - float(q @ w[:, 0])

    def mv(self, v: Tensor) -> Tensor:
        """B v, by a dense solve: O(n^3), for tests and diagnosis."""
        if not self._order:
            return v.clone()
        columns = [self._times(e)[0] for e in torch.eye(len(v), dtype=v.dtype, device=v.device)]
        solution: Tensor = torch.linalg.solve(torch.stack(columns, 1), v)
        return solution

    def solve(self, g: Tensor, radius: float) -> Step:
        """The minimiser over s.Bs <= radius^2."""
        Hg, square = self._times(g)
        if self._order and square <= 0:  # rounding has the last word on H: begin anew
            self._forget()
            Hg, square = self._times(g)
        return newton_scaled(-Hg, square, radius)

    # -- learning ----------------------------------------------------------------------------------

    def update(self, s: Tensor, y: Tensor) -> bool:
        """Learn the pair B s = y; one without positive curvature, or that is not finite, is skipped."""
        rows, k = self._room(s), len(self._order)
        rows[2 * k], rows[2 * k + 1] = s.detach(), y.detach()
        found = self.dot.gram(rows[2 * k : 2 * k + 2], rows[: 2 * k + 2])  # of s and of y
        ss, sy, yy = float(found[0, -2]), float(found[0, -1]), float(found[1, -1])
        if not (math.isfinite(ss * yy) and sy > CURVED * math.sqrt(ss * yy)):
            return False
        place, SY, YY = k, self._SY.clone(), self._YY.clone()
        if k == self.memory:
            place = self._order.pop(0)
            rows[2 * place : 2 * place + 2] = rows[2 * k : 2 * k + 2]
        SY[place, :k], SY[:k, place] = found[0, 1 : 2 * k : 2], found[1, 0 : 2 * k : 2]
        YY[place, :k] = YY[:k, place] = found[1, 1 : 2 * k : 2]
        SY[place, place], YY[place, place] = sy, yy
        self._SY, self._YY, self._gamma = SY, YY, sy / yy
        self._order.append(place)
        return True

    def branch(self) -> LBFGS:
        """A model with the same pairs, that goes on with its own."""
        other = LBFGS(self.memory, self.dot)
        other.load_state_dict(self.state_dict())
        return other

    def reset(self) -> bool:
        """Forget all pairs."""
        self._forget()
        return False

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> StateDict:
        """The pairs where they are kept, and their products."""
        return {
            "rows": None if self._rows is None else self._rows.clone(),
            "order": list(self._order),
            "SY": self._SY,
            "YY": self._YY,
            "gamma": self._gamma,
        }

    def load_state_dict(self, state: StateDict) -> None:
        """Take over a saved state.

        Raises:
            InputError: It has another memory.
        """
        if len(state["SY"]) != self.memory:
            raise InputError(f"this state has a memory of {len(state['SY'])} pairs, not of {self.memory}")
        self._rows = None if state["rows"] is None else state["rows"].clone()
        self._order, self._gamma = list(state["order"]), state["gamma"]
        self._SY, self._YY = state["SY"], state["YY"]

    @classmethod
    def resharded(cls, states: Sequence[StateDict], own: slice) -> StateDict:
        """State of the model of a rank, from those of all ranks that had other shards."""
        kept = [state["rows"] for state in states]
        known = not any(rows is None for rows in kept)
        return {**states[0], "rows": torch.cat(kept, 1)[:, own].clone() if known else None}
