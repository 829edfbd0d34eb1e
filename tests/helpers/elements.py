"""Finite elements of first order on triangles, refined uniformly: an independent reference for tests."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve
from scipy.spatial import Delaunay


def refined(points, cells, labels):
    """Every triangle cut into four; corners keep their numbers."""
    edges = np.sort(cells[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    kept, middle = np.unique(edges, axis=0, return_inverse=True)
    a, b, c = cells.T
    ab, bc, ca = (middle.reshape(-1, 3) + len(points)).T
    children = np.stack([[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]).transpose(2, 0, 1)
    return np.concatenate([points, points[kept].mean(1)]), children.reshape(-1, 3), np.repeat(labels, 4)


def solved(points, cells, conductivity, source, fixed):
    """Nodal values of -div(k grad u) = source; conductivity [S] by cell, fixed: {node: value}."""
    at = points[cells]
    edge = at[:, [2, 0, 1]] - at[:, [1, 2, 0]]
    area = 0.5 * np.abs(np.linalg.det(at[:, 1:] - at[:, :1]))
    stiff = np.einsum("sik,sjk->sij", edge, edge) * (conductivity / (4 * area))[:, None, None]
    rows, columns = np.repeat(cells, 3, axis=1).ravel(), np.tile(cells, (1, 3)).ravel()
    A = coo_array((stiff.ravel(), (rows, columns)), shape=(len(points),) * 2).tocsr()
    b = np.bincount(cells.ravel(), np.repeat(source * area / 3, 3), len(points))
    u = np.zeros(len(points))
    held = np.array([*fixed])
    u[held] = [*fixed.values()]
    free = np.setdiff1d(np.arange(len(points)), held)
    u[free] = spsolve(A[free][:, free].tocsc(), b[free] - A[free][:, held] @ u[held])
    return u


def part(step=0.05, radius=0.25):
    """A plate, 2 by 1, of steel and copper that meet at x = 1, with a round plug of brass in the steel.

    Returns:
        Points, triangles, and the region of each: 0 steel, 1 copper, 2 brass.
    """
    x, y = np.meshgrid(np.arange(0, 2 + step / 2, step), np.arange(0, 1 + step / 2, step))
    grid = np.stack([x.ravel(), y.ravel()], 1)
    r = np.hypot(grid[:, 0] - 0.5, grid[:, 1] - 0.5)
    grid = grid[np.abs(r - radius) > 0.5 * step]
    angle = np.arange(0, 2 * np.pi - 1e-9, 2 * np.pi / round(2 * np.pi * radius / (0.7 * step)))
    circle = np.stack([0.5 + radius * np.cos(angle), 0.5 + radius * np.sin(angle)], 1)
    points = np.concatenate([grid, circle])
    cells = Delaunay(points).simplices
    at = points[cells]
    cells = cells[np.abs(np.linalg.det(at[:, 1:] - at[:, :1])) > 1e-9]
    centre = points[cells].mean(1)
    inside = np.hypot(centre[:, 0] - 0.5, centre[:, 1] - 0.5) < radius
    return points, cells, np.where(inside, 2, np.where(centre[:, 0] > 1, 1, 0))
