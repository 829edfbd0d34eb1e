"""Meshes of a plane in space."""

import numpy as np
import pytest

from sample_meshes import boundary
from sapts_pinn.bench.trust.meshes import grid
from sapts_pinn.geometry import Mesh


def test_a_mesh_in_any_plane():
    points, cells = grid(2, 3, (0, 0), (2, 3))
    x, y = points.T
    assert Mesh.from_arrays(np.stack([x, 0 * x + 5, y], 1), cells).names == ("x", "z")
    assert Mesh.from_arrays(np.stack([0 * x, x, y], 1), cells, names=("r", "z")).names == ("r", "z")
    tilted = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
    with pytest.warns(UserWarning, match="tilted plane: its coordinates are measured on it, x along"):
        mesh = Mesh.from_arrays(np.stack([x, y, 0 * x + 0.7], 1) @ tilted.T, cells)
    assert mesh.volume == pytest.approx(6) and boundary(mesh) == pytest.approx(10)
    assert np.allclose(mesh.axes @ mesh.axes.T, np.eye(2)) and np.abs(mesh.axes @ tilted[:, 2]).max() < 1e-12
