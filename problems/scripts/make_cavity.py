"""Make data/cavity.npz: the lid-driven cavity at Re = 100, velocities on a grid of 65 x 65 points.

The stream function s (u = s_y, v = -s_x) satisfies s_y (lap s)_x - s_x (lap s)_y = lap lap s / Re with s = 0
on the boundary and s_y = 1 on the lid, s_n = 0 elsewhere.  Central differences of order two, values outside
the square by the normal derivative, Newton's method with a sparse factorisation; grids of 64, 128, 256 and
512 intervals, extrapolated by Richardson (the error falls by 4 with every doubling, also near the lid's ends
but for their immediate neighbourhood).  The velocities are differences of order two of s, extrapolated as
well.

    python problems/scripts/make_cavity.py        # two minutes
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

RE = 100.0


def solve(n: int) -> tuple[np.ndarray, np.ndarray]:
    """u and v, [n + 1, n + 1] by x and y, on a grid of n intervals."""
    h, m = 1 / n, n - 1

    def shift(k: int) -> sp.csr_matrix:
        return sp.eye(m, k=k, format="csr")

    one = sp.eye(m)
    d1 = (shift(1) - shift(-1)) / (2 * h)
    d2 = (shift(1) + shift(-1) - 2 * one) / h**2
    # On the boundary s_nn is 2 s_1 / h^2, as the value outside is that of the mirror point (plus 2 h on the
    # lid).
    d4 = (d2 @ d2 + sp.csr_matrix(([2, 2], ([0, m - 1], [0, m - 1])), (m, m)) / h**4).tocsr()
    lid = np.zeros((m, m))
    lid[:, -1] = 2 * h / h**4
    dx, dy = sp.kron(d1, one).tocsr(), sp.kron(one, d1).tocsr()
    laplace = (sp.kron(d2, one) + sp.kron(one, d2)).tocsr()
    biharmonic = (sp.kron(d4, one) + 2 * sp.kron(d2, d2) + sp.kron(one, d4)).tocsr()
    # Differences of lap s take its boundary values as well.
    ends = sp.csr_matrix(([-1, 1], ([0, m - 1], [0, m - 1])), (m, m)) / (2 * h) * (2 / h**2)
    wx, wy = (dx @ laplace + sp.kron(ends, one)).tocsr(), (dy @ laplace + sp.kron(one, ends)).tocsr()
    lid_y = np.zeros((m, m))
    lid_y[:, -1] = (2 / h) / (2 * h)
    s = np.zeros(m * m)
    for _ in range(12):
        sx, sy, vx, vy = dx @ s, dy @ s, wx @ s, wy @ s + lid_y.ravel()
        residual = RE * (sy * vx - sx * vy) - biharmonic @ s - lid.ravel()
        times = sp.diags
        jacobian = RE * (times(vx) @ dy + times(sy) @ wx - times(vy) @ dx - times(sx) @ wy) - biharmonic
        step = splu(jacobian.tocsc()).solve(-residual)
        s += step
        if abs(step).max() < 1e-13:
            break
    full = np.zeros((n + 1, n + 1))
    full[1:-1, 1:-1] = s.reshape(m, m)
    u, v = np.zeros_like(full), np.zeros_like(full)
    u[:, 1:-1] = (full[:, 2:] - full[:, :-2]) / (2 * h)
    v[1:-1] = -(full[2:] - full[:-2]) / (2 * h)
    u[1:-1, -1] = 1.0
    return u, v


if __name__ == "__main__":
    fields = []
    for n in (64, 128, 256, 512):
        u, v = solve(n)
        k = n // 64
        fields.append(np.stack([u[::k, ::k], v[::k, ::k]]))
        print(n, "u(1/2, 1/2) =", u[n // 2, n // 2], " min u on x = 1/2:", u[n // 2].min(), flush=True)
    once = [(4 * b - a) / 3 for a, b in itertools.pairwise(fields)]
    twice = [(16 * b - a) / 15 for a, b in itertools.pairwise(once)]
    for name, values in (("once", once), ("twice", twice)):
        change = values[-1] - values[-2]
        lines = abs(change[0, 32]).max(), abs(change[1, :, 32]).max()
        print(name, "on the middle lines", *lines, "anywhere", abs(change).max())
    path = Path(__file__).parent.parent / "data" / "cavity.npz"
    np.savez_compressed(path, u=once[-1][0], v=once[-1][1])
    print(path.stat().st_size, "bytes")
