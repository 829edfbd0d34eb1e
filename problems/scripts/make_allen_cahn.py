"""Make the two stored Allen-Cahn references, `problems/data/allen_cahn_*.npz`.

    u_t = D u_xx + 5 (u - u^3),   -1 < x < 1,   0 < t <= 1,   u(x, 0) = x^2 cos(pi x)

once periodic with D = 1e-4 and once with D = 1e-3 and u(-1, t) = u(1, t) = -1.  Both solutions are even, so
only 0 <= x <= 1 is solved for, with u_x = 0 at x = 0.  The periodic solution is also even about x = 1: there
it has u_x = 0 for t > 0, while u0'(1) = -2.  A layer of width and height sqrt(D t) starts at once, the kink
that keeps a Fourier series from converging.  The Dirichlet solution has u_xx(1, t) = 0 for t > 0 and
u0''(1) = pi^2 - 2: a weaker layer, of height D t.

**Space.**  Spectral elements: polynomials of degree 14 on elements that shrink towards the layer at x = 1 and
the front at x = 1/2, integrals by Gauss-Lobatto quadrature, so that the mass matrix M is diagonal and

    u' = -D M^-1 K u + 5 (u - u^3) .

The Neumann condition is natural: u0 lies in the space, kink or not.  M^(-1/2) K M^(-1/2) is diagonalised
once. **Time.**  ETDRK4 (Cox and Matthews, J. Comput. Phys. 176, 2002; coefficients as in Kassam and
Trefethen, SIAM J. Sci. Comput. 26, 2005) in that eigenbasis.  Panels grow geometrically from t = 0 and a step
is a fraction of its panel, so the steps follow the layer.  The solution is stored at the Chebyshev points of
each panel: the table is a polynomial of degree 14 x 12 on every space-time cell, as accurate between its
nodes as on them.

`check_allen_cahn.py` compares the tables with a second method, which shares nothing with this one.
Run `python problems/scripts/make_allen_cahn.py`; 15 seconds on one core.
"""

import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from sapts_pinn.problems.references import lobatto

Array = NDArray[np.float64]
DATA = Path(__file__).resolve().parents[1] / "data"
DEGREE, TIME_DEGREE = 14, 12
T_BREAKS = np.concatenate([[0.0], 4.0 ** np.arange(-9, 0), [0.4, 0.55, 0.7, 0.85, 1.0]])
T_NODES = (1 - np.cos(np.pi * np.arange(TIME_DEGREE + 1) / TIME_DEGREE)) / 2
FRONT = np.array([0, 0.0075, 0.015, 0.025, 0.035, 0.05, 0.07, 0.1])
LAYER = np.array([0, 0.1, 0.3, 0.6, 1, 2, 3, 5, 8, 13]) / 100
EVEN = np.linspace(0, 1, 21)
CASES = {  # the diffusion coefficient and the ends of the elements
    "periodic": (1e-4, np.concatenate([EVEN[:9], 0.5 - FRONT, 0.5 + FRONT, EVEN[12:18], 1 - LAYER])),
    "dirichlet": (1e-3, np.concatenate([EVEN, 0.5 - FRONT[4:], 0.5 + FRONT[4:], 1 - LAYER[3:7]])),
}


def initial(x: Array) -> Array:
    """Return x^2 cos(pi x)."""
    return np.asarray(x**2 * np.cos(np.pi * x))


def etdrk4(lam: Array, h: float, reaction: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Return the map c(t) -> c(t + h) of c' = lam c + reaction(c); lam [N] real."""
    z = h * lam[:, None] + np.exp(1j * np.pi * (np.arange(32) + 0.5) / 32)  # a circle around each h lam
    e, half = np.exp(h * lam), np.exp(h * lam / 2)
    q, f1, f2, f3 = (
        h * values.mean(1).real
        for values in (
            (np.exp(z / 2) - 1) / z,
            (-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3,
            (2 + z + np.exp(z) * (z - 2)) / z**3,
            (-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3,
        )
    )

    def step(c: Array) -> Array:
        n0 = reaction(c)
        a = half * c + q * n0
        na = reaction(a)
        nb = reaction(half * c + q * na)
        nc = reaction(half * a + q * (2 * nb - n0))
        return np.asarray(e * c + f1 * n0 + 2 * f2 * (na + nb) + f3 * nc)

    return step


def spectral_elements(
    diffusion: float, breaks: Array, dirichlet: bool, substeps: int = 16, degree: int = DEGREE
) -> tuple[Array, Array]:
    """Return x [X] and u [T, X] at the nodes of the table, about `substeps` steps for each of its times."""
    nodes, weights, d = lobatto(degree)
    n = (breaks.size - 1) * degree + 1
    x, mass, stiff = np.zeros(n), np.zeros(n), np.zeros((n, n))
    for e, (left, right) in enumerate(itertools.pairwise(breaks)):
        h, s = (right - left) / 2, slice(e * degree, (e + 1) * degree + 1)
        x[s] = left + h * (1 + nodes)
        mass[s] += h * weights
        stiff[s, s] += d.T @ np.diag(weights) @ d / h
    m = n - 1 if dirichlet else n  # the modes are those of u + 1, which is zero at x = 1
    shift = -1.0 if dirichlet else 0.0
    root = np.sqrt(mass[:m])
    lam, vectors = eigh(stiff[:m, :m] / root[:, None] / root)
    to_u, to_c = vectors / root[:, None], (vectors * root[:, None]).T

    def reaction(c: Array) -> Array:
        u = to_u @ c + shift
        return np.asarray(to_c @ (5 * (u - u**3)))

    @cache
    def stepper(h: float) -> Callable[[Array], Array]:
        return etdrk4(-diffusion * np.maximum(lam, 0), h, reaction)

    c = to_c @ (initial(x[:m]) - shift)
    rows = [initial(x)]
    for width in np.diff(T_BREAKS):
        for gap in np.diff(T_NODES):
            steps = round(substeps * gap * TIME_DEGREE) + 1
            for _ in range(steps):
                c = stepper(round(width * gap / steps, 18))(
                    c
                )  # rounded: gaps repeat but for their last digit
            rows.append(np.concatenate([to_u @ c + shift, [-1.0] * (n - m)]))
        stepper.cache_clear()
    return x, np.array(rows)


def main() -> None:
    """Store both tables; print how far they are from solutions with fewer steps and of lower degrees."""
    for name, (diffusion, ends) in CASES.items():
        breaks, dirichlet = (
            np.unique(ends.round(6)),
            name == "dirichlet",
        )  # rounded: no elements of width 1e-17
        x, u = spectral_elements(diffusion, breaks, dirichlet)
        np.savez_compressed(
            DATA / f"allen_cahn_{name}.npz",
            x_breaks=breaks,
            x_nodes=(1 + lobatto(DEGREE)[0]) / 2,
            t_breaks=T_BREAKS,
            t_nodes=T_NODES,
            values=u,
        )
        print(f"{name}: {x.size} x {len(u)} values; largest change for t < 0.004, after")
        late = 6 * TIME_DEGREE
        for substeps, degree in ((4, 14), (8, 14), (16, 8), (16, 10), (16, 12)):
            v = spectral_elements(diffusion, breaks, dirichlet, substeps, degree)[1][:, ::degree]
            gap = np.abs(u[:, ::DEGREE] - v)
            print(f"  {substeps} substeps, degree {degree}: {gap[:late].max():.1e}, {gap[late:].max():.1e}")


if __name__ == "__main__":
    main()
