"""Make data/pinnacle_{gs,ks,heat2d_lt,heat2d_vc,wave2d_cg,...}.npz: references of PINNacle on grids.

    gs, heat2d_lt     Fourier or sine modes, exponential Runge-Kutta of order 4 (as in `make_periodic.py`)
    ks                the same, stored as `make_periodic.py` stores its tables
    wave2d_cg         differences of order 2 on two grids that contain the kinks of c, extrapolated
    heat2d_vc         finite volumes that agree with the pixels of a, Crank-Nicolson steps
    burgers2d_c       Fourier modes on one of the 4 x 4 periods of the initial values, Runge-Kutta of order 4

Printed for each: the relative L2 distance from a coarser computation, over the stored values.

    python problems/scripts/make_pinnacle_grids.py [NAME ...]        # half an hour in all
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from make_periodic import Case, distance, etdrk4, table
from numpy.typing import NDArray
from scipy import fft

from sapts_pinn.problems.pinnacle.coefficients import Grid, diffusivity, two_valued

Array = NDArray[np.float64]
DATA = Path(__file__).resolve().parents[1] / "data"


def store(name: str, axes: dict[str, Array], best: Array, worse: Array, digits: int = 7) -> None:
    """Write values [m, ...] at a grid's nodes, and say how far a coarser computation is."""
    values = np.round(best, digits).astype(np.float32)
    np.savez_compressed(DATA / f"pinnacle_{name}.npz", values=values, **axes)
    known = np.isfinite(best)
    gap = np.linalg.norm((worse - best)[known]) / np.linalg.norm(best[known])
    size = (DATA / f"pinnacle_{name}.npz").stat().st_size
    print(f"{name}: {values.shape}, {size} bytes; coarser: {gap:.1e}", flush=True)


# -- Gray-Scott ------------------------------------------------------------------------------------------


def gray_scott(n: int, h: float, every: int, side: int) -> Array:
    """u and v [2, side, side, T], x first, on [-1, 1]^2 at times 0, every * h, ... up to 200."""
    x = -1 + 2 * np.arange(n) / n
    X, Y = np.meshgrid(x, x, indexing="ij")
    u = 1 - np.exp(-80 * ((X + 0.05) ** 2 + (Y + 0.02) ** 2))
    v = np.exp(-80 * ((X - 0.05) ** 2 + (Y - 0.02) ** 2))
    k2 = np.pi**2 * (fft.fftfreq(n, 1 / n)[:, None] ** 2 + fft.rfftfreq(n, 1 / n) ** 2)
    linear = np.stack([-1e-5 * k2 - 0.04, -5e-6 * k2 - 0.1]) + 0j
    feed = np.zeros_like(k2)
    feed[0, 0] = 0.04 * n * n

    def rest(c: NDArray[np.complex128]) -> NDArray[np.complex128]:
        a, b = fft.irfft2(c, (n, n))
        pairs = fft.rfft2(a * b * b)
        return np.stack([feed - pairs, pairs])

    step, c = by_rows(linear, h, rest), fft.rfft2(np.stack([u, v]))
    cut, out = n // side, []
    for i in range(round(200 / h) + 1):
        if i % every == 0:
            out.append(fft.irfft2(c, (n, n))[:, ::cut, ::cut])
        c = step(c)
    return np.stack(out, -1)


def by_rows(linear: Array, h: float, rest: Callable[..., Array]) -> Callable[[Array], Array]:
    """`etdrk4` for real symbols, of which each distinct one is integrated once."""
    distinct, where = np.unique(np.round(linear.real, 14), return_inverse=True)
    parts = closure_cells(etdrk4(distinct + 0j, h, lambda c: c))
    e, half, q, f1, f2, f3 = (part[where.reshape(linear.shape)].real for part in parts)

    def step(c: Array) -> Array:
        n0 = rest(c)
        a = half * c + q * n0
        na = rest(a)
        nb = rest(half * c + q * na)
        nc = rest(half * a + q * (2 * nb - n0))
        return np.asarray(e * c + f1 * n0 + 2 * f2 * (na + nb) + f3 * nc)

    return step


def closure_cells(step: Callable[..., Array]) -> list[Array]:
    """The coefficients that a step of `etdrk4` keeps."""
    kept = dict(zip(step.__code__.co_freevars, step.__closure__ or (), strict=True))
    return [kept[name].cell_contents for name in ("e", "half", "q", "f1", "f2", "f3")]


def make_gs() -> None:
    axes = {"x": -1 + np.arange(64) / 32, "y": -1 + np.arange(64) / 32, "t": np.linspace(0, 200, 11)}
    store("gs", axes, gray_scott(320, 1.0, 20, 64), gray_scott(256, 2.0, 10, 64))


# -- Heat2d-LT -------------------------------------------------------------------------------------------


