"""Make the stored references of `problems/fourier.py`, `problems/data/{kdv,...}.npz`, and measure them.

Fourier modes in space; the linear part exactly and the rest by ETDRK4 in time (Cox and Matthews, J. Comput.
Phys. 176, 2002; coefficients as in Kassam and Trefethen, SIAM J. Sci. Comput. 26, 2005).  The modes are
stored at the Chebyshev points of panels of time.

Printed for each: the decay of the modes; how far the table is from a solution with half as many steps on half
as many points; and how far, at times between the stored ones, from a second method that shares no time step
with the first: collocation in space and Radau IIA of order 5 with its own step control (SciPy's `Radau`).

Run `python problems/scripts/make_periodic.py [NAME ...]`; some minutes on one core.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from sapts_pinn.problems.zoo.fourier import Modes

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
DATA = Path(__file__).resolve().parents[1] / "data"
SCHROEDINGER_MODES = 256


@dataclass(frozen=True)
class Case:
    """c' = linear(k) c + transform of nonlinear(k, values), k in radians per unit length; real unknowns.

    Attributes:
        x: Ends of the period.
        end: Final time, from 0.
        start: Initial values [m, N] from x [N].
        linear: Symbols [m, K] from k [K].
        nonlinear: Modes [m, K] of the other terms, from k, values [m, N] and the transform to modes.
        points: N.
        steps: Time steps.
        check: Points of the second method.
        kept: Modes stored.
        panels: Of time.
        degree: In time, on a panel.
    """

    x: tuple[float, float]
    end: float
    start: Callable[[Array], Array]
    linear: Callable[[Array], Complex]
    nonlinear: Callable[[Array, Array, Callable[[Array], Complex]], Complex]
    points: int
    steps: int
    check: int
    kept: int
    panels: int
    degree: int = 16


def gray_scott_reaction(k: Array, values: Array, modes: Callable[[Array], Complex]) -> Complex:
    u, v = values
    pairs = modes((u * v**2)[None])[0]
    feed = np.where(k == 0, 8.0 * values.shape[1], 0)
    return np.stack([feed - 200 * pairs, 200 * pairs])


CASES = {
    "kdv": Case(
        (-1, 1),
        1.0,
        lambda x: np.cos(np.pi * x)[None],
        lambda k: (0.0025j * k**3)[None],
        lambda k, u, modes: -0.5j * k * modes(u**2),
        512, 16_000, 192, 80, 24,
    ),
    "kuramoto_sivashinsky": Case(
        (-1, 1),
        1.0,
        lambda x: -np.sin(np.pi * x)[None],
        lambda k: (0.5 * k**2 - 0.005 * k**4 + 0j)[None],
        lambda k, u, modes: -2.5j * k * modes(u**2),
        256, 40_000, 96, 48, 16,
    ),
    "gray_scott": Case(
        (-1, 1),
        1.0,
        lambda x: np.array([[1], [0]]) + np.outer([-0.5, 0.25], np.exp(-10 * (1 - np.cos(np.pi * x)))),
        lambda k: np.stack([-2e-2 * k**2 - 8, -1e-2 * k**2 - 20]) + 0j,
        gray_scott_reaction,
        512, 16_000, 192, 128, 10, 14,
    ),
}  # fmt: skip


def spaces(case: Case, points: int) -> tuple[Array, Complex, Callable[[Complex], Complex], Complex]:
    """Wave numbers [K], symbols [m, K], the nonlinear part and the initial modes [m, K] of rfft."""
    low, high = case.x
    x = low + (high - low) * np.arange(points) / points
    k = 2 * np.pi / (high - low) * np.arange(points // 2 + 1)
    linear = case.linear(k)
    linear[:, -1] = linear[:, -1].real  # the highest mode has no odd derivative
    start = np.fft.rfft(case.start(x))

    def rest(c: Complex) -> Complex:
        return case.nonlinear(k, np.fft.irfft(c, points), np.fft.rfft)

    return k, linear, rest, start


def etdrk4(linear: Complex, h: float, rest: Callable[[Complex], Complex]) -> Callable[[Complex], Complex]:
    """The map c(t) -> c(t + h) of c' = linear c + rest(c)."""
    z = h * linear[..., None] + np.exp(2j * np.pi * (np.arange(64) + 0.5) / 64)  # a circle around each
    e, half = np.exp(h * linear), np.exp(h * linear / 2)
    q, f1, f2, f3 = (
        h * values.mean(-1)
        for values in (
            (np.exp(z / 2) - 1) / z,
            (-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3,
            (2 + z + np.exp(z) * (z - 2)) / z**3,
            (-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3,
        )
    )

    def step(c: Complex) -> Complex:
        n0 = rest(c)
        a = half * c + q * n0
        na = rest(a)
        nb = rest(half * c + q * na)
        nc = rest(half * a + q * (2 * nb - n0))
        return np.asarray(e * c + f1 * n0 + 2 * f2 * (na + nb) + f3 * nc)

    return step


def table(case: Case, points: int, steps: int) -> Modes:
    """Solve, and gather the modes at the Chebyshev points of all panels."""
    nodes = (1 - np.cos(np.pi * np.arange(case.degree + 1) / case.degree)) / 2
    _, linear, rest, c = spaces(case, points)
    stepper = cache(lambda h: etdrk4(linear, h, rest))
    rows = [c]
    for _ in range(case.panels):
        for gap in np.diff(nodes) * case.end / case.panels:
            count = int(np.ceil(steps * gap / case.end))
            for _ in range(count):
                c = stepper(round(gap / count, 18))(c)  # rounded: gaps repeat but for their last digit
            rows.append(c)
    values = np.stack(rows, 1)[:, :, : case.kept] / points
    values[:, :, 1:] *= 2  # with the waves of negative k, which are their conjugates
    for part in (values.real, values.imag):
        if np.abs(part).max() < 1e-11:  # symmetry makes it zero
            part[:] = 0
    return Modes(np.linspace(0, case.end, case.panels + 1), nodes, values)


def by_radau(case: Case, points: int, times: Array) -> Complex:
    """Modes [m, T, K] at times [T] by an implicit Runge-Kutta method for the values at the points."""
    _, linear, rest, start = spaces(case, points)
    shape = (len(start), points)

    def slope(t: float, flat: Array) -> Array:
        c = np.fft.rfft(flat.reshape(shape))
        return np.asarray(np.fft.irfft(linear * c + rest(c), points).ravel())

    first = np.fft.irfft(start, points).ravel()
    found = solve_ivp(slope, (0, case.end), first, "Radau", times, rtol=1e-12, atol=1e-13)
    values = np.fft.rfft(found.y.T.reshape(-1, *shape)).transpose(1, 0, 2)[:, :, : case.kept] / points
    values[:, :, 1:] *= 2
    return values


def distance(a: Complex, b: Complex) -> float:
    """Relative L2 distance of two sets of modes."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def schroedinger(points: int, steps: int, degree: int = 16, panels: int = 8) -> Modes:
    """The table of i h_t + h_xx / 2 + |h|^2 h = 0, h = 2 sech x at t = 0, period 10, by ETDRK4.

    h is even about both -5 and 0, so h = sum_k d_k(t) exp(-i r_k t) cos(k w (x + 5)), r_k = (k w)^2 / 2.  The
    kink of 2 sech x at the seam leaves modes of order k^-2 for ever, which hardly couple: d_k varies slowly.
    """
    _, rates, c = _schroedinger_start(points)
    nodes = (1 - np.cos(np.pi * np.arange(degree + 1) / degree)) / 2
    panel = np.pi / 2 / panels

    def rest(c: Complex) -> Complex:
        h = np.fft.ifft(c)
        return np.fft.fft(1j * (h * h.conj()).real * h)

    stepper = cache(lambda h: etdrk4(-1j * rates, h, rest))
    rows, times = [c], [0.0]
    for p in range(panels):
        for i, gap in enumerate(np.diff(nodes) * panel):
            count = int(np.ceil(steps * gap / (np.pi / 2)))
            for _ in range(count):
                c = stepper(round(gap / count, 18))(c)
            rows.append(c)
            times.append(panel * (p + nodes[i + 1]))
    kept = slice(0, SCHROEDINGER_MODES)
    values = np.stack(rows)[:, kept] / points * np.exp(1j * np.outer(times, rates[kept]))
    values[:, 1:] *= 2
    return Modes(panel * np.arange(panels + 1), nodes, values[None])


def by_splitting(points: int, steps: int) -> Complex:
    """Modes exp(-i r_k t) d_k at t = pi / 2 by Yoshida's splitting of order 4 (Phys. Lett. A 150, 1990)."""
    _, rates, c = _schroedinger_start(points)
    tau, outer = np.pi / 2 / steps, 1 / (2 - 2 ** (1 / 3))
    parts = [outer, 1 - 2 * outer, outer]
    phases = [np.exp(-1j * rates * tau * part) for part in parts]
    h = np.fft.ifft(c)
    for _ in range(steps):
        for part, phase in zip(parts, phases, strict=True):
            h = h * np.exp(0.5j * part * tau * np.abs(h) ** 2)
            h = np.fft.ifft(phase * np.fft.fft(h))
            h = h * np.exp(0.5j * part * tau * np.abs(h) ** 2)
    values = np.fft.fft(h)[:SCHROEDINGER_MODES] / points
    values[1:] *= 2
    return values


def _schroedinger_start(points: int) -> tuple[Array, Array, Complex]:
    """Wave numbers, rates and the modes of 2 sech x, those of a grid so fine that they do not alias."""
    fine = 2**19
    modes = np.fft.fft(2 / np.cosh(-5 + 10 * np.arange(fine) / fine)).real + 0j
    k = np.fft.fftfreq(points, 1 / points)
    return k, (2 * np.pi / 10 * k) ** 2 / 2, modes[k.astype(int)] * (points / fine)


def main() -> None:
    """Store the tables named, or all; print the evidence."""
    for name in sys.argv[1:] or [*CASES, "schroedinger"]:
        if name == "schroedinger":
            store_schroedinger()
            continue
        case = CASES[name]
        best = table(case, case.points, case.steps)
        np.savez_compressed(DATA / f"{name}.npz", **vars(best))
        size = np.abs(best.values).max(1)
        print(f"{name}: {best.values.shape}, {(DATA / f'{name}.npz').stat().st_size} bytes")
        print(f"  the last modes reach {(size[:, -2:].max(1) / size.max(1)).max():.0e}")
        coarse = table(case, case.points // 2, case.steps // 2)
        print(f"  half the points and steps: {distance(coarse.values, best.values):.1e}")
        times = case.end * np.array([0.0137, 0.211, 0.4567, 0.789, 0.9871])
        shared = slice(case.check // 2)
        radau = by_radau(case, case.check, times)[:, :, shared]
        print(f"  Radau: {distance(best.at(times)[:, :, shared], radau):.1e}", flush=True)


def store_schroedinger() -> None:
    """Store the complex values of the Schroedinger equation; the size of omitted modes is known."""
    best = schroedinger(2048, 24_000)
    np.savez_compressed(DATA / "schroedinger.npz", **vars(best))
    _, rates, start = _schroedinger_start(2**16)
    end = best.at(np.array([np.pi / 2]))[0] * np.exp(-0.5j * np.pi * rates[:SCHROEDINGER_MODES])
    left_out = np.linalg.norm(start[SCHROEDINGER_MODES : 2**15]) / np.linalg.norm(start[: 2**15])
    print(f"schroedinger: {best.values.shape}, {(DATA / 'schroedinger.npz').stat().st_size} bytes")
    print(f"  modes left out at t = 0: {left_out:.1e}")
    for points, steps in ((1024, 12_000), (1024, 24_000), (2048, 12_000)):
        gap = distance(schroedinger(points, steps).values, best.values)
        print(f"  {points} points, {steps} steps: {gap:.1e}", flush=True)
    gap = distance(schroedinger(2048, 24_000, panels=11).values[:, -1], best.values[:, -1])
    print(f"  other panels: {gap:.1e}")
    for points, steps in ((1024, 20_000), (2048, 20_000)):
        gap = distance(by_splitting(points, steps), end[0])
        print(f"  splitting, {points} points, {steps} steps: {gap:.1e}")


if __name__ == "__main__":
    main()
