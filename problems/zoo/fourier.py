"""Stored references on a periodic interval: Fourier modes in space, polynomials in time.

    u(x, t) = Re sum_k c_k(t) exp(i k w (x - a)),   w = 2 pi / (b - a),   k = 0, 1, ...

with every c_k a polynomial on each of some panels of time, stored by its values at Chebyshev points.
`scripts/make_periodic.py` makes the tables and measures them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import pi

import numpy as np
from numpy.typing import NDArray

from ..references import Array, Reference, _grid, _lagrange, _reference, _stored

Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class Modes:
    """Modes of some unknowns against time.

    Attributes:
        breaks: [P + 1], ends of the panels.
        nodes: [n], the points of a panel, from 0 to 1.
        values: [m, P (n - 1) + 1, K], modes of m unknowns at all times.
    """

    breaks: Array
    nodes: Array
    values: Complex

    def at(self, t: Array) -> Complex:
        """The modes [m, M, K] at times [M]."""
        panel = np.clip(np.searchsorted(self.breaks, t, side="right") - 1, 0, self.breaks.size - 2)
        left, width = self.breaks[panel], np.diff(self.breaks)[panel]
        weights, degree = _lagrange(self.nodes, (t - left) / width), self.nodes.size - 1
        out = np.empty((len(self.values), t.size, self.values.shape[2]), complex)
        for p in np.unique(panel):
            here = panel == p
            out[:, here] = weights[here] @ self.values[:, p * degree : (p + 1) * degree + 1]
        return out


@cache
def modes(name: str) -> Modes:
    """Read a table of modes from the data folder."""
    table = _stored(name)
    return Modes(table["breaks"], table["nodes"], np.asarray(table["values"], dtype=np.complex128))


def periodic(
    name: str, accuracy: float, unknowns: tuple[str, ...], x: tuple[float, float], t: tuple[float, float]
) -> Reference:
    """The reference that a table of modes stores.

    Args:
        name: Name of the table.
        accuracy: Relative error, measured by the script that made the table.
        unknowns: Their names, in the order of the table.
        x: Ends of the period.
        t: Start and end of time.

    Returns:
        The reference; test points: 257 x 101, all ends included.
    """
    low, high = x

    def fn(x: Array, t: Array) -> Array:
        table = modes(name)
        angle = 2 * pi / (high - low) * (x - low)
        waves = np.exp(1j * angle[:, None] * np.arange(table.values.shape[2]))
        return np.asarray(np.einsum("jmk,mk->jm", table.at(t), waves).real)

    return _reference(
        "Fourier modes and ETDRK4, stored by scripts/make_periodic.py",
        accuracy,
        {"x": x, "t": t},
        fn,
        lambda: _grid(x=np.linspace(*x, 257), t=np.linspace(*t, 101)),
        unknowns,
    )
