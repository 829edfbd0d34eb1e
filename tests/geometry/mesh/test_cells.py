"""Quadrature on the cells of a mesh."""

from __future__ import annotations

import pytest

from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Mesh
from sapts_pinn.geometry.quadrature import Rule


def test_a_tetrahedron():
    corners = [[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    mesh = Mesh.from_arrays(corners, [[0, 1, 2, 3]])
    points, weights = mesh.quadrature(Rule(32))
    assert float((weights * points[:, 0] * points[:, 1]).sum()) == pytest.approx(1 / 120, rel=1e-12)


def test_a_closed_surface_has_none():
    corners = [[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    mesh = Mesh.from_arrays(corners, [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
    with pytest.raises(InputError, match="no quadrature on"):
        mesh.quadrature(Rule(8))
