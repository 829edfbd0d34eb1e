"""Make data/pinnacle_{ns2d_c,ns2d_cg,ns2d_lt}.npz: flows of PINNacle by finite elements on rectangles.

Velocities of degree k and continuous pressures of degree k - 1 in each coordinate (Taylor and Hood), on
rectangles that become smaller towards corners.  Steady flows by Newton's method; the unsteady one by backward
differences of order 3 with extrapolated convection.  At an outlet v = 0 is imposed and nu u_x = p follows, so
that p = 0 as u_x = -v_y = 0.

Printed for each: the relative L2 distance of a computation of a lower degree and with longer steps.

    python problems/scripts/make_pinnacle_flow.py [NAME ...]         # some minutes
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from make_pinnacle_grids import store
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from sapts_pinn.problems.references import _lagrange, lobatto

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


class Line:
    """Nodes of one coordinate: elements between breaks, of a degree.

    Attributes:
        nodes: Of all elements, [n].
        at: Indices of the nodes of each element, [E, degree + 1].
    """

    def __init__(self, breaks: Array, degree: int) -> None:
        self.breaks, self.unit = breaks, (1 + lobatto(degree)[0]) / 2
        ends = zip(breaks[:-1], np.diff(breaks), strict=True)
        self.nodes = np.append(np.concatenate([a + h * self.unit[:-1] for a, h in ends]), breaks[-1])
        self.at = degree * np.arange(breaks.size - 1)[:, None] + np.arange(degree + 1)

    def values(self, s: Array) -> tuple[Array, Array]:
        """Basis functions of an element and their derivatives at s in [0, 1]: [M, degree + 1] each."""
        h = 1e-6
        slope = (_lagrange(self.unit, s + h) - _lagrange(self.unit, s - h)) / (2 * h)
        return _lagrange(self.unit, s), slope

    def matrix(self, x: Array) -> Array:
        """Matrix [M, n] from nodal values to values at x [M]."""
        cell = np.clip(np.searchsorted(self.breaks, x, side="right") - 1, 0, self.breaks.size - 2)
        out = np.zeros((x.size, self.nodes.size))
        local = _lagrange(self.unit, (x - self.breaks[cell]) / np.diff(self.breaks)[cell])
        np.put_along_axis(out, self.at[cell], local, 1)
        return out


class Flow:
    """Discrete Navier-Stokes equations on the rectangles of a grid that are kept.

    Args:
        x: Breaks in x.
        y: Breaks in y.
        degree: Of the velocities.
        keep: Function of the middle of a rectangle.
        nu: Viscosity.
    """

    def __init__(self, x: Array, y: Array, degree: int, keep: Callable[..., bool], nu: float) -> None:
        self.nu, self.fine = nu, (Line(x, degree), Line(y, degree))
        self.coarse = Line(x, degree - 1), Line(y, degree - 1)
        middles = [(b[1:] + b[:-1]) / 2 for b in (x, y)]
        cells = [(i, j) for i, a in enumerate(middles[0]) for j, b in enumerate(middles[1]) if keep(a, b)]
        s, w = np.polynomial.legendre.leggauss(degree + 2)
        s, w = (1 + s) / 2, w / 2
        size = np.array([(np.diff(x)[i], np.diff(y)[j]) for i, j in cells])
        self.weight = size.prod(1)[:, None] * np.outer(w, w).ravel()
        self.at, self.phi, self.dx, self.dy = self._basis(self.fine, cells, size, s)
        self.at_p, self.psi, _, _ = self._basis(self.coarse, cells, size, s)
        places = [(b[:-1][[c[k] for c in cells]][:, None] + size[:, [k]] * s) for k, b in enumerate((x, y))]
        self.x = np.repeat(places[0][:, :, None], s.size, 2).reshape(len(cells), -1)
        self.y = np.repeat(places[1][:, None, :], s.size, 1).reshape(len(cells), -1)
        self.n = self.fine[0].nodes.size * self.fine[1].nodes.size
        self.m = self.coarse[0].nodes.size * self.coarse[1].nodes.size
        used = np.zeros(2 * self.n + self.m, bool)
        for part in (self.at, self.at + self.n, self.at_p + 2 * self.n):
            used[part] = True
        self.used = used
        self.nodes = np.stack([c.ravel() for c in np.meshgrid(*(f.nodes for f in self.fine), indexing="ij")])
        grads = np.einsum("eq,eqi,eqj->eij", self.weight, self.dx, self.dx)
        grads += np.einsum("eq,eqi,eqj->eij", self.weight, self.dy, self.dy)
        self.mass = self._block(np.einsum("eq,qi,qj->eij", self.weight, self.phi, self.phi))
        diffusion = nu * self._block(grads)
        bx, by = (
            self._block(-np.einsum("eq,qi,eqj->eij", self.weight, self.psi, d), self.at_p, self.m)
            for d in (self.dx, self.dy)
        )
        zero = sp.csr_matrix((self.m, self.m))
        self.stokes = sp.bmat([[diffusion, None, bx.T], [None, diffusion, by.T], [bx, by, zero]], "csr")

    def _basis(
        self, lines: tuple[Line, Line], cells: list[tuple[int, int]], size: Array, s: Array
    ) -> tuple[Indices, Array, Array, Array]:
        (fx, gx), (fy, gy) = (line.values(s) for line in lines)
        wide = lines[1].nodes.size
        at = np.stack([(lines[0].at[i][:, None] * wide + lines[1].at[j]).ravel() for i, j in cells])
        product = lambda a, b: np.einsum("pi,qj->pqij", a, b).reshape(s.size**2, -1)
        dx, dy = product(gx, fy) / size[:, 0, None, None], product(fx, gy) / size[:, 1, None, None]
        return at, product(fx, fy), dx, dy

    def _block(self, local: Array, rows: Indices | None = None, count: int | None = None) -> sp.csr_matrix:
        rows = self.at if rows is None else rows
        i = np.broadcast_to(rows[:, :, None], local.shape)
        j = np.broadcast_to(self.at[:, None, :], local.shape)
        shape = (count or self.n, self.n)
        return sp.csr_matrix((local.ravel(), (i.ravel(), j.ravel())), shape)

    def convection(self, z: Array, jacobian: bool = True) -> tuple[Array, sp.csr_matrix | None]:
        """(u . grad) u tested with all functions, and its derivative."""
        u, v = z[: self.n][self.at], z[self.n : 2 * self.n][self.at]
        a, b = u @ self.phi.T, v @ self.phi.T
        slopes = [np.einsum("eqi,ei->eq", d, c) for c in (u, v) for d in (self.dx, self.dy)]
        out = np.zeros(z.size)
        for k, (cx, cy) in enumerate((slopes[:2], slopes[2:])):
            np.add.at(out, self.at + k * self.n, (self.weight * (a * cx + b * cy)) @ self.phi)
        if not jacobian:
            return out, None
        along = a[:, :, None] * self.dx + b[:, :, None] * self.dy
        carry = np.einsum("eq,qi,eqj->eij", self.weight, self.phi, along)
        ux, uy, vx, vy = (np.einsum("eq,qi,qj->eij", self.weight * g, self.phi, self.phi) for g in slopes)
        blocks = [[carry + ux, uy], [vx, carry + vy]]
        inner = sp.bmat([[self._block(one) for one in row] for row in blocks])
        return out, sp.block_diag([inner, sp.csr_matrix((self.m, self.m))], "csr")

    def steady(self, fixed: Array, values: Array) -> Array:
        """Solve by Newton's method, with given values where `fixed`."""
        z, free = np.where(fixed, values, 0.0), self.used & ~fixed
        for _ in range(25):
            load, slope = self.convection(z)
            residual = (self.stokes @ z + load)[free]
            step = splu((self.stokes + slope)[free][:, free].tocsc()).solve(-residual)
            z[free] += step
            if abs(step).max() < 1e-11:
                return z
        raise RuntimeError("Newton's method has not converged")

    def at_grid(self, z: Array, x: Array, y: Array) -> Array:
        """u, v and p at a grid of points, [3, nx, ny]."""
        out = []
        for k, lines in enumerate((self.fine, self.fine, self.coarse)):
            start = k * self.n
            nodal = z[start : start + lines[0].nodes.size * lines[1].nodes.size]
            nodal = nodal.reshape(lines[0].nodes.size, -1)
            out.append(lines[0].matrix(x) @ nodal @ lines[1].matrix(y).T)
        return np.stack(out)


