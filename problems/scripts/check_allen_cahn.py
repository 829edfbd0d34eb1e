"""Check the stored Allen-Cahn references with a second method: exact flows in a cosine basis.

The equation is the sum of two flows that can be solved exactly.  Diffusion multiplies the cosine modes of u,
cos(k pi x) (periodic), or of u + 1, cos((k + 1/2) pi x) (Dirichlet), by exp(-D k^2 pi^2 h); reaction moves
each point by

    u -> u e^(5 h) / sqrt(1 + u^2 (e^(10 h) - 1)) .

Strang's splitting joins them with an error even in h; steps of h, h / 2 and h / 3 combine to order 6
(Richardson extrapolation).  The modes of u0 = x^2 cos(pi x) are integrated in closed form, so the kink at x =
1 aliases into nothing, and its high modes fade before they matter.  Nothing is shared with
`make_allen_cahn.py`.

Run `python problems/scripts/check_allen_cahn.py`; 10 seconds on one core.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from sapts_pinn.problems.references import allen_cahn_dirichlet, allen_cahn_periodic

Array = NDArray[np.float64]


def initial_modes(k: Array, dirichlet: bool) -> Array:
    """Return the cosine modes [N] of u0 (periodic) or u0 + 1 (Dirichlet) at the wave numbers k [N]."""

    def moment(a: Array) -> Array:  # the integral of x^2 cos(a x) over 0 < x < 1
        b = np.where(a == 0, 1, a)
        return np.where(a == 0, 1 / 3, np.sin(b) / b + 2 * np.cos(b) / b**2 - 2 * np.sin(b) / b**3)

    c = moment(k - np.pi) + moment(k + np.pi)
    if dirichlet:
        return np.asarray(c + 2 * np.sin(k) / k)
    c[0] /= 2
    return c


def splitting(
    diffusion: float, dirichlet: bool, times: Array, modes: int = 8192, steps: int = 160
) -> tuple[Array, Array]:
    """Return x [N] in (0, 1) and u [T, N] at rising times [T]; at least `steps` steps a unit of time."""
    x = (np.arange(modes) + 0.5) / modes
    k = np.asarray(np.pi * (np.arange(modes) + (0.5 if dirichlet else 0.0)), float)
    scale = np.ones(modes)  # between the modes and SciPy's transforms
    scale[0] = 1 if dirichlet else 2
    forward: Literal[2, 4] = 4 if dirichlet else 2
    back: Literal[3, 4] = 4 if dirichlet else 3
    shift = -1.0 if dirichlet else 0.0

    def to_u(c: Array) -> Array:
        return np.asarray(dct(c * scale, back) / 2 + shift)

    def heat(u: Array, h: float) -> Array:
        return to_u(np.exp(-h * diffusion * k**2) * dct(u - shift, forward) / modes / scale)

    def react(u: Array, h: float) -> Array:
        return np.asarray(u * np.exp(5 * h) / np.sqrt(1 + u**2 * np.expm1(10 * h)))

    def strang(u: Array, h: float, parts: int) -> Array:
        h = h / parts
        u = heat(react(u, h / 2), h)
        for _ in range(parts - 1):
            u = heat(react(u, h), h)
        return react(u, h / 2)

    u, now, rows = to_u(initial_modes(k, dirichlet)), 0.0, []
    for target in times:
        while now < target * (1 - 1e-12):
            h = min(max(now, 1e-6) / 8, 1 / steps, target - now)
            u = (5 * strang(u, h, 1) - 128 * strang(u, h, 2) + 243 * strang(u, h, 3)) / 120
            now += h
        rows.append(u)
    return x, np.array(rows)


def main() -> None:
    """Print how far the stored tables and the splitting method are apart, early and later."""
    for reference, diffusion in ((allen_cahn_periodic(), 1e-4), (allen_cahn_dirichlet(), 1e-3)):
        for times in (np.array([1e-5, 1e-4, 1e-3]), np.arange(1, 101) / 100):
            for modes, steps in ((4096, 160), (8192, 320)):
                x, v = splitting(diffusion, diffusion == 1e-3, times, modes, steps)
                gap = reference.evaluate({"x": x, "t": times[:, None]})["u"] - v
                error = np.linalg.norm(gap) / np.linalg.norm(v)
                print(
                    f"D = {diffusion:g}, {times.size} times in [{times[0]:g}, {times[-1]:g}], "
                    f"{modes} modes, {steps} steps: relative L2 {error:.1e}, "
                    f"largest {np.abs(gap).max():.1e}"
                )


if __name__ == "__main__":
    main()