def heat_lt(n: int, h: float) -> Array:
    """u [1, 24, 24, 41] at multiples of 1/25 in x and y and of 2.5 in time, by n - 1 sine modes each way."""
    x = np.arange(1, n) / n
    X, Y = np.meshgrid(x, x, indexing="ij")
    shape = 5 * np.sin(4 * np.pi * X) * np.sin(2 * np.pi * Y)
    k2 = np.pi**2 * (np.arange(1, n)[:, None] ** 2 + np.arange(1, n) ** 2)
    scale = 1 / n**2

    def values(c: Array) -> Array:
        return fft.dstn(c, type=1) / 4

    def modes(f: Array) -> Array:
        return fft.dstn(f, type=1) * scale

    def rest(c: Array, t: float) -> Array:
        return modes(shape * (1 + 2 * np.sin(np.pi * t / 4)) * np.sin(values(c) ** 2))

    distinct, where = np.unique(np.round(-1e-3 * k2, 12), return_inverse=True)
    e, half, q, f1, f2, f3 = (
        p[where.reshape(k2.shape)].real for p in closure_cells(etdrk4(distinct + 0j, h, lambda c: c))
    )
    c, out, nodes = modes(np.sin(4 * np.pi * X) * np.sin(3 * np.pi * Y)), [], np.arange(1, 25) / 25
    at = np.sin(np.pi * nodes[:, None] * np.arange(1, n))
    for i in range(round(100 / h) + 1):
        if i % round(2.5 / h) == 0:
            out.append(at @ c @ at.T)
        t = i * h
        n0 = rest(c, t)
        a = half * c + q * n0
        na = rest(a, t + h / 2)
        nb = rest(half * c + q * na, t + h / 2)
        nc = rest(half * a + q * (2 * nb - n0), t + h)
        c = e * c + f1 * n0 + 2 * f2 * (na + nb) + f3 * nc
    return np.stack(out, -1)[None]


def make_heat2d_lt() -> None:
    axes = {"x": np.arange(1, 25) / 25, "y": np.arange(1, 25) / 25, "t": np.linspace(0, 100, 41)}
    store("heat2d_lt", axes, heat_lt(192, 0.0125), heat_lt(128, 0.025))


# -- Kuramoto-Sivashinsky --------------------------------------------------------------------------------

KS = Case(
    (0, 2 * np.pi),
    1.0,
    lambda x: (np.cos(x) * (1 + np.sin(x)))[None],
    lambda k: (100 / 16**2 * k**2 - 100 / 16**4 * k**4 + 0j)[None],
    lambda k, u, modes: -0.5j * 100 / 16 * k * modes(u**2),
    256, 40_000, 192, 84, 24,
)  # fmt: skip


