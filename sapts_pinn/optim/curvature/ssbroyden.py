"""Dense self-scaled Broyden: the inverse Hessian of a small network, learned from gradients.

With s = theta+ - theta, y = g+ - g, B = H^-1 and

    rho = 1 / y.s,   h = rho y.Hy,   b = rho s.Bs,   a = h b - 1 >= 0,
    c = sqrt(a / (1 + a)),   rho- = min(1, h (1 - c)),   theta- = (rho- - 1) / a,   theta+ = 1 / rho-,
    theta = max(theta-, min(theta+, (1 - b) / b)),   sigma = 1 + theta a,   sigma_n = |sigma|^(1/(1-n)),
    tau = min(min(1, 1/b) sigma_n, sigma) if theta <= 0, else min(1, 1/b) min(sigma_n, 1/theta),
    phi = (1 - theta) / (1 + a theta),   v = rho s - Hy / y.Hy,

the update is

    H+ = [H - Hy (Hy)^T / y.Hy + phi (y.Hy) v v^T] / tau + rho s s^T.

Source: Al-Baali (1998) and Urban, Stefanou & Pons, arXiv:2405.04230 (their SSBroyden2).  No line search is
needed: the trust region is measured in the model's own norm, |s|_B = sqrt(s.Bs), in which its minimiser is
exactly the quasi-Newton step cut to length.  That norm is also invariant to a linear change of the
parameters, so that an initial radius means the same for every network.  H stays positive definite because a
pair with y.s <= 0 is skipped.

After thousands of updates the range of H's eigenvalues may outgrow the precision: H is no longer positive
definite in its small ones, every step is rejected, and the run would stand still.  `reset` then builds H
anew, for a least-squares objective as the Levenberg-Marquardt inverse (J^T J + mu I)^-1 with mu = f
(Yamashita & Fukushima, 2001), else as the scale of the last pair, y.s / y.y.

**Pooling** (SAPTS).  Pairs that were not made by a step of this very H come with s.Bs of another model, which
`learn` corrects to what Cauchy-Schwarz allows, or without; then the update is that of BFGS, theta = 0 and
tau = 1, which needs none.  A `branch` shares H and keeps its own updates
beside it (`low_rank_update.py`): the parts of an additive sweep need no copy of H.

Memory 8 n^2 bytes, time O(n^2) per step: for n up to some 6,000.

**Ranks** may divide the rows of H (`rows.py`): of R each has 8 n^2 / R bytes and 1 / R of the work, for an
all-gather of n numbers at every product.  All call every method together, those of a branch as well.  A
rebuild from the Jacobian is done whole by each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.optim.optimizer import StateDict

from ...errors import InputError
from ...objectives.base import Evaluation
from ...parallel.communicator import Communicator
from ..subproblem.newton import newton_scaled
from ..subproblem.step import InnerProducts
from .base import Curvature, Pair, Step
from .low_rank_update import Deferred
from .rows import DividedRows, Rows, ShardedRows

DENSE = 1.5e8  # entries of a Jacobian, and of J^T J, worth forming for a rebuild
CURVED = 1e-10  # of y.s against s.Bs: below it a pair says nothing
SAME = 500  # eps: relative difference of two gradients that are one
SKEWED = 1e12  # of (y.Hy)(s.Bs) against (y.s)^2: above it rounding would decide what a pair says


class SSBroyden(Curvature):
    """Dense self-scaled Broyden inverse.

    Args:
        rows: Which of its rows this rank holds; by default all.
    """

    learns = True

    def __init__(self, rows: Rows | None = None) -> None:
        self._rows = rows or Rows()
        self._matrix: Deferred | None = None
        self.threads = torch.get_num_threads()
        self.scale = 1.0  # y.s / y.y of the last pair
        self.rebuilds = 0  # since the last pair was learned
        self.learned = 0  # pairs since H was made symmetric
        # The last step as it was returned and as a whole, and its s.Bs, which the update needs.
        self._taken: tuple[Tensor, Tensor, float] | None = None
        self._product: tuple[Tensor, Tensor] | None = None  # a gradient g and H g
        self._evaluation: Evaluation | None = None

    @classmethod
    def sharded(cls, products: InnerProducts) -> SSBroyden:
        """Return a model of sharded vectors, of which a rank holds the rows of its shard."""
        return cls(ShardedRows(products.communicator))

    @classmethod
    def divided_among(cls, communicator: Communicator) -> SSBroyden:
        """Return a model of whole vectors, of which each rank holds as many rows."""
        return cls(DividedRows(communicator))

    @property
    def divided(self) -> bool:
        """The ranks hold different rows."""
        return self._rows.divided

    @property
    def H(self) -> Tensor | None:
        """The inverse Hessian, [n, n], of divided rows those held [m, n]; None before the first step."""
        return None if self._matrix is None else self._matrix.dense()

    @H.setter
    def H(self, H: Tensor | None) -> None:
        self._matrix = None if H is None else Deferred(H, self.threads, self._rows)

    def _begin(self, like: Tensor) -> Deferred:
        """The matrix; the identity for whole vectors like this one if there is none."""
        if self._matrix is None:
            self.H = self._identity(like, like.numel())
        assert self._matrix is not None
        return self._matrix

    def _identity(self, like: Tensor, n: int) -> Tensor:
        """The rows held of the identity, [m, n]."""
        held = self._rows.held(n)
        rows = like.new_zeros(held.stop - held.start, n)
        rows.diagonal(held.start).fill_(1.0)
        return rows

    def prepare(self, evaluation: Evaluation) -> None:
        """Remember where the model is, in case it has to be rebuilt there."""
        self._evaluation = evaluation

    def mv(self, v: Tensor) -> Tensor:
        """B v, by a dense solve: O(n^3), for tests and diagnosis."""
        if self.H is None:
            return v.clone()
        (v,) = self._rows.whole(v)
        solution: Tensor = torch.linalg.solve(self._rows.join(self.H.T, len(v)).T, v)
        return self._rows.own(solution)

    def solve(self, g: Tensor, radius: float) -> Step:
        """The minimiser over s.Bs <= radius^2."""
        # The gradient that `update` derived from its pair is this one up to rounding, unless the objective
        # has changed.
        known = None if self._product is None else self._product[0]
        g, same = self._rows.recall(g, known, SAME * torch.finfo(g.dtype).eps)
        if self._product is None or not same:
            self._product = g, self._begin(g).times(g)
        newton = -self._product[1]
        square = -float(g.dot(newton))  # g.Hg = |newton|_B^2
        step = newton_scaled(newton, square, radius)
        own = replace(step, s=self._rows.own(step.s))
        if step.predicted > 0:
            t = min(1.0, radius / math.sqrt(square))
            self._taken = (own.s, step.s, t * t * square)
        return own

    def update(self, s: Tensor, y: Tensor) -> bool:
        """Learn the pair of the last step solved for."""
        if self._matrix is None or self._taken is None or self._taken[0] is not s:
            raise InputError("SSBroyden learns from the step it solved for last; s is another vector")
        (y,) = self._rows.whole(y)
        learned = self._learn(self._matrix, *self._taken[1:], y)
        self._matrix.fold()
        return learned

    def learn(self, s: Tensor, y: Tensor, length: float | None = None) -> bool:
        """Learn a pair of any origin.

        Args:
            s: A step, [n].
            y: The change of the gradient along it, [n].
            length: sqrt(s.Bs) in a model near this one; without it the update is that of BFGS.
        """
        return self.learn_all([(s, y, length)]) == 1

    def learn_all(self, pairs: Iterable[Pair]) -> int:
        """Learn pairs in turn, with a single pass over H."""
        pairs = list(pairs)
        if not pairs:
            return 0
        whole = self._rows.whole(*(vector for s, y, _ in pairs for vector in (s, y)))
        matrix = self._begin(whole[0])
        lengths = [length for *_, length in pairs]
        pairs = list(zip(whole[::2], whole[1::2], lengths, strict=True))
        pairs = [
            (s, y, b) for s, y, b in pairs if float(y.dot(s)) > CURVED * float(s.norm()) * float(y.norm())
        ]
        known: Iterable[Tensor | None] = [None] * len(pairs)
        if len(pairs) > 1:
            known = matrix.base_times(torch.stack([y for _, y, _ in pairs]))
        count = 0
        for (s, y, length), H0y in zip(pairs, known, strict=True):
            count += self._learn(matrix, s, None if length is None else length**2, y, H0y)
        matrix.fold()
        return count

    def _learn(
        self, matrix: Deferred, s: Tensor, s_B_s: float | None, y: Tensor, known: Tensor | None = None
    ) -> bool:
        """Learn a pair of whole vectors; `known` are the entries held of H_0 y, if somebody has them."""
        n, curvature = s.numel(), float(y.dot(s))
        Hy = matrix.times(y, known)
        y_H_y = float(y.dot(Hy))
        if not (curvature > CURVED * (s_B_s or 0.0) and y_H_y > 0 and math.isfinite(y_H_y)):
            return False
        rho = 1.0 / curvature
        h = rho * y_H_y
        # Cauchy-Schwarz says h b >= 1; rounding, or a length of another model, may say otherwise.
        b = 1.0 if s_B_s is None else max(rho * s_B_s, 1.0 / h)
        if not h * b < SKEWED:
            return False
        tau, phi = (1.0, 1.0) if s_B_s is None else self._scaling(n, h, b)
        # The rank-two correction in the basis (Hy, s), and H / tau.
        yy, ys, ss = (phi - 1.0) / y_H_y, -phi * rho, phi * y_H_y * rho * rho
        left = torch.stack([(yy * Hy + ys * s) / tau, (ys * Hy + ss * s) / tau + rho * s])
        right = torch.stack([Hy, s])
        matrix.correct(1.0 / tau, left, right)
        if self._product is not None:  # H+ g+ from H g and H y: one pass over H is saved
            g_plus = self._product[0] + y
            self._product = g_plus, (self._product[1] + Hy) / tau + (right @ g_plus) @ left
        self.scale, self.rebuilds = curvature / float(y.dot(y)), 0
        self.learned += 1
        return True

    @staticmethod
    def _scaling(n: int, h: float, b: float) -> tuple[float, float]:
        """The scale tau and the parameter phi of the update."""
        a = max(h * b - 1.0, 1e-14)
        c = math.sqrt(a / (1.0 + a))
        rho_minus = min(1.0, h / ((1.0 + a) * (1.0 + c)))  # 1 - c without cancellation
        theta = max((rho_minus - 1.0) / a, min(1.0 / rho_minus, (1.0 - b) / b))
        sigma = 1.0 + theta * a
        sigma_n = abs(sigma) ** (1.0 / (1.0 - n)) if n > 1 else 1.0
        if theta <= 0:
            tau = min(min(1.0, 1.0 / b) * sigma_n, sigma)
        else:
            tau = min(1.0, 1.0 / b) * min(sigma_n, 1.0 / theta)
        return tau, (1.0 - theta) / (1.0 + a * theta)

    def square(self, v: Tensor) -> float:
        """v.Hv."""
        (v,) = self._rows.whole(v)
        return float(v.dot(self._begin(v).times(v)))

    def branch(self) -> SSBroyden:
        """A model that shares H, which must not change meanwhile, and corrects it for itself."""
        other = SSBroyden(self._rows)
        other.threads, other.scale = self.threads, self.scale
        other._evaluation, other._product = self._evaluation, self._product
        other._matrix = None if self._matrix is None else self._matrix.share()
        return other

    def symmetrise(self, after: int = 0) -> None:
        """Remove the asymmetry that rounding has built up, if at least so many pairs were learned since."""
        if self._matrix is not None and not self._matrix.shared and self.learned >= after:
            self.learned = 0
            H = self._matrix.dense()
            self.H = 0.5 * (H + self._rows.transposed(H))
            self._product = None

    def reset(self) -> bool:
        """Build H anew where the model was last prepared; each time in a row with more damping."""
        if self._matrix is None or self._matrix.shared:
            return False
        n, like = self._matrix.size, self._matrix.base
        self.H = self.scale * self._identity(like, n)
        self._taken = self._product = None
        evaluation = None if self._evaluation is None else self._evaluation.least_squares()
        if evaluation is not None and self._rows.agree(self._formable(evaluation.rows, n)):
            before = torch.get_num_threads()
            torch.set_num_threads(self.threads)  # dense algebra for once: PyTorch may have its threads
            G = evaluation.gram()
            mu = max(evaluation.value, 1e-14 * float(G.diagonal().sum())) * 100.0**self.rebuilds
            identity = torch.eye(n, dtype=like.dtype, device=like.device)
            factor, failed = torch.linalg.cholesky_ex(G + mu * identity)
            if self._rows.agree(not failed):
                inverse = torch.cholesky_inverse(factor)
                self.H = inverse[self._rows.held(n)].clone() if self.divided else inverse
            torch.set_num_threads(before)
        self.rebuilds += 1
        return True

    def _formable(self, rows: int, n: int) -> bool:
        """Return whether J [rows, n] is worth forming; of a divided H, which may be larger, J^T J as well."""
        return (max(rows, n) if self.divided else rows) * n < DENSE

    def state_dict(self) -> StateDict:
        """H as it is kept, and what saves work at the next step; ranks that divide it call it together."""
        matrix = self._matrix
        return {
            "H": None if matrix is None else matrix.state_dict(),
            "scale": self.scale,
            "rebuilds": self.rebuilds,
            "learned": self.learned,
            "product": None if self._product is None else list(self._product),
        }

    def load_state_dict(self, state: StateDict) -> None:
        """Take over a saved state."""
        self.H = None
        if state["H"] is not None:
            self._matrix = Deferred.of(state["H"], self.threads, self._rows)
        self.scale, self.rebuilds = state["scale"], state["rebuilds"]
        self.learned = state.get("learned", 0)  # earlier versions did not count them
        self._product = None if state["product"] is None else (state["product"][0], state["product"][1])
        self._taken = None

    @classmethod
    def resharded(cls, states: Sequence[StateDict], own: slice) -> StateDict:
        """State of the model of a rank, from those of all ranks that had other shards."""
        matrices = [state["H"] for state in states]
        H = None if any(m is None for m in matrices) else Deferred.resharded(matrices, own)
        return {**states[0], "H": H, "product": None}
