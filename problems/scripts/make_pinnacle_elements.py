"""Make data/pinnacle_{heat2d_cg,poisson3d_cg}.npz: places with round holes, by finite elements of degree 2.

Meshes with curved elements by Gmsh, an extra (`pip install .[meshes]`).  The heat equation with steady data
is solved by its Laplace transform, inverted for each time on a Talbot contour (Trefethen, Weideman and
Schmelzer, BIT 46, 2006): no time steps, whatever happens at t = 0.

Printed for each: the relative L2 distance of a computation on a coarser mesh, with fewer points on the
contour.

    python problems/scripts/make_pinnacle_elements.py [NAME ...]     # a minute
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import gmsh
import numpy as np
import scipy.sparse as sp
from make_pinnacle_grids import store
from numpy.typing import NDArray
from scipy.sparse.linalg import cg, splu

from sapts_pinn.problems.pinnacle.heat import BIG, SMALL
from sapts_pinn.problems.pinnacle.poisson import BALLS, source_3d

Array = NDArray[np.float64]
TALBOT = 16  # points of the contour


class Elements:
    """Elements of the mesh of some entities in Gmsh: values at quadrature points.

    Args:
        dim: Their dimension.
        tags: The entities; all by default.
        number: Index of a node by its tag in Gmsh.
    """

    def __init__(self, dim: int, tags: list[int], number: Array) -> None:
        self.kind = {1: 8, 2: 9, 3: 11}[dim]  # line, triangle and tetrahedron of degree 2
        local, weights = gmsh.model.mesh.getIntegrationPoints(self.kind, "Gauss5")
        basis = lambda name, k: np.reshape(
            gmsh.model.mesh.getBasisFunctions(self.kind, local, name)[1], (weights.size, -1, k)
        )
        self.phi, slopes = basis("Lagrange", 1)[:, :, 0], basis("GradLagrange", 3)
        at, det, jacobian, points = [], [], [], []
        for tag in tags:
            at.append(gmsh.model.mesh.getElementsByType(self.kind, tag)[1].reshape(-1, self.phi.shape[1]))
            j, d, p = gmsh.model.mesh.getJacobians(self.kind, local, tag)
            det.append(d.reshape(-1, weights.size))
            jacobian.append(j.reshape(-1, weights.size, 3, 3))
            points.append(p.reshape(-1, weights.size, 3))
        self.at = number[np.concatenate(at)]
        self.weights, self.points = abs(np.concatenate(det)) * weights, np.concatenate(points)
        # Gmsh has dx/du in rows; the normal to a plane mesh has length one.
        self.slopes = np.einsum("eqdk,qik->eqid", np.linalg.inv(np.concatenate(jacobian)), slopes)

    def mass(self, factor: Array | float = 1.0) -> Array:
        return np.einsum("eq,qi,qj->eij", self.weights * factor, self.phi, self.phi)

    def stiffness(self) -> Array:
        return np.einsum("eq,eqid,eqjd->eij", self.weights, self.slopes, self.slopes)

    def load(self, values: Array | float, count: int) -> Array:
        out = np.zeros(count)
        np.add.at(out, self.at, (self.weights * values) @ self.phi)
        return out

    def matrix(self, local: Array, count: int) -> sp.csr_matrix:
        i = np.broadcast_to(self.at[:, :, None], local.shape)
        j = np.broadcast_to(self.at[:, None, :], local.shape)
        return sp.csr_matrix((local.ravel(), (i.ravel(), j.ravel())), (count, count))


def meshed(size: float, around: int, make: Callable[[], None]) -> Array:
    """Mesh a geometry; the index of every node by its tag.

    Args:
        size: Largest element.
        around: Elements around a circle.
        make: Makes the geometry.
    """
    gmsh.clear()
    make()
    gmsh.model.occ.synchronize()
    gmsh.option.setNumber("Mesh.MeshSizeMax", size)
    gmsh.option.setNumber("Mesh.MeshSizeFromCurvature", around)
    gmsh.model.mesh.generate(max(d for d, _ in gmsh.model.getEntities()))
    gmsh.model.mesh.setOrder(2)
    tags = gmsh.model.mesh.getNodes()[0].astype(int)
    number = np.full(tags.max() + 1, -1)
    number[tags] = np.arange(tags.size)
    return number


def at_points(points: Array, dim: int, number: Array, count: int) -> sp.csr_matrix:
    """Matrix from nodal values to those at points [M, 3] of the mesh."""
    rows, columns, values = [], [], []
    for k, (x, y, z) in enumerate(points):
        _, kind, nodes, u, v, w = gmsh.model.mesh.getElementByCoordinates(x, y, z, dim)
        phi = gmsh.model.mesh.getBasisFunctions(kind, [u, v, w], "Lagrange")[1]
        rows += [k] * len(nodes)
        columns += list(number[nodes])
        values += list(phi)
    return sp.csr_matrix((values, (rows, columns)), (len(points), count))


# -- Heat2d-CG -------------------------------------------------------------------------------------------

TIMES = np.arange(1, 13) / 4


def plate() -> None:
    occ = gmsh.model.occ
    discs = [(x, y, r) for group in (BIG, SMALL) for x, y, r in group]
    tools = [(2, occ.addDisk(x, y, 0, r, r)) for x, y, r in discs]
    occ.cut([(2, occ.addRectangle(-8, -12, 0, 16, 24))], tools)


def heat(size: float, points: Array, order: int = TALBOT) -> Array:
    """u [M, T] at points, from 0: du/dn + u = 5, 1 and 0.1 on big discs, small ones and the sides."""
    number = meshed(size, round(12 / size), plate)
    count = int(number.max()) + 1
    inside = Elements(2, [t for _, t in gmsh.model.getEntities(2)], number)
    edges: dict[float, list[int]] = {5.0: [], 1.0: [], 0.1: []}
    for _, tag in gmsh.model.getEntities(1):
        length = gmsh.model.occ.getMass(1, tag)
        edges[5.0 if abs(length - 2 * np.pi) < 0.1 else 1.0 if length < 5 else 0.1].append(tag)
    mass, rest = inside.matrix(inside.mass(), count), inside.matrix(inside.stiffness(), count)
    load = np.zeros(count)
    for given, tags in edges.items():
        side = Elements(1, tags, number)
        rest = rest + side.matrix(side.mass(), count)
        load += side.load(given, count)
    sample, out = at_points(points, 2, number, count), []
    theta = np.pi * (2 * np.arange(order // 2) + 1) / order
    angle = 0.6407 * theta
    z = order * (0.5017 * theta / np.tan(angle) - 0.6122 + 0.2645j * theta)
    dz = order * (0.5017 / np.tan(angle) - 0.5017 * angle / np.sin(angle) ** 2 + 0.2645j)
    for t in TIMES:
        u = np.zeros(count)
        for one, slope in zip(z / t, dz / t, strict=True):
            transform = splu((one * mass + rest).tocsc(), permc_spec="MMD_AT_PLUS_A").solve(load / one)
            u += 2 / order * (np.exp(one * t) * slope * transform).imag
        out.append(sample @ u)
    return np.stack(out, -1)


def make_heat2d_cg() -> None:
    axes = {"x": np.linspace(-8, 8, 33), "y": np.linspace(-12, 12, 49)}
    grid = np.stack(np.meshgrid(*axes.values(), indexing="ij"))
    discs = [disc for group in (BIG, SMALL) for disc in group]
    keep = np.all([np.hypot(grid[0] - x, grid[1] - y) > r + 0.01 for x, y, r in discs], 0)
    points = np.pad(grid[:, keep].T, ((0, 0), (0, 1)))
    best, coarse = (np.full((1, *keep.shape, TIMES.size), np.nan) for _ in range(2))
    best[0][keep], coarse[0][keep] = heat(0.45, points), heat(0.7, points, TALBOT - 4)
    store("heat2d_cg", {**axes, "t": TIMES}, best, coarse)


# -- Poisson3d-CG ----------------------------------------------------------------------------------------


def cube() -> None:
    """The unit cube without the balls, in two parts that share the plane z = 1/2."""
    occ = gmsh.model.occ
    balls = [(3, occ.addSphere(x, y, z, r)) for x, y, z, r in BALLS]
    halves = [(3, occ.addBox(0, 0, z, 1, 1, 0.5)) for z in (0, 0.5)]
    parts, _ = occ.cut(halves, balls)
    occ.fragment(parts, [])


def poisson(size: float, points: Array) -> Array:
    number = meshed(size, 0, cube)
    count = int(number.max()) + 1
    inside = Elements(3, [t for _, t in gmsh.model.getEntities(3)], number)
    x, y, z = np.moveaxis(inside.points, -1, 0)
    local = inside.stiffness() + inside.mass(np.where(z < 0.5, 64.0, 100.0))
    matrix = inside.matrix(local, count)
    scale = sp.diags(1 / matrix.diagonal())
    u, failed = cg(matrix, inside.load(source_3d(x, y, z, np), count), rtol=1e-10, M=scale)
    assert not failed
    return np.asarray(at_points(points, 3, number, count) @ u)


def make_poisson3d_cg() -> None:
    axis = np.linspace(0, 1, 16)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"))
    keep = np.all([np.linalg.norm(grid.T - (x, y, z), axis=-1).T > r + 0.01 for x, y, z, r in BALLS], 0)
    points = grid[:, keep].T
    best, coarse = (np.full((1, *keep.shape), np.nan) for _ in range(2))
    best[0][keep], coarse[0][keep] = poisson(0.034, points), poisson(0.045, points)
    store("poisson3d_cg", dict.fromkeys(("x", "y", "z"), axis), best, coarse)


MAKERS = {"heat2d_cg": make_heat2d_cg, "poisson3d_cg": make_poisson3d_cg}

if __name__ == "__main__":
    gmsh.initialize()
    gmsh.option.setNumber("General.Terminal", 0)
    for one in sys.argv[1:] or MAKERS:
        MAKERS[one]()
