"""A periodic cell with a round hole as a mesh, and the conductivity of such arrays."""

import numpy as np
from scipy.spatial import Delaunay


def perrins(ratio, radius):
    """Conductivity of a square array of discs, `ratio` times as conducting as the rest.

    W. T. Perrins, D. R. McKenzie, R. C. McPhedran, Proc. R. Soc. A 369 (1979) 207, after Rayleigh (1892).
    """
    f, t = np.pi * radius**2, (1 + ratio) / (1 - ratio)
    return 1 - 2 * f / (t + f - 0.305827 * f**4 * t / (t**2 - 1.402958 * f**8) - 0.013362 * f**8 / t)


def mesh_of_cell(radius, step=0.04):
    """Points and triangles of the unit cell about zero without a disc, with equal nodes on opposite sides."""
    count = round(1 / step) + 1
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, count), np.linspace(-0.5, 0.5, count))
    grid = np.stack([x.ravel(), y.ravel()], 1)
    grid = grid[np.hypot(*grid.T) > radius + 0.5 * step]
    angle = np.linspace(0, 2 * np.pi, round(2 * np.pi * radius / (0.5 * step)) + 1)[:-1]
    points = np.concatenate([grid, radius * np.stack([np.cos(angle), np.sin(angle)], 1)])
    cells = Delaunay(points).simplices
    at = points[cells]
    cells = cells[np.abs(np.linalg.det(at[:, 1:] - at[:, :1])) > 1e-9]
    return points, cells[np.hypot(*points[cells].mean(1).T) > radius]
