"""Linear least squares over random features: a hidden layer that is drawn, outer weights that are solved for.

A function is sought as a sum of c_k phi_k(x) with phi_k(x) = s(w_k . z(x) + b_k), where the inner weights w_k
and shifts b_k are random, s is tanh or sine, and z(x) are the inputs: coordinates scaled to [-1, 1], and
columns that know of kinks or corners.  Derivatives of phi_k are exact, by Taylor propagation.  What is linear
in the function is linear in c, so that a linear equation with its conditions becomes

    min over c of |A c - b|,      A [N, K],  N > K.                                                        (1)

How that is solved safely is told in `objectives/tall.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from ..derivatives.activations import ACTIVATIONS, Sine
from ..derivatives.taylor import Channels, apply_elementwise
from ..networks.random_units import Units
from ..objectives.tall import Spectrum
from ..problems.fields import derivatives

Column = Callable[[Tensor], Tensor]

KINDS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "sin": Sine}
CUTOFFS = 29  # ranks that are tried, from one singular value to all above rounding


@dataclass(frozen=True)
class Features:
    """Random features with their inner weights, and the inputs themselves and one beside them.

    Attributes:
        weights: [K, F].
        shifts: [K].
        kind: "tanh" or "sin".
        linear: Positions of the inputs that are features as they are.
    """

    weights: Tensor
    shifts: Tensor
    kind: str
    linear: tuple[int, ...]

    @classmethod
    def draw(
        cls,
        count: int,
        widths: Sequence[float],
        kind: str,
        generator: Generator,
        reads: Sequence[bool] | None = None,
        spread: float = 4.0,
    ) -> Features:
        """Features whose inner weights have standard deviations about `widths` / sqrt(number of inputs).

        Args:
            count: K.
            widths: [F], a typical slope for each input; that of a feature lies between `spread` times less
                and that, uniformly in the logarithm, as a function has several scales.
            kind: "tanh" or "sin".
            generator: All randomness.
            reads: For each input whether the function may depend on it; None: all.
            spread: See above; 1 for none.
        """
        allowed = [True] * len(widths) if reads is None else list(reads)
        root = math.sqrt(max(sum(allowed), 1))
        sizes = [w / root if ok else 0.0 for w, ok in zip(widths, allowed, strict=True)]
        units = Units.draw(count, sizes, kind == "sin", generator, spread)
        return cls(units.weights, units.shifts, kind, tuple(i for i, ok in enumerate(allowed) if ok))

    @property
    def count(self) -> int:
        """The number of features, those that are not random included."""
        return len(self.shifts) + len(self.linear) + 1

    def bundle(self, inputs: Tensor, channels: Channels) -> Tensor:
        """The features' bundle [C, N, count] from that of their inputs [C, N, F]."""
        z = inputs @ self.weights.T
        z[0] += self.shifts
        bent = apply_elementwise(ACTIVATIONS[KINDS[self.kind]], z, channels)
        one = torch.zeros_like(inputs[..., :1])
        one[0] = 1.0
        return torch.cat([bent, inputs[..., list(self.linear)], one], 2)


def inputs_of(columns: Sequence[Column], points: Tensor, channels: Channels) -> Tensor:
    """The bundle [C, N, F] of the features' inputs at points [N, dim]."""
    found = [torch.stack(derivatives(column, points, channels.indices)) for column in columns]
    return torch.stack(found, 2)


@dataclass(frozen=True)
class Fit:
    """The solution of (1) for p right-hand sides.

    Attributes:
        coefficients: [K, p].
        unexplained: [p], |A c - b| / |b| on the rows of the check; 1 where nothing is explained.
        ranks: [p], the number of singular values used.
        bold: [K, 3], coefficients for the first right-hand side with a quarter, half and all of the rank,
            whatever they do on other rows.
    """

    coefficients: Tensor
    unexplained: Tensor
    ranks: Tensor
    bold: Tensor


def solve_on_check(r: Tensor, columns: int, check: Tensor, target: Tensor) -> Fit:
    """Solve (1) with the rank that does best on other rows.

    Args:
        r: The triangle of [A b], [K + p, K + p] or fewer rows.
        columns: K.
        check: Other rows of A, [M, K].
        target: Other rows of b, [M, p].
    """
    found = Spectrum.of(r, columns)
    most = found.rank(1e-14)
    ranks = sorted({min(most, max(1, round(most ** (i / (CUTOFFS - 1))))) for i in range(CUTOFFS)})
    ranks = sorted({*ranks, *(max(1, most * i // 12) for i in range(1, 13))})
    best = torch.full((target.shape[1],), math.inf, dtype=target.dtype)
    chosen = torch.zeros(target.shape[1], dtype=torch.long)
    for rank, size_left in zip(ranks, found.left(check, target, ranks), strict=True):
        better = size_left < 0.99 * best
        best, chosen = torch.where(better, size_left, best), torch.where(better, rank, chosen)
    whole = target.norm(dim=0)
    share = torch.where(whole > 0, best / whole.clamp_min(1e-300), torch.zeros_like(best))
    zero = share >= 1  # nothing is better than that
    limits = [max(most // 4, 1), max(most // 2, 1), most]
    bold = torch.cat([found.coefficients(limit)[:, :1] for limit in limits], 1)
    return Fit(found.coefficients(chosen) * ~zero, share.clamp_max(1.0), torch.where(zero, 0, chosen), bold)