def graded(a: float, b: float, count: int, left: bool = True, right: bool = True) -> Array:
    """Breaks from a to b, shorter by factors of 2 at the ends named."""
    s = np.linspace(0, 1, count + 1)
    ends = 2.0 ** -np.arange(1, 5) * s[1]
    return a + (b - a) * np.unique(np.concatenate([s, ends if left else [], 1 - ends if right else []]))


def cavity(degree: int) -> Array:
    flow = Flow(graded(0, 1, 6), graded(0, 1, 6), degree, lambda x, y: True, 0.01)
    x, y = flow.nodes
    wall = (x == 0) | (x == 1) | (y == 0) | (y == 1)
    fixed = np.concatenate([wall, wall, np.arange(flow.m) == 0])  # p = 0 at the first node, the origin
    z = flow.steady(fixed, np.concatenate([np.where(y == 1, 4 * x * (1 - x), 0), 0 * x, np.zeros(flow.m)]))
    nodes = np.linspace(0, 1, 41)
    values = flow.at_grid(z, nodes, nodes)
    values[:, [0, -1], -1] = np.nan  # at the ends of the lid the pressure is infinite
    return values


def make_ns2d_c() -> None:
    axes = {"x": np.linspace(0, 1, 41), "y": np.linspace(0, 1, 41)}
    store("ns2d_c", axes, cavity(6), cavity(4), digits=9)