def make_ks() -> None:
    best, coarse = table(KS, KS.points, KS.steps), table(KS, KS.points // 2, KS.steps // 2)
    np.savez_compressed(DATA / "pinnacle_ks.npz", **vars(best))
    size = np.abs(best.values).max(1)
    print(f"ks: {best.values.shape}, {(DATA / 'pinnacle_ks.npz').stat().st_size} bytes")
    print(f"  the last modes reach {(size[:, -2:].max(1) / size.max(1)).max():.0e}")
    shared = coarse.values.shape[2]
    print(
        f"  half the points and steps: {distance(coarse.values, best.values[:, :, :shared]):.1e}", flush=True
    )


# -- Wave2d-CG -------------------------------------------------------------------------------------------


def wave(m: int) -> Array:
    """u [1, 52, 52, 26]: leapfrog on 255 m intervals, every fifth of the 256 nodes, times 0, 0.2, ... 5."""
    import torch

    n, end = 255 * m, 5.0
    x = torch.linspace(0, 1, n + 1, dtype=torch.float64)
    X, Y = torch.meshgrid(x, x, indexing="ij")
    c = Grid(two_valued(), linear=True)(X.ravel(), Y.ravel()).reshape(X.shape).numpy()
    h, per = 2 / n, 150 * m
    dt = 0.2 / per
    grid = np.linspace(-1, 1, n + 1)
    now = np.exp(-((grid[:, None] + 0.5) ** 2 + grid**2) / 0.18)
    factor = c * (dt / h) ** 2

    def change(u: Array) -> Array:
        p = np.pad(u, 1, "reflect")
        return np.asarray(factor * (p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u))

    before = now + 0.5 * change(now)  # the solution is even in time
    out = []
    for i in range(round(end / dt) + 1):
        if i % per == 0:
            out.append(now[:: 5 * m, :: 5 * m])
        now, before = 2 * now - before + change(now), now
    return np.stack(out, -1)[None]


def make_wave2d_cg() -> None:
    nodes = np.linspace(-1, 1, 52)
    axes = {"x": nodes, "y": nodes, "t": np.linspace(0, 5, 26)}
    coarse, fine = wave(1), wave(2)
    store("wave2d_cg", axes, fine + (fine - coarse) / 3, fine)  # the error falls as 1 / m^2


# -- Heat2d-VC -------------------------------------------------------------------------------------------


def heat_vc(m: int, steps: int) -> Array:
    """u [1, 16, 16, 51] at multiples of 1/17 and of 0.1 in time, on 255 m intervals.

    Each node stands for a cell: its 1 / a is the mean of those of the pixels that the cell is part of.
    """
    import scipy.sparse as sp
    from scipy.sparse.linalg import splu

    n = 255 * m
    x = np.arange(1, n) / n
    quarter = np.array([-0.25, 0.25]) / n
    pixel = np.rint(255 * (x[:, None] + quarter)).astype(int)
    a = diffusivity().T[pixel[:, None, :, None], pixel[None, :, None, :]]  # x first
    inverse = (1 / a).mean((2, 3)).ravel()
    one, second = sp.eye(n - 1), sp.diags([1.0, -2.0, 1.0], [-1, 0, 1], (n - 1, n - 1)) * n**2
    laplace = (sp.kron(second, one) + sp.kron(one, second)).tocsc()
    f = inverse * np.outer(200 * np.sin(np.pi * x), np.sin(5 * np.pi * x)).ravel()
    dt, mass = 5 / steps, sp.diags(inverse)
    ahead = splu((mass / dt - laplace / 2).tocsc(), permc_spec="MMD_AT_PLUS_A")
    behind = (mass / dt + laplace / 2).tocsr()
    u, out, cut = np.zeros(inverse.size), [], n // 17
    for i in range(steps + 1):
        if i % (steps // 50) == 0:
            out.append(u.reshape(n - 1, n - 1)[cut - 1 :: cut, cut - 1 :: cut])
        u = ahead.solve(behind @ u + f * (np.sin(np.pi * i * dt) + np.sin(np.pi * (i + 1) * dt)) / 2)
    return np.stack(out, -1)[None]


def make_heat2d_vc() -> None:
    axes = {"x": np.arange(1, 17) / 17, "y": np.arange(1, 17) / 17, "t": np.linspace(0, 5, 51)}
    coarse, fine, slow = heat_vc(1, 50), heat_vc(2, 50), heat_vc(1, 200)
    print(f"  in space {np.linalg.norm(fine - coarse) / np.linalg.norm(fine):.1e}", flush=True)
    store("heat2d_vc", axes, slow + (fine - coarse), slow)


# -- Burgers2d-C -----------------------------------------------------------------------------------------


@cache
def start(n: int) -> Array:
    """Initial u and v [2, n, n], x first, on one period [0, 1)^2, see `pinnacle/burgers.py`."""
    from sapts_pinn.problems.pinnacle.burgers import initial_values

    x = np.arange(n) / n
    return initial_values(*np.meshgrid(x, x, indexing="ij"))


def burgers(n: int, steps: int) -> Array:
    """u and v [2, 32, 32, 11] on one period at times 0, 0.1, ... 1."""
    k = 2 * np.pi * fft.fftfreq(n, 1 / n)[:, None], 2 * np.pi * fft.rfftfreq(n, 1 / n)[None]
    keep = (abs(k[0]) < 2 * np.pi * n / 3) & (abs(k[1]) < 2 * np.pi * n / 3)
    dt = 1 / steps
    half = np.exp(-1e-3 * (k[0] ** 2 + k[1] ** 2) * dt / 2).astype(np.float32)
    ik = [(1j * one).astype(np.complex64) for one in k]

    def slope(c: NDArray[np.complex64]) -> NDArray[np.complex64]:
        u, v = fft.irfft2(c, (n, n))
        across = u * fft.irfft2(ik[0] * c, (n, n)) + v * fft.irfft2(ik[1] * c, (n, n))
        return np.asarray(-(keep * fft.rfft2(across)))

    c, out, cut = fft.rfft2(start(n).astype(np.float32)) * keep, [], n // 32
    for i in range(steps + 1):
        if i % (steps // 10) == 0:
            out.append(fft.irfft2(c, (n, n))[:, ::cut, ::cut])
        a = slope(c)
        b = slope(half * (c + dt / 2 * a))
        d = slope(half * c + np.float32(dt / 2) * b)
        e = slope(half**2 * c + np.float32(dt) * half * d)
        c = half**2 * c + np.float32(dt / 6) * (half**2 * a + 2 * half * (b + d) + e)
    return np.stack(out, -1).astype(float)


def make_burgers2d_c() -> None:
    axes = {"x": np.arange(32) / 32, "y": np.arange(32) / 32, "t": np.linspace(0, 1, 11)}
    store("burgers2d_c", axes, burgers(384, 2000), burgers(256, 1300))


MAKERS = {
    "ks": make_ks,
    "heat2d_lt": make_heat2d_lt,
    "wave2d_cg": make_wave2d_cg,
    "heat2d_vc": make_heat2d_vc,
    "gs": make_gs,
    "burgers2d_c": make_burgers2d_c,
}

if __name__ == "__main__":
    for one in sys.argv[1:] or MAKERS:
        MAKERS[one]()
