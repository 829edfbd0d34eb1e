"""Make the stored reference of the L-shape, `problems/data/poisson_lshape.npz`, and check it twice.

    -(u_xx + u_yy) = 1 in [-1, 1]^2 without x > 0, y > 0,   u = 0 on the boundary

`sapts_pinn.problems.references.poisson_lshape` derives the form of u: known terms that carry -Laplace u = 1
and all six corner logarithms, and harmonic functions with free coefficients. This script fits the
coefficients to u = 0 by least squares at points on the boundary that crowd at its corners.

**Evidence 1.**  The error of u is harmonic, so nowhere in the domain is it larger than on the boundary
(maximum principle), where u itself is the error. It is printed for rising degrees at points other than the
fitted ones.
**Evidence 2.**  The hp-version of the finite element method, which knows nothing of all this:
rectangles that shrink geometrically towards the lines x = 0 and y = 0 that meet in the corner, polynomials of
degree p in each coordinate, Gauss-Lobatto quadrature. The domain is a part of a tensor grid, so the stiffness
matrix is the part of K (x) M + M (x) K that belongs to the nodes inside. The two are compared at all nodes in
the relative L2 norm. The elements at the corner, of size d, leave an error of order d^(4/3).

Run `python problems/scripts/make_lshape.py`; half a minute on one core.
"""

import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import spsolve

from sapts_pinn.problems.references import _lshape_functions, lobatto, poisson_lshape

Array = NDArray[np.float64]
DATA = Path(__file__).resolve().parents[1] / "data"
DEGREE = 40


def boundary(count: int) -> tuple[Array, Array]:
    """Return points on the six sides: Chebyshev points, more of them towards the re-entrant corner."""
    even = (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count)) / 2
    inner = np.concatenate([even, np.geomspace(1e-12, 0.1, count // 4)])
    zero, one, long = np.zeros_like(inner), np.ones_like(even), 2 * even - 1
    x = np.concatenate([inner, one, long, -one, -even, zero])
    y = np.concatenate([zero, -even, -one, long, one, inner])
    return x, y


def fit(degree: int) -> Array:
    """Return the coefficients [n] with which u is nearest to 0 at boundary points, in least squares."""
    particular, basis = _lshape_functions(*boundary(4 * degree), degree)
    return np.asarray(np.linalg.lstsq(basis, -particular, rcond=1e-15)[0], float)


def finite_elements(breaks: Array, degree: int, reaction: float = 0.0) -> tuple[Array, Array, Array, Array]:
    """Solve -Laplace v + reaction v = 1; return nodes x, y inside, v and quadrature weights, [N] each.

    The elements are the rectangles between `breaks`, which rise from -1 to 1 by way of 0, in both
    coordinates.
    """
    nodes, weights, d = lobatto(degree)
    n = (breaks.size - 1) * degree + 1
    x, mass, stiff = np.zeros(n), np.zeros(n), sparse.lil_array((n, n))
    for e, (left, right) in enumerate(itertools.pairwise(breaks)):
        h, s = (right - left) / 2, slice(e * degree, (e + 1) * degree + 1)
        x[s] = np.where(nodes < 0, left + h * (1 + nodes), right - h * (1 - nodes))  # exact at both ends
        mass[s] += h * weights
        stiff[s, s] += d.T @ np.diag(weights) @ d / h
    m, k = sparse.diags_array(mass), stiff.tocsr()
    gx, gy = (g.ravel() for g in np.meshgrid(x, x, indexing="ij"))
    free = (np.abs(gx) < 1) & (np.abs(gy) < 1) & ((gx < 0) | (gy < 0))
    a = sparse.kron(k, m) + sparse.kron(m, k) + reaction * sparse.kron(m, m)
    area = np.outer(mass, mass).ravel()[free]
    return gx[free], gy[free], spsolve(a.tocsr()[free][:, free].tocsc(), area), area


def main() -> None:
    """Print both kinds of evidence and store the coefficients."""
    x, y = boundary(3001)
    for degree in (10, 20, 30, DEGREE):
        coefficients = fit(degree)
        particular, basis = _lshape_functions(x, y, degree)
        error = np.abs(particular + basis @ coefficients).max()
        print(f"degree {degree}, {coefficients.size} coefficients: error at most {error:.1e}")
    np.savez(DATA / "poisson_lshape.npz", coefficients=coefficients)
    reference = poisson_lshape()
    for layers, degree in ((4, 6), (5, 8), (6, 10), (6, 12)):
        half = np.concatenate([[0.0], 0.15 ** np.arange(layers, 0, -1), [0.5, 0.85, 0.97, 0.995, 1]])
        x, y, v, area = finite_elements(np.unique(np.concatenate([-half, half])), degree)
        gap = reference.evaluate({"x": x, "y": y})["u"] - v
        error = np.sqrt(area @ gap**2 / (area @ v**2))
        print(f"{layers} layers of elements of degree {degree}, {v.size} nodes: relative L2 {error:.1e}")


if __name__ == "__main__":
    main()
