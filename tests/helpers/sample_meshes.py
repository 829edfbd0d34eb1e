"""Small meshes with known measures, for tests of meshes."""

import numpy as np
import pyvista
from scipy.spatial import Delaunay

from sapts_pinn.geometry import Mesh


def lattice(*counts: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of a regular grid of the unit cube, and their numbers by position."""
    axes = np.meshgrid(*(np.linspace(0, 1, n + 1) for n in counts), indexing="ij")
    number = np.arange(axes[0].size).reshape(axes[0].shape)
    return np.stack([a.reshape(-1) for a in axes], 1), number


def square(n: int = 4) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The unit square in triangles below and quads above, with its sides as lines."""
    points, k = lattice(n, n)
    corners = np.stack([k[:-1, :-1], k[1:, :-1], k[1:, 1:], k[:-1, 1:]], -1)
    low, high = corners[:, : n // 2].reshape(-1, 4), corners[:, n // 2 :].reshape(-1, 4)
    cells = {"triangle": np.concatenate([low[:, :3], low[:, [0, 2, 3]]]), "quad": high}
    run = lambda row: np.stack([row[:-1], row[1:]], 1)
    sides = {
        "bottom": run(k[:, 0]),
        "right": run(k[-1]),
        "rest": np.concatenate([run(k[:, -1]), run(k[0])]),
    }
    return points, cells, sides


def box_surface(lower, upper) -> pyvista.PolyData:
    bounds = [v for pair in zip(lower, upper, strict=True) for v in pair]
    return pyvista.Box(bounds, level=1).triangulate().clean()


def measures(mesh) -> dict[str, float]:
    return {p.tag: p.measure for p in mesh.face_patches()}


def random_mesh(dim: int, seed: int) -> tuple[Mesh, Delaunay, np.ndarray]:
    """Some of the simplices of a Delaunay triangulation, turned at random."""
    rand = np.random.default_rng(seed)
    triangulation = Delaunay(rand.uniform(size=(12, dim)))
    cells = triangulation.simplices
    at = triangulation.points[cells]
    fat = np.abs(np.linalg.det(at[:, 1:] - at[:, :1])) > 1e-3
    kept = fat & (rand.uniform(size=len(cells)) < 0.6)
    kept[fat.argmax()] = True
    turned = np.take_along_axis(cells[kept], np.argsort(rand.uniform(size=(kept.sum(), dim + 1)), 1), 1)
    return Mesh.from_arrays(triangulation.points, turned), triangulation, kept


def boundary(mesh):
    return sum(patch.measure for patch in mesh.face_patches())
