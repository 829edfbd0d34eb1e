r"""Exact and high-order reference solutions, each with its own accuracy stated.

A `Reference` says where a solution comes from and how good it is, evaluates it anywhere in its domain and
names the points at which errors are measured. Nothing here is a network or shares code with one.

* `analytic`: a formula.
* `burgers`: the Cole-Hopf formula, its integrals by Gauss-Hermite quadrature.
* `allen_cahn_periodic`, `allen_cahn_dirichlet`: tables of polynomials on space-time cells, made by
  `scripts/make_allen_cahn.py` (spectral elements, exponential Runge-Kutta).
* `allen_cahn_steady`: collocation and Newton's method, solved on first use.
* `poisson_lshape`: the singular functions of the corners, coefficients by `scripts/make_lshape.py`.

Polynomials are evaluated by the second barycentric formula (Berrut and Trefethen, SIAM Review 46, 2004).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import ceil, pi

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import roots_hermite

from ..errors import InputError

__all__ = [
    "Reference",
    "allen_cahn_dirichlet",
    "allen_cahn_periodic",
    "allen_cahn_steady",
    "analytic",
    "burgers",
    "poisson_lshape",
]

Array = NDArray[np.float64]
Bounds = Mapping[str, tuple[float, float]]

_EDGE = (
    1e-12  # points this far outside still belong to the domain: rounding of coordinates, not another place
)
_CHUNK = 4096  # points evaluated at a time: temporaries stay below 10 MB


@dataclass(frozen=True)
class Reference:
    """Reference solution with its accuracy.

    Attributes:
        source: One line: how it was made.
        accuracy: Relative L2 error of the reference itself, over its test points.
        evaluate: Takes coordinates by name, arrays of shapes that broadcast, and returns the unknowns by name
            in the common shape, float64; NaN outside the domain.
        test_points: Returns the points where errors are measured: coordinates by name, flat arrays [M].
    """

    source: str
    accuracy: float
    evaluate: Callable[[Mapping[str, Array]], dict[str, Array]]
    test_points: Callable[[], dict[str, Array]]


def analytic(
    fn: Callable[..., ArrayLike], bounds: Bounds, unknown: str = "u", nodes: int | None = None
) -> Reference:
    """Return the reference given by a formula on a box.

    Args:
        fn: The solution: takes the coordinates as keyword arguments, arrays [M], and returns its values [M].
        bounds: Ends of the box by coordinate name.
        unknown: Name of the solution.
        nodes: Test points a coordinate, both ends included; by default 10,001 in one dimension, 129 x 129 in
            two, 25 x 25 x 25 in three. Above three dimensions: their number in all, scrambled Sobol points
            with a fixed seed, 20,000 by default.

    Returns:
        The reference; its accuracy is 1e-15, the rounding of the formula.

    Raises:
        InputError: If an interval of `bounds` is empty or there is none.
    """
    if not bounds or any(not low < high for low, high in bounds.values()):
        raise InputError(f"bounds have to name coordinates with low < high, not {dict(bounds)}")
    dim = len(bounds)

    def test_points() -> dict[str, Array]:
        if dim <= 3:
            count = nodes or (10_001, 129, 25)[dim - 1]
            return _grid(**{name: np.linspace(low, high, count) for name, (low, high) in bounds.items()})
        count = nodes or 20_000
        from scipy.stats import qmc  # slow to import

        unit = qmc.Sobol(dim, seed=0).random_base2(ceil(np.log2(count)))[:count]
        return {name: lo + (hi - lo) * unit[:, i] for i, (name, (lo, hi)) in enumerate(bounds.items())}

    values = lambda **points: np.asarray(fn(**points))
    return _reference("exact formula", 1e-15, bounds, values, test_points, (unknown,))


def burgers(nu: float = 0.01 / pi) -> Reference:
    r"""Return u of u_t + u u_x = nu u_xx, u(x, 0) = -sin(pi x), u(-1, t) = u(1, t) = 0.

    Domain: x in [-1, 1], t in [0, 1]. Cole-Hopf: with
    f(y) = exp(-cos(pi y) / (2 pi nu)) and c = 2 sqrt(nu t),

        u(x, t) = -\int sin(pi (x - c z)) f(x - c z) exp(-z^2) dz / \int f(x - c z) exp(-z^2) dz

    by Gauss-Hermite quadrature in z (Basdevant et al., Computers & Fluids 14, 1986). The largest exponent at
    a point is taken out of both integrals, so that nothing overflows; u is then an average of sines with
    positive weights, and t = 0 needs no special case. 100 nodes do for the default nu. A smaller nu moves the
    wells of the exponent apart in z, a larger one quickens the sines, and either takes more nodes in
    proportion.

    Accuracy 1e-12: at the default nu 100 and 300 nodes differ by 2e-15 in relative L2, and for nu from 1e-3
    to 0.2 the values agree with the Fourier series of f in 400-digit arithmetic to 1e-13. The file that PINN
    papers share (`burgers_shock.mat`) is within 2.9e-12. Test points: its grid, 256 x 100, x from -1 to 1, t
    from 0 to 0.99.

    Args:
        nu: Viscosity, from 1e-3 to 0.2.

    Returns:
        The reference; its unknown is u.

    Raises:
        InputError: If `nu` is outside that range, where the quadrature has not been verified.
    """
    if not 1e-3 <= nu <= 0.2:
        raise InputError(f"burgers has a reference for nu from 1e-3 to 0.2, not for nu = {nu}")
    count = ceil(100 * max(1.0, 0.01 / pi / nu, nu / 0.05))

    def fn(x: Array, t: Array) -> Array:
        z, weight = _hermite(count)
        y = x[:, None] - 2 * np.sqrt(nu * t)[:, None] * z
        exponent = -np.cos(pi * y) / (2 * pi * nu)
        f = weight * np.exp(exponent - exponent.max(1, keepdims=True))
        return np.asarray(-(np.sin(pi * y) * f).sum(1) / f.sum(1))

    return _reference(
        f"Cole-Hopf formula, Gauss-Hermite quadrature with {count} nodes",
        1e-12,
        {"x": (-1, 1), "t": (0, 1)},
        fn,
        lambda: _grid(x=np.linspace(-1, 1, 256), t=np.arange(100) / 100),
    )


def allen_cahn_periodic() -> Reference:
    """Return u of u_t = 1e-4 u_xx + 5 u - 5 u^3, u(x, 0) = x^2 cos(pi x), u of period 2 in x.

    Domain: x in [-1, 1], t in [0, 1]. The problem of Raissi, Perdikaris and Karniadakis (J. Comput. Phys.
    378, 2019). u0 has a kink at x = 1, from where a layer of width sqrt(1e-4 t) grows;
    `scripts/make_allen_cahn.py` tells how it is resolved. Stored are polynomials of degree 14 in x and 12
    in t on cells of space and time: no place is worse for lying off a node.

    Accuracy 1e-11: a second method (exact flows in a cosine basis, split and extrapolated to order 6;
    `scripts/check_allen_cahn.py`) differs by 5e-12 in relative L2, 1.6e-10 at most, at 8,192 x and 100 times
    from 0.01 to 1. In the first 1e-3 of time the largest difference is 4e-6, in the layer (relative L2 1e-7).
    `AC.mat`, the file that PINN papers share, is 1.2e-5 away. Test points: 257 x 101, both ends included.
    """
    return _allen_cahn("allen_cahn_periodic", 1e-11)


def allen_cahn_dirichlet() -> Reference:
    """Return u of u_t = 1e-3 u_xx + 5 u - 5 u^3, u(x, 0) = x^2 cos(pi x), u(-1, t) = u(1, t) = -1.

    Domain: x in [-1, 1], t in [0, 1]. DeepXDE's example. Initial and boundary values agree, but 1e-3 u0''(1)
    is not 0 = u_t(1): a weaker layer than in `allen_cahn_periodic`, stored and checked in the same way.

    Accuracy 5e-11: the second method differs by 2e-11 in relative L2, 4e-10 at most, at 8,192 x and 100 times
    from 0.01 to 1; 1e-9 at most before that. DeepXDE's own `Allen_Cahn.mat` is 1.6e-4 away (5e-4 at most), so
    errors below that cannot be measured with it. Test points: 257 x 101, both ends included.
    """
    return _allen_cahn("allen_cahn_dirichlet", 5e-11)


def _allen_cahn(name: str, accuracy: float) -> Reference:
    def fn(x: Array, t: Array) -> Array:
        x_breaks, x_nodes, t_breaks, t_nodes, values = _table(name)
        i, lx = _cell_basis(x_breaks, x_nodes, np.abs(x))  # u is even
        j, lt = _cell_basis(t_breaks, t_nodes, t)
        rows = j[:, None] * (t_nodes.size - 1) + np.arange(t_nodes.size)
        columns = i[:, None] * (x_nodes.size - 1) + np.arange(x_nodes.size)
        return np.asarray(np.einsum("mj,mji,mi->m", lt, values[rows[:, :, None], columns[:, None, :]], lx))

    return _reference(
        "spectral elements and ETDRK4, stored by scripts/make_allen_cahn.py",
        accuracy,
        {"x": (-1, 1), "t": (0, 1)},
        fn,
        lambda: _grid(x=np.linspace(-1, 1, 257), t=np.linspace(0, 1, 101)),
    )


def allen_cahn_steady() -> Reference:
    """Return u of -u'' + u^3 - u = 0 on (0, 1), u(0) = 1, u(1) = -1.

    Accuracy 1e-13: degrees 24 to 48 and the inverse function by quadrature (u'^2 = u^4 / 2 - u^2 + C gives x
    as an integral over u) agree to 3e-14. Test points: 10,001, both ends included.
    """
    return _reference(
        "Legendre-Lobatto collocation of degree 32 and Newton's method",
        1e-13,
        {"x": (0, 1)},
        lambda x: _lagrange(_steady()[0], x) @ _steady()[1],
        lambda: _grid(x=np.linspace(0, 1, 10_001)),
    )


def poisson_lshape() -> Reference:
    r"""Return u of -(u_xx + u_yy) = 1 on the L-shape, [-1, 1]^2 without x > 0, y > 0; u = 0 on its boundary.

    The method of particular solutions (Fox, Henrici and Moler, SIAM J. Numer. Anal. 4, 1967; Betcke and
    Trefethen, SIAM Review 47, 2005). At a corner of angle alpha, polar coordinates with its sides at phi = 0
    and alpha, f = 1 itself leaves a logarithm when 2 alpha is a multiple of pi,

        w = -y^2 / 2 + c Im(z^2 log z),   c = -1 / (2 alpha cos(2 alpha))   -- sin(alpha)^2 = 1 for both
        angles here

    with -Laplace w = 1, w = 0 on both sides: c = -1 / pi at the five right angles, -1 / (3 pi) at the
    re-entrant one. With all six logarithms and -(x^2 + y^2) / 4 taken out of u, what is left is harmonic,
    analytic across the right angles, and at the origin a sum of r^(2 k / 3) sin(2 k phi / 3) and an analytic
    function. So

        u = -(x^2 + y^2) / 4 + six logarithms + sum a_k r^(2 k / 3) sin(2 k phi / 3) + Re p(x + i y)

    with k not a multiple of 3 and a polynomial p; both sums converge geometrically. `scripts/make_lshape.py`
    fits their coefficients to u = 0 on the boundary. The error is harmonic: its largest value is on the
    boundary, where it can be seen.

    Accuracy 1e-12: |u| on the boundary, hence the error anywhere, is below 4e-14 (u itself reaches 0.149).
    Finite elements of degree 12 graded towards the corner, which know nothing of all this, come within 9e-10
    in relative L2 and closer with each refinement. Test points: the 161 x 161 grid without its 6,400 nodes in
    x > 0, y > 0.

    DeepXDE's `Poisson_Lshape.npz` is 9.3e-2 away. It is a good solution of another equation, -Laplace u + u =
    1: finite elements on its own nodes reproduce it to 2e-13 with that term and not without.
    """

    def fn(x: Array, y: Array) -> Array:
        particular, basis = _lshape_functions(x, y)
        return np.where((x > _EDGE) & (y > _EDGE), np.nan, particular + basis @ _lshape_coefficients())

    def test_points() -> dict[str, Array]:
        grid = _grid(x=np.linspace(-1, 1, 161), y=np.linspace(-1, 1, 161))
        keep = ~((grid["x"] > 0) & (grid["y"] > 0))
        return {name: array[keep] for name, array in grid.items()}

    return _reference(
        "corner singular functions and a polynomial, fitted by scripts/make_lshape.py",
        1e-12,
        {"x": (-1, 1), "y": (-1, 1)},
        fn,
        test_points,
    )


def _lshape_functions(x: Array, y: Array, degree: int = 40) -> tuple[Array, Array]:
    """Return the known part of u [M] and the harmonic functions to be fitted [M, n], see `poisson_lshape`."""
    z = x + 1j * y
    particular = -(np.abs(z) ** 2) / 4
    for corner, axis in (
        (1, -1),
        (1j, -1),
        (-1 + 1j, -1j),
        (-1 - 1j, 1),
        (1 - 1j, 1j),
    ):  # axis: its side phi = 0
        local = (z - corner) / axis
        particular -= (local**2 * np.log(np.where(local == 0, 1, local))).imag / pi
    r = np.abs(z)
    phi = (
        np.angle(-z / np.exp(0.25j * pi)) + 0.75 * pi
    )  # from the side x = 0, y > 0; the cut is outside, on x = y > 0
    log = np.log(np.where(r == 0, 1, r))
    particular -= r**2 * (log * np.sin(2 * phi) + phi * np.cos(2 * phi)) / (3 * pi)
    order = np.array([2 * k / 3 for k in range(1, degree + 1) if k % 3])
    scaled = r[:, None] / np.sqrt(2)
    powers = (z[:, None] / np.sqrt(2)) ** np.arange(degree + 1)
    return particular, np.hstack(
        [scaled**order * np.sin(order * phi[:, None]), powers.real, powers.imag[:, 1:]]
    )


def _reference(
    source: str,
    accuracy: float,
    bounds: Bounds,
    fn: Callable[..., Array],
    test_points: Callable[[], dict[str, Array]],
    unknowns: tuple[str, ...] = ("u",),
) -> Reference:
    """Wrap fn, values [M] or [unknowns, M] from flat coordinates [M] in the bounds, as a `Reference`."""

    def evaluate(points: Mapping[str, Array]) -> dict[str, Array]:
        if missing := [name for name in bounds if name not in points]:
            raise InputError(
                f"the reference needs coordinates {list(bounds)}; {missing} not among {list(points)}"
            )
        arrays = np.broadcast_arrays(*(np.asarray(points[name], float) for name in bounds))
        flat = [array.ravel() for array in arrays]
        inside = np.logical_and.reduce(
            [
                (low - _EDGE <= x) & (x <= high + _EDGE)
                for x, (low, high) in zip(flat, bounds.values(), strict=True)
            ]
        )
        values = np.full((len(unknowns), flat[0].size), np.nan)
        where = np.flatnonzero(inside)
        for start in range(0, where.size, _CHUNK):
            part = where[start : start + _CHUNK]
            inputs = {name: np.clip(x[part], *bounds[name]) for name, x in zip(bounds, flat, strict=True)}
            found = fn(**inputs)  # complex for a complex unknown
            values = values.astype(np.result_type(values, found), copy=False)
            values[:, part] = found
        return {name: row.reshape(arrays[0].shape) for name, row in zip(unknowns, values, strict=True)}

    return Reference(source, accuracy, evaluate, test_points)


def _grid(**axes: Array) -> dict[str, Array]:
    """Return the points of the tensor grid, flat [M], the last coordinate fastest."""
    mesh = np.meshgrid(*axes.values(), indexing="ij")
    return {name: array.ravel() for name, array in zip(axes, mesh, strict=True)}


def _lagrange(nodes: Array, s: Array) -> Array:
    """Return the Lagrange polynomials of nodes [n] at s [M]: an array [M, n]."""
    gap = nodes[:, None] - nodes
    np.fill_diagonal(gap, 1)
    weight = 1 / (4 / np.ptp(nodes) * gap).prod(1)  # the scale keeps the product of many gaps near 1
    distance = s[:, None] - nodes
    hit = distance == 0
    terms = weight / np.where(hit, 1, distance)
    terms = np.where(hit.any(1, keepdims=True), hit, terms)
    return np.asarray(terms / terms.sum(1, keepdims=True))


def _cell_basis(breaks: Array, nodes: Array, s: Array) -> tuple[NDArray[np.intp], Array]:
    """Return the cell [M] that holds each s [M] and the values there of its Lagrange polynomials [M, n]."""
    cell = np.clip(np.searchsorted(breaks, s, side="right") - 1, 0, breaks.size - 2)
    left = breaks[cell]
    return cell, _lagrange(nodes, (s - left) / (breaks[cell + 1] - left))


def _stored(name: str) -> dict[str, Array]:
    with (resources.files(__package__) / "data" / f"{name}.npz").open("rb") as file:
        return dict(np.load(file))


@cache
def _table(name: str) -> tuple[Array, Array, Array, Array, Array]:
    data = _stored(name)
    return data["x_breaks"], data["x_nodes"], data["t_breaks"], data["t_nodes"], data["values"]


@cache
def _lshape_coefficients() -> Array:
    return _stored("poisson_lshape")["coefficients"]


@cache
def _hermite(count: int) -> tuple[Array, Array]:
    nodes, weights = roots_hermite(count)
    return np.asarray(nodes), np.asarray(weights)


def lobatto(degree: int) -> tuple[Array, Array, Array]:
    """Return the Gauss-Lobatto-Legendre nodes [n], weights [n] and differentiation matrix [n, n] on [-1, 1].

    n = degree + 1; the matrix takes the values of a polynomial of that degree to those of its derivative.
    """
    legendre = np.polynomial.legendre.Legendre.basis(degree)
    nodes = np.concatenate([[-1.0], np.sort(legendre.deriv().roots().real), [1.0]])
    values = legendre(nodes)
    d = values[:, None] / values / (nodes[:, None] - nodes + np.eye(degree + 1))
    np.fill_diagonal(d, 0)
    np.fill_diagonal(d, -d.sum(1))
    return nodes, 2 / (degree * (degree + 1) * values**2), d


@cache
def _steady() -> tuple[Array, Array]:
    """Return nodes in [0, 1] and the steady solution there: collocation of degree 32, Newton's method."""
    nodes, _, d = lobatto(32)
    u, inner = -nodes, slice(1, -1)
    second = 4 * (d @ d)[inner]
    for _ in range(6):  # converges quadratically: the fourth change is below rounding
        jacobian = -second[:, inner] + np.diag(3 * u[inner] ** 2 - 1)
        u[inner] -= np.linalg.solve(jacobian, -second @ u + u[inner] ** 3 - u[inner])
    return (1 + nodes) / 2, u