def step(degree: int) -> Array:
    xs = np.concatenate([graded(0, 2, 5), graded(2, 4, 5)[1:]])
    ys = np.concatenate([graded(0, 1, 4), graded(1, 2, 4)[1:]])
    flow = Flow(xs, ys, degree, lambda x, y: x > 2 or y < 1, 0.01)
    x, y = flow.nodes
    inlet, outlet = (x == 0) & (y < 1), x == 4
    wall = (y == 0) | (y == 2) | ((x <= 2) & (y == 1)) | ((x == 2) & (y >= 1))
    fixed = np.concatenate([inlet | wall, inlet | wall | outlet, np.zeros(flow.m, bool)])
    u = np.where(inlet, 4 * y * (1 - y), 0)
    z = flow.steady(fixed, np.concatenate([u, 0 * x, np.zeros(flow.m)]))
    gx, gy = np.linspace(0, 4, 65), np.linspace(0, 2, 33)
    values = flow.at_grid(z, gx, gy)
    values[:, (gx[:, None] < 2) & (gy > 1)] = np.nan
    return values


def make_ns2d_cg() -> None:
    axes = {"x": np.linspace(0, 4, 65), "y": np.linspace(0, 2, 33)}
    store("ns2d_cg", axes, step(5), step(4), digits=9)


def pulses(degree: int, dt: float) -> Array:
    ys = np.array([0, 0.04, 0.12, 0.28, 0.5, 0.72, 0.88, 0.96, 1.0])
    flow = Flow(np.concatenate([[0, 0.06], np.linspace(0.16, 2, 11)]), ys, degree, lambda x, y: True, 0.01)
    x, y = flow.nodes
    wall, inlet, outlet = (y == 0) | (y == 1), x == 0, x == 2
    fixed = np.concatenate([inlet | wall, inlet | wall | outlet, np.zeros(flow.m, bool)])
    free = flow.used & ~fixed
    mass = sp.block_diag([flow.mass, flow.mass, sp.csr_matrix((flow.m, flow.m))], "csr")
    force = np.zeros(free.size)
    push = flow.weight * np.sin(np.pi * flow.x) * np.sin(np.pi * flow.y)
    np.add.at(force, flow.at + flow.n, -push @ flow.phi)
    rules = {
        1: (1.0, [1.0], [1.0]),
        2: (1.5, [2.0, -0.5], [2.0, -1.0]),
        3: (11 / 6, [3.0, -1.5, 1 / 3], [3.0, -3.0, 1.0]),
    }
    matrices = {k: flow.stokes + rule[0] / dt * mass for k, rule in rules.items()}
    solvers = {k: splu(m[free][:, free].tocsc()) for k, m in matrices.items()}
    gx, gy = np.linspace(0, 2, 21), np.linspace(0, 1, 11)
    earlier: list[tuple[Array, Array]] = [(np.zeros(free.size), np.zeros(free.size))]
    out, every = [], round(0.1 / dt)
    for i in range(1, round(5 / dt) + 1):
        t, k = i * dt, min(i, 3)
        _, past, ahead = rules[k]
        load = force * np.sin(np.pi * t)
        for (z, c), a, b in zip(earlier, past, ahead, strict=False):
            load += a / dt * (mass @ z) - b * c
        z = np.zeros(free.size)
        pulse = np.sin(np.pi * t) + np.sin(3 * np.pi * t) + np.sin(5 * np.pi * t)
        z[: flow.n] = np.where(inlet, np.sin(np.pi * y) * pulse, 0)
        z[free] = solvers[k].solve((load - matrices[k] @ z)[free])
        earlier = [(z, flow.convection(z, jacobian=False)[0]), *earlier[:2]]
        if i % every == 0:
            out.append(flow.at_grid(z, gx, gy))
    return np.stack(out, -1)


def make_ns2d_lt() -> None:
    axes = {"x": np.linspace(0, 2, 21), "y": np.linspace(0, 1, 11), "t": np.arange(1, 51) / 10}
    store("ns2d_lt", axes, pulses(4, 0.002), pulses(3, 0.0025))


MAKERS = {"ns2d_c": make_ns2d_c, "ns2d_cg": make_ns2d_cg, "ns2d_lt": make_ns2d_lt}

if __name__ == "__main__":
    for one in sys.argv[1:] or MAKERS:
        MAKERS[one]()
