"""Number of conditions an equation needs on a face, by the roots of its characteristic polynomial.

Freeze the coefficients of the linearised equation at a point of a face, and look for solutions

    u(x) = v exp(s d + i xi . x + p t),      d the distance from the face, inwards,

with a wave of frequency xi along the face and, where there is time, growth p with a large positive real part.
Then M(s) v = 0, where M_kj(s) is the sum of a_{k, j, alpha} zeta^alpha over the derivatives alpha and zeta
has the entries -n_a s + i xi_a (p for time).  The roots s of det M whose real part is negative belong to
solutions that decay inwards from the face: information that only a condition on the face can supply.  Their
number is the number of conditions needed there (Agmon, Douglis and Nirenberg 1964 for elliptic systems;
Kreiss 1970 for evolution equations; Gustafsson, Kreiss and Oliger, Time Dependent Problems and Difference
Methods, ch. 9 and 10). It is 1 on every face for Laplace's and the heat equation, 2 for the biharmonic one, 1
at the inflow and 0 at the outflow for advection, the number of velocities for Stokes' system, 1 and 2 at the
two ends for KdV.

For time likewise: with waves in space of high frequency the roots p decide what the start of time has to
give, and roots whose real part grows with the frequency tell that the equation is ill-posed forward in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...derivatives.multi_index import MultiIndex

Array = NDArray[np.complex128]
Sizes = NDArray[np.float64]

SIDEWAYS = 1e-2  # a root whose real part is a smaller share of it counts as neither growing nor decaying
ROUNDING = 1e-11  # a sum of terms that is a smaller share of their sizes counts as zero


@dataclass(frozen=True)
class Symbol:
    """The linearised equation with coefficients frozen at one point.

    Attributes:
        entries: Pairs of (k, j), the derivative alpha, and the coefficient a_{k, j, alpha}.
        count: Number of unknowns, and of equations.
    """

    entries: tuple[tuple[int, int, MultiIndex, float], ...]
    count: int

    def roots(self, direction: Sizes, frequency: Array) -> Array | None:
        """The roots s of det M(s) with zeta = s direction + frequency, both [dim]; None where it is zero."""
        return self._roots(tuple(direction.tolist()), tuple(frequency.tolist()))

    @lru_cache(maxsize=256)  # noqa: B019 (a symbol is a few numbers; constant coefficients give the same ones)
    def _roots(self, direction: tuple[float, ...], frequency: tuple[complex, ...]) -> Array | None:
        size = np.zeros((self.count, self.count))
        polynomials: dict[tuple[int, int], Array] = {}
        for k, j, alpha, value in self.entries:
            power = np.array([value], dtype=np.complex128)
            for axis in alpha:
                power = np.convolve(power, np.array([frequency[axis], direction[axis]]))
            known = polynomials.get((k, j), np.zeros(1, dtype=np.complex128))
            polynomials[k, j] = _sum(known, power)
        for (k, j), polynomial in polynomials.items():
            size[k, j] = np.abs(polynomial).max()
        with np.errstate(divide="ignore", invalid="ignore"):  # rows and columns to size one
            rows = np.where(size.max(1) > 0, 1 / size.max(1), 0.0)
            columns = (size * rows[:, None]).max(0)
            columns = np.where(columns > 0, 1 / columns, 0.0)
        scaled = {(k, j): p * rows[k] * columns[j] for (k, j), p in polynomials.items()}
        found, bound = _determinant(scaled, self.count)
        found = np.where(np.abs(found) <= ROUNDING * bound, 0.0, found)
        if not np.isfinite(found).all() or not found.any():
            return None
        top = int(np.flatnonzero(found)[-1])
        return np.asarray(np.roots(found[: top + 1][::-1]), dtype=np.complex128)

    def needed(self, inward: Sizes, frequencies: Sequence[Array]) -> int | None:
        """The number of conditions on a face; None where it depends on the frequency or is not clear-cut."""
        counts = set()
        for frequency in frequencies:
            roots = self.roots(inward, frequency)
            if roots is None or bool((np.abs(roots.real) <= SIDEWAYS * np.abs(roots)).any()):
                return None
            counts.add(int((roots.real < 0).sum()))
        return counts.pop() if len(counts) == 1 else None

    def in_time(self, time: Sizes, low: Array, high: Array) -> tuple[int, int] | None:
        """Numbers of conditions at the start and at the end of time, from waves of low and high frequency.

        What grows without bound with the frequency has to be given at the end.
        """
        slow, fast = self.roots(time, low), self.roots(time, high)
        if slow is None or fast is None or len(slow) != len(fast):
            return None
        bound = 100 * float(np.abs(slow).max(initial=0.0))
        growing = (fast.real > SIDEWAYS * np.abs(fast)) & (fast.real > bound)
        return len(fast) - int(growing.sum()), int(growing.sum())


def _sum(a: Array, b: Array) -> Array:
    out = np.zeros(max(len(a), len(b)), dtype=np.complex128)
    out[: len(a)] += a
    out[: len(b)] += b
    return out


def _determinant(entries: dict[tuple[int, int], Array], count: int) -> tuple[Array, Sizes]:
    """The determinant of a matrix of polynomials, lowest power first, and the sum of its terms' sizes.

    Row after row is expanded, and of the rows so far the minors of every set of columns are kept.
    """
    minors: dict[int, tuple[Array, Array]] = {0: (np.ones(1, np.complex128), np.ones(1, np.complex128))}
    for k in range(count):
        larger: dict[int, tuple[Array, Array]] = {}
        for taken, (minor, bound) in minors.items():
            for j in range(count):
                if taken >> j & 1 or (k, j) not in entries:
                    continue
                sign = -1.0 if (taken >> (j + 1)).bit_count() % 2 else 1.0
                term = sign * np.convolve(minor, entries[k, j])
                size = np.convolve(bound, np.abs(entries[k, j]).astype(np.complex128))
                old = larger.get(taken | 1 << j)
                larger[taken | 1 << j] = (
                    (term, size) if old is None else (_sum(old[0], term), _sum(old[1], size))
                )
        minors = larger
    zero = np.zeros(1, np.complex128)
    found, bound = minors.get((1 << count) - 1, (zero, zero))
    return found, np.abs(bound)
